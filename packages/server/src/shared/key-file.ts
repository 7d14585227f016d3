import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AppError } from './app-error.ts'
import { SEAL_KEY_BYTES } from './seal.ts'

export const SEAL_KEY_FILE = 'seal.key'

/**
 * The master key of the sealer, `DATA/seal.key`: 128 hex digits. Made at the first start, readable by the owner
 * only. Whoever has this file and the database has the numbers; without it the database is of no use, so back it
 * up, apart from the database. Throws AppError `DATA_DIR_UNUSABLE` or `SEAL_KEY_INVALID`.
 */
export function loadSealKey(dataDir: string): Uint8Array {
  const file = join(dataDir, SEAL_KEY_FILE)
  return keyOf(file, createOnce(file, newKey))
}

/** The master key of a data folder in use, which is never made here. Throws like `loadSealKey`. */
export function readSealKey(dataDir: string): Uint8Array {
  const file = join(dataDir, SEAL_KEY_FILE)
  return keyOf(file, readOrUndefined(file) ?? '')
}

function keyOf(file: string, text: string): Uint8Array {
  const key = Buffer.from(text.trim(), 'hex')
  if (key.length !== SEAL_KEY_BYTES) {
    throw new AppError(
      'SEAL_KEY_INVALID',
      `${file} must hold ${SEAL_KEY_BYTES * 2} hex digits; restore it from a backup`,
    )
  }
  return key
}

function readOrUndefined(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new AppError('DATA_DIR_UNUSABLE', `cannot read ${file}: ${(cause as Error).message}`, { cause })
  }
}

const newKey = (): string => randomBytes(SEAL_KEY_BYTES).toString('hex')

/**
 * The text of a small file, which is made with `newText` when it is absent. It is written as a draft and linked into
 * place: two first starts at once end with one text, never with half of one. Throws AppError `DATA_DIR_UNUSABLE`.
 */
export function createOnce(file: string, newText: () => string): string {
  const known = readOrUndefined(file)
  if (known !== undefined) return known
  const draft = `${file}.${process.pid}`
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(draft, `${newText()}\n`, { mode: 0o600, flush: true })
    try {
      linkSync(draft, file)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    } finally {
      rmSync(draft, { force: true })
    }
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new AppError(
      'DATA_DIR_UNUSABLE',
      `cannot create ${file}: ${(cause as Error).message}; give the data directory to the user that runs Maskline`,
      { cause },
    )
  }
}
