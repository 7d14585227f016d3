import { escapeUser, type Hop } from '@maskline/sip'
import type { TrunkConfig } from '../config/config.ts'
import type { Log } from '../shared/log.ts'
import { bracketed } from './host.ts'
import { hopOf, isSecure } from './line.ts'
import { peersOf } from './peers.ts'

/** One registration of ours with a carrier (RFC 3261 §10.2), kept until it is closed. */
export type Register = (options: {
  /** Request-URI: the registrar. */
  readonly registrar: string
  /** Where it goes, whatever DNS says of the registrar. */
  readonly hop?: Hop
  readonly aor: string
  readonly username: string
  readonly password: string
  readonly contactUser: string
  readonly expiresSec: number
  readonly onState: (state: RegistrationState) => void
}) => { close(): Promise<void> | void }

/** `why` says what the registrar answered, when it refuses. */
export type RegistrationState = { readonly kind: 'registered' | 'trying' | 'failed'; readonly why?: string }

export type Registrations = {
  /** Undefined: the trunk does not register. */
  stateOf(trunk: string): RegistrationState | undefined
  close(): Promise<void>
}

/** Registers every trunk that asks for it, and tells when it comes and goes. */
export function startRegistrations(
  trunks: readonly TrunkConfig[],
  register: Register,
  log: Log,
): Registrations {
  const states = new Map<string, RegistrationState>()
  const running = trunks
    .filter((trunk) => trunk.register !== undefined)
    .map((trunk) => {
      const { name } = trunk
      states.set(name, { kind: 'trying' })
      return register({
        ...registrationOf(trunk),
        onState(state) {
          const before = states.get(name)?.kind
          states.set(name, state)
          if (state.kind === before) return
          if (state.kind === 'registered') log.info({ trunk: name }, 'a trunk is registered')
          else if (state.kind === 'failed')
            log.warn({ trunk: name, why: state.why }, 'a trunk is not registered; it is tried again')
        },
      })
    })
  return {
    stateOf: (trunk) => states.get(trunk),
    async close() {
      await Promise.all(running.map((registration) => registration.close()))
    },
  }
}

/** What a trunk registers, where and how, with what it leaves open filled in. */
export function registrationOf(trunk: TrunkConfig): Omit<Parameters<Register>[0], 'onState'> {
  const { register = {}, username = '', password = '', domain } = trunk
  const [peer] = peersOf(trunk)
  const host = bracketed(register.registrar ?? domain ?? peer?.address ?? '')
  const isPeer = register.registrar === undefined && domain === undefined
  const port = isPeer && peer?.port !== undefined ? `:${peer.port}` : ''
  const { transport = 'udp' } = peer ?? {}
  // What is to be secret stays so at another host too.
  const isShown = isPeer ? transport !== 'udp' : isSecure(transport)
  const hop = register.registrar === undefined && peer !== undefined ? hopOf(trunk, peer) : undefined
  return {
    registrar: `sip:${host}${port}${isShown ? `;transport=${transport}` : ''}`,
    ...(hop && { hop }),
    aor: register.aor ?? `sip:${escapeUser(username)}@${host}`,
    username,
    password,
    contactUser: register.contactUser ?? username,
    expiresSec: register.expiresSec ?? 3600,
  }
}
