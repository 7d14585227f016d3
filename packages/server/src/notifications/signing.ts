import { randomFillSync } from 'node:crypto'
import { akskDigest, wsseDigest } from '../shared/credentials.ts'
import { formatCreated } from '../shared/time.ts'
import type { EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'

const AKSK = 'AKSK realm="SDP",profile="UsernameToken",type="Appkey"'
const WSSE = 'WSSE realm="SDP",profile="UsernameToken",type="Appkey"'

/** What the signature of a push needs of an app. */
export type PushSigner = Pick<App, 'key' | 'secret' | 'pushSignature'>

/** Nonces come from 4 KiB of randomness at a time: one call into the generator for 256 of them. */
const pool = Buffer.alloc(4096)
let hex = ''
let used = 0

/** 32 lower-case hex digits, never twice. */
export function newNonce(): string {
  if (used === hex.length) {
    hex = randomFillSync(pool).toString('hex')
    used = 0
  }
  return hex.slice(used, (used += 32))
}

let createdSecond = Number.NaN
let createdText = ''

/** `Created` of this instant; the same text serves a whole second. */
function createdOf(now: EpochMs): string {
  const second = Math.floor(now / 1000)
  if (second !== createdSecond) {
    createdSecond = second
    createdText = formatCreated(now)
  }
  return createdText
}

/**
 * Headers that prove to the customer who pushes, as a flat list of names and values (spec/notifications.md
 * section 2): signed anew for every attempt. Receivers split the token at commas and read the four values by
 * position, so order and quoting are fixed and no blank follows a comma (spec/client-habits.md 20).
 */
export function signingHeaders(app: PushSigner, now: EpochMs, nonce = newNonce()): string[] {
  const created = createdOf(now)
  switch (app.pushSignature) {
    case 'aksk':
      return [
        'Authorization',
        AKSK,
        'X-AKSK',
        token(app.key, akskDigest(app.secret, nonce, created), nonce, created),
      ]
    case 'wsse':
      return [
        'Authorization',
        WSSE,
        'X-WSSE',
        token(app.key, wsseDigest(app.secret, nonce, created), nonce, created),
      ]
    case 'aksk+x-wsse':
      return [
        'Authorization',
        AKSK,
        'X-AKSK',
        token(app.key, akskDigest(app.secret, nonce, created), nonce, created),
        'X-WSSE',
        token(app.key, wsseDigest(app.secret, nonce, created), nonce, created),
      ]
    default:
      return app.pushSignature satisfies never
  }
}

function token(username: string, digest: string, nonce: string, created: string): string {
  return `UsernameToken Username="${username}",PasswordDigest="${digest}",Nonce="${nonce}",Created="${created}"`
}
