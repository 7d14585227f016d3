import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AppError } from '../shared/app-error.ts'

/**
 * Keeps a second platform off a data folder: it would take the first one's running calls for crashed ones. The lock is
 * an exclusive transaction on a file of its own, which the system drops with the process, however that ends.
 * Throws AppError `DATA_IN_USE`.
 */
export function lockDataDir(dataDir: string): { release(): void } {
  const database = new DatabaseSync(path.join(dataDir, 'lock.db'), { timeout: 0 })
  try {
    database.exec('pragma locking_mode = exclusive; begin exclusive')
  } catch (cause) {
    database.close()
    throw new AppError(
      'DATA_IN_USE',
      `another maskline runs on the data folder ${path.resolve(dataDir)}; stop it, or choose another folder with --data DIR`,
      { cause },
    )
  }
  return { release: () => database.close() }
}
