import { createHash, createHmac } from 'node:crypto'

/** Secrets of the apps that may push to this customer, by APP_Key. */
export type AppSecrets = ReadonlyMap<string, string>

export type SignatureCheck =
  | { readonly app: string; readonly scheme: 'AKSK' | 'WSSE'; readonly nonces: readonly string[] }
  | { readonly fault: string }

/** Distance of `Created` from now that a careful customer accepts. */
const WINDOW_MS = 5 * 60_000

/**
 * Verifies who pushed, the way customers do: the digest computed here from scratch, the four values of the token read
 * by position (spec/client-habits.md 20). `header` answers a header's value by its lower-case name.
 */
export function checkSignature(
  header: (name: string) => string | undefined,
  secrets: AppSecrets,
  now: number,
): SignatureCheck {
  const authorization = header('authorization')
  const match = /^(AKSK|WSSE) realm="SDP",profile="UsernameToken",type="Appkey"$/.exec(authorization ?? '')
  if (!match) return { fault: `Authorization is ${authorization ?? 'missing'}` }
  const scheme = match[1] as 'AKSK' | 'WSSE'
  const main = checkToken(scheme, header(`x-${scheme.toLowerCase()}`), secrets, now)
  if ('fault' in main) return main
  const extra = scheme === 'AKSK' ? header('x-wsse') : undefined
  if (extra === undefined) return { app: main.app, scheme, nonces: [main.nonce] }
  const second = checkToken('WSSE', extra, secrets, now)
  if ('fault' in second) return second
  if (second.app !== main.app) return { fault: 'X-AKSK and X-WSSE name different apps' }
  return { app: main.app, scheme, nonces: [main.nonce, second.nonce] }
}

function checkToken(
  scheme: 'AKSK' | 'WSSE',
  token: string | undefined,
  secrets: AppSecrets,
  now: number,
): { app: string; nonce: string } | { fault: string } {
  if (token === undefined) return { fault: `X-${scheme} is missing` }
  if (!token.startsWith('UsernameToken ')) return { fault: `X-${scheme} is not a UsernameToken` }
  const parts = token.slice('UsernameToken '.length).split(',')
  const app = valueAt(parts, 0, 'Username')
  const digest = valueAt(parts, 1, 'PasswordDigest')
  const nonce = valueAt(parts, 2, 'Nonce')
  const created = valueAt(parts, 3, 'Created')
  if (parts.length !== 4 || !app || !digest || !nonce || !created) {
    return { fault: `X-${scheme} has not Username, PasswordDigest, Nonce, Created in this order` }
  }
  const secret = secrets.get(app)
  if (secret === undefined) return { fault: `X-${scheme} names an unknown app` }
  if (!/^[0-9a-f]{32}$/.test(nonce)) return { fault: 'Nonce is not 32 lower-case hex digits' }
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(created))
    return { fault: 'Created is not yyyy-MM-ddTHH:mm:ssZ' }
  if (!(Math.abs(Date.parse(created) - now) <= WINDOW_MS)) return { fault: `Created ${created} is not now` }
  const expected =
    scheme === 'AKSK'
      ? createHmac('sha256', secret)
          .update(nonce + created)
          .digest('base64')
      : createHash('sha256')
          .update(nonce + created + secret)
          .digest('base64')
  return digest === expected ? { app, nonce } : { fault: `X-${scheme} has a wrong digest` }
}

function valueAt(parts: readonly string[], index: number, name: string): string | undefined {
  const part = parts[index]
  if (part === undefined || !part.startsWith(`${name}="`) || !part.endsWith('"')) return undefined
  return part.slice(name.length + 2, -1)
}
