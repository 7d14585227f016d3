import {
  type Authenticator,
  type DigestAlgorithm,
  type DigestWatch,
  type IncomingRequest,
  type ServerCall,
  allowOf,
  createAuthenticator,
  createRegistrar,
  header,
  parseNameAddr,
  parseUri,
} from '@maskline/sip'
import type { Config } from '../config/config.ts'
import { type E164, maskNumber, normaliseDialled } from '../shared/e164.ts'
import type { Log } from '../shared/log.ts'
import type { Clock } from '../shared/time.ts'
import type { SubscriberStore } from '../tenants/ports.ts'
import type { TrunkGuard } from './door.ts'
import type { Phones } from './trunks.ts'

export type PhoneOptions = {
  /** Digest realm, shown by some phones. */
  readonly realm: string
  readonly countryCode: string
  readonly digest: Config['sip']['digest']
  readonly subscribers: Pick<SubscriberStore, 'list'>
  /** Off: REGISTER gets 405, as if there were no registrar. */
  readonly enabled: boolean
  readonly clock: Clock
  readonly log: Log
  /** Signs nonces. The trunks' guard has the same one: who is asked for credentials is not known yet, and may be either. */
  readonly nonceSecret: Uint8Array
  /** Counts wrong passwords. */
  readonly watch: DigestWatch | undefined
}

export type PhoneRegistrar = Phones & {
  /** REGISTER and OPTIONS from anywhere; anything else is 405. */
  onRequest(request: IncomingRequest): void
  /** Reads the subscribers again. */
  reload(): Promise<void>
}

const ALGORITHMS = {
  md5: ['MD5'],
  'sha-256': ['SHA-256'],
  'sha-256+md5': ['SHA-256', 'MD5'],
} as const satisfies Record<Config['sip']['digest'], readonly DigestAlgorithm[]>

/**
 * The lab's phones: a subscriber registers with its number as user name and is then both a caller to X and a callee.
 * Its caller identity is what it authenticated as, whatever its From says.
 */
export async function createPhones(options: PhoneOptions): Promise<PhoneRegistrar> {
  const { realm, countryCode, enabled, clock, log } = options
  let passwords = new Map<string, string>()
  let userOf = new Map<E164, string>()
  const numberOf = (user: string): E164 | undefined => normaliseDialled(user, countryCode)

  const reload = async (): Promise<void> => {
    const subscribers = enabled ? await options.subscribers.list() : []
    passwords = new Map(subscribers.map((s) => [s.username, s.password]))
    userOf = new Map()
    for (const { username } of subscribers) {
      const number = numberOf(username)
      if (number === undefined) log.warn({}, 'a subscriber whose user name is no number was left out')
      else userOf.set(number, username)
    }
  }
  await reload()

  const digest = {
    realm,
    clock,
    algorithms: ALGORITHMS[options.digest],
    secret: options.nonceSecret,
    findPassword: (user: string) => passwords.get(user),
    ...(options.watch && { watch: options.watch }),
  }
  const registrar = createRegistrar(digest)
  const allow = ['Allow', allowOf(undefined, enabled ? ['REGISTER'] : [])]
  const authenticator = createAuthenticator(digest)

  return {
    reload,
    admit(call) {
      if (!enabled) {
        call.rejectStateless(403)
        return { kind: 'refused' }
      }
      const verdict = authenticator.authenticate(call.request, call.source)
      if (!verdict.ok) {
        call.rejectStateless(verdict.status, { headers: verdict.headers })
        return { kind: 'refused' }
      }
      const number = numberOf(verdict.username)
      if (number === undefined) {
        call.rejectStateless(403)
        return { kind: 'refused' }
      }
      return { kind: 'phone', number }
    },
    find(number) {
      const user = userOf.get(number)
      const registration = user === undefined ? undefined : registrar.lookup(user)
      if (registration === undefined) return undefined
      return { uri: registration.contact, hop: registration.hop }
    },
    onRequest(request) {
      const { method } = request.request
      if (method === 'OPTIONS') return request.respond(200, { headers: allow })
      if (method !== 'REGISTER' || !enabled) return request.respond(405, { headers: allow })
      const user = numberUserOf(request)
      const before = user === undefined ? undefined : registrar.lookup(user)
      registrar.handle(request)
      const now = user === undefined ? undefined : registrar.lookup(user)
      if (user === undefined || now?.contact === before?.contact) return
      log.info({ phone: maskNumber(user) }, now === undefined ? 'phone unregistered' : 'phone registered')
    },
  }
}

/** User of the address of record that a REGISTER is for. */
function numberUserOf({ request }: IncomingRequest): string | undefined {
  const to = parseNameAddr(header(request, 'To') ?? '')
  return to === undefined ? undefined : parseUri(to.uri)?.user
}

/** Digest for trunks that demand it of their peer: one authenticator each, made at first use. */
export function createTrunkGuard(
  options: Pick<PhoneOptions, 'realm' | 'digest' | 'clock' | 'nonceSecret' | 'watch'>,
): TrunkGuard {
  const { realm, digest, clock, nonceSecret, watch } = options
  const authenticatorOf = (findPassword: (user: string) => string | undefined): Authenticator =>
    createAuthenticator({
      realm,
      clock,
      algorithms: ALGORITHMS[digest],
      secret: nonceSecret,
      findPassword,
      ...(watch && { watch }),
    })
  const isRight = (authenticator: Authenticator, call: ServerCall): boolean => {
    const verdict = authenticator.authenticate(call.request, call.source)
    if (!verdict.ok) call.rejectStateless(verdict.status, { headers: verdict.headers })
    return verdict.ok
  }
  const guards = new Map<string, Authenticator>()
  const nobody = authenticatorOf(() => undefined)
  return {
    check(call, username, password) {
      const key = `${username}\0${password}`
      let guard = guards.get(key)
      if (guard === undefined) {
        guard = authenticatorOf((user) => (user === username ? password : undefined))
        guards.set(key, guard)
      }
      return isRight(guard, call)
    },
    ask: (call) => void isRight(nobody, call),
  }
}
