import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { AppError } from '../shared/app-error.ts'
import { createOnce } from '../shared/key-file.ts'

export const ADMIN_TOKEN_FILE = 'admin.token'

/** The token of the admin API, `DATA/admin.token`: made at the first start, readable by the owner only. */
export function loadAdminToken(dataDir: string): string {
  return checked(
    dataDir,
    createOnce(path.join(dataDir, ADMIN_TOKEN_FILE), () => randomBytes(32).toString('base64url')),
  )
}

/** The token of a data folder in use. Throws AppError `NO_DATA` where no platform has run yet. */
export function readAdminToken(dataDir: string): string {
  const file = path.join(dataDir, ADMIN_TOKEN_FILE)
  try {
    return checked(dataDir, readFileSync(file, 'utf8'))
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    const { code } = cause as NodeJS.ErrnoException
    throw new AppError(
      'NO_DATA',
      code === 'ENOENT'
        ? `no platform has run on ${path.resolve(dataDir)} yet; \`npm start\` runs one, --data DIR names another folder`
        : `cannot read ${file} (${code}); it belongs to the user that runs Maskline`,
      { cause },
    )
  }
}

function checked(dataDir: string, text: string): string {
  const token = text.trim()
  if (/^[\x21-\x7e]{16,}$/.test(token)) return token
  throw new AppError(
    'ADMIN_TOKEN_INVALID',
    `${path.join(dataDir, ADMIN_TOKEN_FILE)} must hold one word of at least 16 letters and digits; delete it, and the next start makes a new one`,
  )
}
