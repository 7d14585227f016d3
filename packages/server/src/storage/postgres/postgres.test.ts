import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe } from 'node:test'
import { skipsPostgres, takeDatabase, type TestDatabase } from '../../testkit/postgres.ts'
import { storageContract, type StorageFactory } from '../contract.test-suite.ts'
import { openStorage, type StorageOptions } from '../open-storage.ts'

function directory(): StorageFactory & { readonly dir: string } {
  const dir = mkdtempSync(path.join(tmpdir(), 'maskline-db-'))
  let database: TestDatabase | undefined
  const open = async (options: Partial<StorageOptions> = {}) => {
    database ??= await takeDatabase()
    return openStorage({ dataDir: dir, databaseUrl: database.url, ...options })
  }
  return {
    dir,
    open,
    reopen: open,
    async dispose() {
      await database?.release()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

describe('PostgreSQL', { skip: skipsPostgres }, () => {
  storageContract('PostgreSQL', directory)
})
