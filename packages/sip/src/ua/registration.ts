import { header, headerValues } from '../message/headers.ts'
import type { SipResponse } from '../message/message.ts'
import { escapeUser } from '../message/uri.ts'
import { newCallId } from '../shared/ids.ts'
import { isSamePlace } from '../transport/address.ts'
import type { Hop } from '../transport/address.ts'
import {
  STABLE_FLOW_MS,
  flowDelayMs,
  isLocal,
  outcomeOf,
  pingAfterMs,
  refreshDelayMs,
  retryDelayMs,
} from './registration-rules.ts'
import type { Outcome } from './registration-rules.ts'
import type { RequestWay, SipStack } from '../core/types.ts'

export type RegistrationOptions = {
  /** Request-URI, the registrar: `sip:carrier.example` (RFC 3261 §10.2); its hops are found by RFC 3263. */
  readonly registrar: string
  /** Address of record, `sip:maskline@carrier.example`: whose calls are wanted. */
  readonly aor: string
  readonly username: string
  readonly password: string
  /** User part of our Contact, as text: the Request-URI's user in calls that come. Default `username`. */
  readonly contactUser?: string
  /** Seconds asked for; default 3600. */
  readonly expiresSec?: number
  /** In place of what the registrar's URI leads to: an outbound proxy. */
  readonly hop?: Hop
  /** RFC 5626: `urn:uuid:…`, the same for ever, and 1 for the only flow. Given up when the first hop does not know it (439). */
  readonly outbound?: { readonly instanceId: string; readonly regId: number }
  /** Flat. */
  readonly headers?: readonly string[]
  /** Numbers in [0, 1) by which waits differ; default Math.random. */
  readonly chance?: () => number
  /** Told of every change, from `trying` on; never from within `createRegistration` or `close`. */
  onState?(state: OutboundState): void
}

export type OutboundState =
  | { readonly kind: 'trying' }
  | {
      readonly kind: 'registered'
      readonly expiresSec: number
      /** Route of calls that the registrar asks for (RFC 3608). Told, not obeyed. */
      readonly serviceRoute: readonly string[]
    }
  /** `why` is for people: `403 Forbidden`, `the registrar did not answer`. It is tried again in `retryMs`. */
  | { readonly kind: 'failed'; readonly why: string; readonly retryMs: number }

export type OutboundRegistration = {
  readonly state: OutboundState
  /** Takes the registration back. Waits for the registrar's answer, four seconds at most. Idempotent. */
  close(): Promise<void>
}

const CLOSE_WITHIN_MS = 4_000
/** 423 and 439 in a row; a registrar that always wants something else is one that fails. */
const MAX_CORRECTIONS = 4

/** Registers with a carrier as one of its phones (RFC 3261 §10.2), and keeps it so until it is closed. */
export function createRegistration(stack: SipStack, options: RegistrationOptions): OutboundRegistration {
  return new Registrant(stack, options)
}

/**
 *     trying -200-> registered -time-> (refresh) -200-> registered
 *     any    -refusal; failure with no time left-> failed -time-> (try) -200-> registered
 */
class Registrant implements OutboundRegistration {
  state: OutboundState = { kind: 'trying' }
  readonly #stack: SipStack
  readonly #options: RegistrationOptions
  readonly #chance: () => number
  readonly #callId = newCallId()
  #seq = 0
  #expiresSec: number
  #isOutbound: boolean
  #corrections = 0
  #failures = 0
  /** Until when the registrar has our contact, as far as it said. */
  #goodUntil = 0
  /** Whether the last REGISTER may have reached the registrar without our knowing. */
  #isUnsure = false
  #timer: unknown
  #isAsking = false
  #flow:
    | {
        readonly hop: Hop
        /** What the registrar wants of keep-alives, as it says it. */
        readonly flowTimer: string | undefined
        readonly since: number
        readonly release: () => void
      }
    | undefined
  /** Flows in a row that did not last. */
  #losses = 0
  #closing: PromiseWithResolvers<void> | undefined

  constructor(stack: SipStack, options: RegistrationOptions) {
    this.#stack = stack
    this.#options = options
    this.#chance = options.chance ?? Math.random
    this.#expiresSec = options.expiresSec ?? 3600
    this.#isOutbound = options.outbound !== undefined
    this.#register()
  }

  close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing.promise
    this.#closing = Promise.withResolvers()
    const { clock } = this.#stack
    clock.clearTimer(this.#timer)
    this.#timer = clock.setTimer(CLOSE_WITHIN_MS, () => this.#finish())
    // An open REGISTER could bind after its undoing: its answer is waited for.
    if (!this.#isAsking) this.#unregister()
    return this.#closing.promise
  }

  #register(): void {
    this.#isAsking = true
    this.#isUnsure = true
    const expiresSec = this.#expiresSec
    const isOutbound = this.#isOutbound
    this.#send(expiresSec, (response, way) => {
      this.#isAsking = false
      const outcome = outcomeOf(response, { expiresSec, contact: way?.contact, isOutbound })
      this.#isUnsure = outcome.kind === 'granted' || isLocal(response)
      if (this.#closing === undefined) this.#onOutcome(outcome, response, way)
      else this.#unregister()
    })
  }

  #unregister(): void {
    if (this.#isUnsure || this.#stack.clock.now() < this.#goodUntil) this.#send(0, () => this.#finish())
    else this.#finish()
  }

  #send(expiresSec: number, onFinal: (response: SipResponse, way?: RequestWay) => void): void {
    const { registrar: uri, aor, username, password, hop, contactUser = username } = this.#options
    const { outbound, headers = [] } = this.#options
    const flow =
      outbound === undefined || !this.#isOutbound
        ? ''
        : `;reg-id=${outbound.regId};+sip.instance="<${outbound.instanceId}>"`
    this.#stack.request(
      {
        method: 'REGISTER',
        uri,
        from: `<${aor}>`,
        to: `<${aor}>`,
        callId: this.#callId,
        cseq: () => ++this.#seq,
        contactUser: escapeUser(contactUser),
        contactParams: `${flow};expires=${expiresSec}`,
        credentials: { username, password },
        headers: [
          'Expires',
          String(expiresSec),
          ...(flow === '' ? [] : ['Supported', 'path, outbound']),
          ...headers,
        ],
        ...(hop !== undefined && { hop }),
      },
      onFinal,
    )
  }

  #onOutcome(outcome: Outcome, response: SipResponse, way: RequestWay | undefined): void {
    switch (outcome.kind) {
      case 'again':
        if (this.#corrections++ < MAX_CORRECTIONS) {
          this.#expiresSec = outcome.expiresSec
          this.#isOutbound = outcome.isOutbound
          this.#register()
        } else {
          const why = `${response.status} again and again`
          this.#onFailed({ kind: 'failed', why, isRefusal: true, retryAfterMs: undefined })
        }
        return
      case 'granted':
        this.#onGranted(outcome.expiresSec, response, way)
        return
      case 'failed':
        this.#onFailed(outcome)
        return
      default:
        outcome satisfies never
    }
  }

  #onGranted(expiresSec: number, response: SipResponse, way: RequestWay | undefined): void {
    this.#corrections = 0
    this.#failures = 0
    this.#isUnsure = false
    this.#goodUntil = this.#stack.clock.now() + expiresSec * 1000
    if (way !== undefined) this.#keepFlow(way.hop, response)
    this.#registerIn(refreshDelayMs(expiresSec, this.#chance()))
    this.#tell({ kind: 'registered', expiresSec, serviceRoute: headerValues(response, 'Service-Route') })
  }

  #onFailed(outcome: Outcome & { readonly kind: 'failed' }): void {
    this.#corrections = 0
    this.#failures++
    const retryMs = retryDelayMs(outcome, this.#failures, this.#chance())
    this.#registerIn(retryMs)
    // A refresh that fails does no harm while there is time for another.
    const isStillGood = this.#stack.clock.now() + retryMs < this.#goodUntil
    if (this.state.kind === 'registered' && isStillGood && !outcome.isRefusal) return
    this.#tell({ kind: 'failed', why: outcome.why, retryMs })
  }

  #registerIn(delayMs: number): void {
    this.#timer = this.#stack.clock.setTimer(delayMs, () => this.#register())
  }

  #tell(state: OutboundState): void {
    this.state = state
    this.#options.onState?.(state)
  }

  /** Calls come back by the flow that the registrar heard us on (RFC 5626 §3.5, §4.4). */
  #keepFlow(hop: Hop, response: SipResponse): void {
    const isSame = this.#flow !== undefined && isSamePlace(this.#flow.hop, hop)
    const flowTimer = header(response, 'Flow-Timer')
    if (isSame && this.#flow?.flowTimer === flowTimer) return
    const since = isSame ? this.#flow!.since : this.#stack.clock.now()
    this.#flow?.release()
    const release = this.#stack.keepFlow(hop, () => this.#onFlowLost(), pingAfterMs(response, this.#chance()))
    this.#flow = { hop, flowTimer, since, release }
  }

  /** No call reaches us until another flow is registered (RFC 5626 §4.5). */
  #onFlowLost(): void {
    const livedMs = this.#stack.clock.now() - (this.#flow?.since ?? 0)
    this.#losses = livedMs >= STABLE_FLOW_MS ? 0 : this.#losses + 1
    this.#flow?.release()
    this.#flow = undefined
    // What is asked now has failed with the connection, or opens another.
    if (this.#closing !== undefined || this.#isAsking) return
    this.#stack.clock.clearTimer(this.#timer)
    this.#registerIn(flowDelayMs(this.#losses, this.#chance()))
  }

  #finish(): void {
    this.#stack.clock.clearTimer(this.#timer)
    this.#flow?.release()
    this.#flow = undefined
    this.#closing?.resolve()
  }
}
