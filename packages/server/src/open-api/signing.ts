import { akskDigest, wsseDigest } from '../shared/credentials.ts'
import { formatCreated, type EpochMs } from '../shared/time.ts'

export type SigningInput = {
  readonly scheme: 'AKSK' | 'WSSE'
  /** APP_Key and APP_Secret. */
  readonly key: string
  readonly secret: string
  readonly now: EpochMs
  /** 1 to 128 letters and digits, new for each request. */
  readonly nonce: string
}

/** The headers a client sends with every request (spec/auth-and-errors.md sections 2 and 3). */
export function signHeaders({ scheme, key, secret, now, nonce }: SigningInput): Record<string, string> {
  const created = formatCreated(now)
  const digest = scheme === 'AKSK' ? akskDigest(secret, nonce, created) : wsseDigest(secret, nonce, created)
  return {
    'Content-Type': 'application/json;charset=UTF-8',
    Authorization: `${scheme} realm="SDP",profile="UsernameToken",type="Appkey"`,
    [`X-${scheme}`]: `UsernameToken Username="${key}",PasswordDigest="${digest}",Nonce="${nonce}",Created="${created}"`,
  }
}
