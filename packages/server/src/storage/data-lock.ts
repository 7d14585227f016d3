import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AppError } from '../shared/app-error.ts'

/** Result code of SQLite: somebody else holds the lock. */
const SQLITE_BUSY = 5

/**
 * Keeps a second platform off a data folder: it would take the first one's running calls for crashed ones. The lock is
 * an exclusive transaction on a file of its own, which the system drops with the process, however that ends.
 * Throws AppError `DATA_IN_USE`, or `DATA_DIR_UNUSABLE` when the file cannot be locked at all.
 */
export function lockDataDir(dataDir: string): { release(): void } {
  const file = path.join(dataDir, 'lock.db')
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { timeout: 0 })
    database.exec('pragma locking_mode = exclusive; begin exclusive')
  } catch (cause) {
    database?.close()
    const { errcode = 0, message } = cause as Error & { errcode?: number }
    // The low byte: above it are details.
    if ((errcode & 0xff) !== SQLITE_BUSY)
      throw new AppError(
        'DATA_DIR_UNUSABLE',
        `cannot lock ${path.resolve(file)}: ${message}; it holds nothing, so remove it, and let the folder belong to the user that runs Maskline`,
        { cause },
      )
    throw new AppError(
      'DATA_IN_USE',
      `another maskline runs on the data folder ${path.resolve(dataDir)}; stop it, or choose another folder with --data DIR`,
      { cause },
    )
  }
  const held = database
  return { release: () => held.close() }
}
