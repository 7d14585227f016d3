import { AppError } from './app-error.ts'
import { createAesSiv } from './aes-siv.ts'

/**
 * Seals what must not lie in clear on a disk: real numbers, secrets, push bodies, call records
 * (docs/adr/0003-sealing.md). Sealed text is `<key version>.<base64url>`; everything is AES-SIV, so equal texts of
 * one kind have equal seals. Numbers are looked up by that; the other kinds have a domain of their own each.
 */
export type Sealer = {
  /** A telephone number, or another short key to be found by equality. */
  sealNumber(text: string): string
  openNumber(sealed: string): string
  /** Any other text. `kind` separates columns: a text sealed as one kind does not open as another. */
  sealText(text: string, kind?: string): string
  openText(sealed: string, kind?: string): string
}

/** Length of the master key in bytes: two AES-256 keys. */
export const SEAL_KEY_BYTES = 64

const VERSION = 'a'
const PREFIX = `${VERSION}.`

/** Throws AppError `SEAL_KEY_INVALID` unless `key` has 64 bytes. Opening throws `SEAL_BROKEN` on foreign data. */
export function createSealer(key: Uint8Array): Sealer {
  if (key.length !== SEAL_KEY_BYTES) {
    throw new AppError(
      'SEAL_KEY_INVALID',
      `the seal key must have ${SEAL_KEY_BYTES} bytes, it has ${key.length}`,
    )
  }
  const siv = createAesSiv(key)
  const number = siv.domain('number')
  const kinds = new Map<string, ReturnType<typeof siv.domain>>()
  const domainOf = (kind: string) => {
    let domain = kinds.get(kind)
    if (!domain) kinds.set(kind, (domain = siv.domain(`text:${kind}`)))
    return domain
  }
  return {
    sealNumber: (text) => PREFIX + siv.seal(Buffer.from(text), number).toString('base64url'),
    openNumber: (sealed) => siv.open(bytesOf(sealed), number).toString(),
    sealText: (text, kind = 'text') =>
      PREFIX + siv.seal(Buffer.from(text), domainOf(kind)).toString('base64url'),
    openText: (sealed, kind = 'text') => siv.open(bytesOf(sealed), domainOf(kind)).toString(),
  }
}

function bytesOf(sealed: string): Buffer {
  if (!sealed.startsWith(PREFIX)) {
    throw new AppError(
      'SEAL_KEY_UNKNOWN',
      `stored data is sealed with key version "${sealed.slice(0, sealed.indexOf('.'))}", this program has "${VERSION}"`,
    )
  }
  return Buffer.from(sealed.slice(PREFIX.length), 'base64url')
}
