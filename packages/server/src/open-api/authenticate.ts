import { timingSafeEqual } from 'node:crypto'
import type { Config } from '../config/config.ts'
import { akskDigest, wsseDigest, wsseHexDigest } from '../shared/credentials.ts'
import type { EpochMs } from '../shared/time.ts'
import type { App, AppStore, Mode } from '../tenants/app.ts'
import { readCredentials, type Credentials, type RequestHeaders } from './authorization.ts'
import { FlowControl } from './flow-control.ts'
import { allowsIp } from './ip-allowlist.ts'
import { Lockout } from './lockout.ts'
import { ReplayMemory } from './replay-memory.ts'
import type { BarredApps } from './resource.ts'
import type { ResultKey } from './result-codes.ts'

export type AuthRules = Pick<
  Config['api'],
  | 'createdSkewHours'
  | 'rejectReplayedNonce'
  | 'appRatePerSec'
  | 'platformRatePerSec'
  | 'lockoutFailures'
  | 'lockoutWindowMin'
  | 'lockoutMin'
>

/** The request as far as authentication looks at it. */
export type AuthRequest = {
  readonly headers: RequestHeaders
  /** Source address in plain form. */
  readonly ip: string
  readonly now: EpochMs
  /** The mode that owns the called API; absent: any mode may call it. */
  readonly mode?: Mode
  readonly barred?: BarredApps
}

export type Verdict =
  | { readonly ok: true; readonly app: App }
  /** `locked`: this very failure locked the source out. */
  | { readonly ok: false; readonly fault: ResultKey; readonly locked: boolean }

/** Everything that authentication remembers between requests. */
export type Gates = {
  readonly lockout: Lockout
  readonly flow: FlowControl
  readonly replay: ReplayMemory | undefined
  readonly skewMs: number
}

export function createGates(rules: AuthRules): Gates {
  const skewMs = rules.createdSkewHours * 3_600_000
  return {
    lockout: new Lockout({
      failures: rules.lockoutFailures,
      windowMs: rules.lockoutWindowMin * 60_000,
      lockMs: rules.lockoutMin * 60_000,
    }),
    flow: new FlowControl(rules.appRatePerSec, rules.platformRatePerSec),
    replay: rules.rejectReplayedNonce ? new ReplayMemory(skewMs) : undefined,
    skewMs,
  }
}

/** Checks 1 to 10 of spec/auth-and-errors.md section 3.5, in that order: who asks, and whether he may now. */
export async function authenticate(request: AuthRequest, apps: AppStore, gates: Gates): Promise<Verdict> {
  const { ip, now } = request
  if (gates.lockout.isLocked(ip, now)) return refuse('403 1020176')
  const read = readCredentials(request.headers)
  if (!read.ok) return refuse(read.fault)
  const app = await apps.findApp(read.credentials.username)
  if (app === undefined) return refuseGuess('403 1010003', request, gates)
  const unproved = proofFault(read.credentials, app, now, gates)
  if (unproved !== undefined) return refuseGuess(unproved, request, gates)
  const barred = admissionFault(app, request, gates)
  return barred === undefined ? { ok: true, app } : refuse(barred)
}

function refuse(fault: ResultKey): Verdict {
  return { ok: false, fault, locked: false }
}

/** Unknown keys and 401 answers count towards the lockout (section 7). */
function refuseGuess(fault: ResultKey, { ip, now }: AuthRequest, gates: Gates): Verdict {
  return { ok: false, fault, locked: gates.lockout.fail(ip, now) }
}

/** Checks 4 and 5: the time window, the digest, and in strict mode its first use. */
function proofFault(claim: Credentials, app: App, now: EpochMs, gates: Gates): ResultKey | undefined {
  if (Math.abs(claim.createdAt - now) > gates.skewMs) return '401 1010013'
  if (!provesSecret(claim, app.secret)) return '401 1010010'
  const fresh = gates.replay?.firstUse(app.key, claim.nonce, claim.created, now) ?? true
  return fresh ? undefined : '401 1010010'
}

/** Checks 6 to 10: an app that proved its secret, but may not call this API from there or now. */
function admissionFault(
  app: App,
  { ip, now, mode, barred }: AuthRequest,
  gates: Gates,
): ResultKey | undefined {
  if (!allowsIp(app.ipAllowlist, ip)) return '403 1020166'
  if (app.status === 'suspended') return barred?.suspended ?? '403 1010008'
  const frozen = barred?.frozen ?? '403 1010029'
  if (app.accountStatus === 'frozen' && frozen !== 'served') return frozen
  if (mode !== undefined && app.mode !== mode) return '403 1010040'
  return gates.flow.admit(app.key, now) ? undefined : '403 1010010'
}

/** Length of the Base64 of 64 hex digits: the WSSE variant of copied samples (section 3.2). */
const HEX_FORM_LENGTH = 88

/** Compares in constant time what the client sent with what the secret gives. */
export function provesSecret({ scheme, digest, nonce, created }: Credentials, secret: string): boolean {
  if (scheme === 'AKSK') return sameText(digest, akskDigest(secret, nonce, created))
  const expected =
    digest.length === HEX_FORM_LENGTH
      ? wsseHexDigest(secret, nonce, created)
      : wsseDigest(secret, nonce, created)
  return sameText(digest, expected)
}

function sameText(given: string, expected: string): boolean {
  // The length of a digest is no secret. Header values are Latin-1, one byte a character.
  if (given.length !== expected.length) return false
  return timingSafeEqual(Buffer.from(given, 'latin1'), Buffer.from(expected, 'latin1'))
}
