import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { loadSealKey, SEAL_KEY_FILE } from './key-file.ts'

function withDirectory(run: (dir: string) => void): void {
  const dir = mkdtempSync(path.join(tmpdir(), 'maskline-key-'))
  try {
    run(dir)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

test('the first start makes a key that only the owner can read, later starts read the same', () =>
  withDirectory((dir) => {
    const data = path.join(dir, 'data')
    const key = loadSealKey(data)
    assert.equal(key.length, 64)
    assert.deepEqual(loadSealKey(data), key)
    assert.deepEqual(readdirSync(data), [SEAL_KEY_FILE])
    if (process.platform !== 'win32') {
      assert.equal(statSync(path.join(data, SEAL_KEY_FILE)).mode & 0o777, 0o600)
    }
  }))

test('a damaged key file is refused and left alone', () =>
  withDirectory((dir) => {
    writeFileSync(path.join(dir, SEAL_KEY_FILE), 'c0ffee\n')
    assert.throws(() => loadSealKey(dir), { code: 'SEAL_KEY_INVALID' })
    assert.equal(statSync(path.join(dir, SEAL_KEY_FILE)).size, 7)
  }))

test('a data directory that cannot be made is named in the error', () =>
  withDirectory((dir) => {
    writeFileSync(path.join(dir, 'file'), '')
    assert.throws(() => loadSealKey(path.join(dir, 'file', 'data')), {
      code: 'DATA_DIR_UNUSABLE',
      message: /file/,
    })
  }))
