import {
  type MediaEngine,
  MediaError,
  type MediaErrorCode,
  type MediaEvent,
  type MediaSession,
  type PlayAudio,
} from '@maskline/media'
import type {
  ClientCall,
  ClientCallHandlers,
  IncomingRequest,
  InviteOptions,
  ServerCall,
  SipResponse,
  SipStack,
} from '@maskline/sip'
import type {
  Arrival,
  Connect,
  CustomerAnswer,
  Memo,
  Refuse,
  RouteDecision,
  Router,
  RouteView,
} from '../bindings/route.ts'
import { createRouter } from '../bindings/router.ts'
import type { E164 } from '../shared/e164.ts'
import { silentLog } from '../shared/log.ts'
import { manualClock } from '../testkit/manual-clock.ts'
import { type App, newApp } from '../tenants/app.ts'
import { createCallController } from './call-controller.ts'
import { createCallIds } from './call-ids.ts'
import type { CallFact, CallRecord, RecordingRef } from './call-record.ts'
import type { Outbound } from './ports.ts'

/**
 * The controller between two legs that a test plays by hand, to reach what real peers cannot time: media that fails,
 * hangs or comes too late, handlers that throw, tones that end at a chosen moment. What real peers can show is in e2e/.
 */
export const A = '+8613800000021' as E164
export const B = '+8613800000022' as E164
export const X = '+8617000000001' as E164
export const SDP = Buffer.from('v=0\r\n')
export const NONE = Buffer.alloc(0)
export const APP: App = newApp({
  key: 'k',
  secret: 's',
  tenantId: 't',
  mode: 'AXB',
  noBindingTone: 'tone.wav',
})
export const SUBJECT = { app: APP, subscriptionId: 'sub', direction: 1, serviceType: '004' } as const
export const CONNECT: Connect = {
  kind: 'connect',
  subject: SUBJECT,
  callee: B,
  display: X,
  maxDurationMin: 0,
}
export const REFUSE: Refuse = { kind: 'refuse', subject: SUBJECT, releaseCode: 8014, sipStatus: 404 }
export const REF: RecordingRef = { startAt: 1, domain: 'rec.example', bucket: 'sp-k', object: '1.wav' }
const BOUND = {
  mode: 'AXB',
  id: 'sub',
  appKey: 'k',
  x: X,
  a: A,
  b: B,
  callDirection: 0,
  maxDurationMin: 0,
} as const

export type Stage =
  | 'open'
  | 'offer'
  | 'answer'
  | 'answerLocally'
  | 'acceptAnswer'
  | 'play'
  | 'listen'
  | 'startRecording'
  | 'stopRecording'

/** A media engine whose stages can be made to fail, or to wait for the test. Tones are told by name. */
function scriptedMedia(
  fail: Partial<Record<Stage, MediaErrorCode | 'bug'>>,
  wait: Partial<Record<Stage, Promise<void>>>,
  nameOf: (audio: PlayAudio) => string,
  sdp: Uint8Array,
) {
  const log: string[] = []
  /** What each leg hears, as far as the engine plays it: `a ring-back`, `both hint.wav`. */
  const heard: string[] = []
  let tell: (event: MediaEvent) => void = () => {}
  let plays = 0
  const playing = new Map<string, number>()
  const stage = async (name: Stage): Promise<void> => {
    log.push(name)
    await wait[name]
    const code = fail[name]
    if (code === 'bug') throw new TypeError('a bug in media')
    if (code !== undefined) throw new MediaError(code, name)
  }
  const session: MediaSession = {
    offer: async () => (await stage('offer'), sdp),
    answer: async () => (await stage('answer'), SDP),
    answerLocally: async () => (await stage('answerLocally'), SDP),
    offerLocally: async () => SDP,
    stands: async () => false,
    async acceptAnswer(_leg, sdp) {
      if (sdp.length === 0) throw new MediaError('BAD_SDP', 'no SDP')
      await stage('acceptAnswer')
    },
    async play(leg, audio, repeat) {
      await stage('play')
      heard.push(`${leg} ${nameOf(audio as PlayAudio)}${repeat === Infinity ? ' for ever' : ''}`)
      playing.set(leg, ++plays)
      return plays
    },
    async stop(leg) {
      heard.push(`${leg} nothing`)
      playing.delete(leg)
    },
    async listen(_leg, { inBand }) {
      await stage('listen')
      log.push(inBand ? 'in-band on' : 'in-band off')
    },
    startRecording: async () => stage('startRecording'),
    stopRecording: async () => (await stage('stopRecording'), undefined),
    stats: async () => ({ legs: {} }),
    close: async () => void log.push('close'),
  }
  const engine: MediaEngine = {
    async open({ onEvent }) {
      await stage('open')
      tell = onEvent
      return session
    },
    sessionCount: 0,
    close: async () => {},
  }
  return {
    engine,
    log,
    heard,
    tell: (event: MediaEvent) => tell(event),
    /** What plays to these legs is heard to its end. */
    toneEnds(...legs: string[]) {
      for (const leg of legs) {
        const playId = playing.get(leg)
        playing.delete(leg)
        if (playId !== undefined) tell({ kind: 'play-finished', leg, playId })
      }
    },
  }
}

/** A way over a trunk that has channels, or has none (`full`); what becomes of it goes to `told`. */
export function wayOver(
  trunk: string,
  told: string[] = [],
  more: Partial<Outbound> & { full?: boolean } = {},
): Outbound {
  const { full = false, ...rest } = more
  return {
    trunk,
    uri: `sip:${B}@${trunk}.example`,
    hop: { address: '192.0.2.9', port: 5060, transport: 'udp' },
    releaseCodes: { byCause: { 29: 8105 } },
    retryOn: new Set([408, 500, 502, 503, 504]),
    answerWithinMs: 4_000,
    identity: (n) => ({ from: `<sip:${n}@192.0.2.1>`, contactUser: n, headers: [] }),
    begun() {
      told.push(`${trunk} ${full ? 'full' : 'taken'}`)
      return !full
    },
    ended: () => void told.push(`${trunk} free`),
    fared: (response) => void told.push(`${trunk} ${response === 'silent' ? response : response.status}`),
    ...rest,
  }
}

export type Bench = ReturnType<typeof openBench>

export type BenchOptions = {
  readonly fail?: Partial<Record<Stage, MediaErrorCode | 'bug'>>
  readonly wait?: Partial<Record<Stage, Promise<void>>>
  /** The AXB router's view; default: the caller is bound to B. */
  readonly bound?: boolean
  readonly lookup?: () => Promise<never>
  /** Takes the router's place: what it decides, and what digits and customers' answers lead to. */
  readonly decide?: RouteDecision
  readonly digits?: Router['digits']
  readonly answered?: Router['answered']
  readonly ask?: () => Promise<CustomerAnswer>
  readonly finish?: () => Promise<boolean>
  readonly collectsEarly?: boolean
  readonly offer?: Uint8Array
  /** Of the caller's INVITE; default a From with A's number. */
  readonly headers?: readonly string[]
  /** Announcement files that there are; default every one. */
  readonly files?: readonly string[]
  /** What the media engine offers the callee. */
  readonly sdp?: Uint8Array
  /** Request-URI of the caller's INVITE; default X. */
  readonly dialled?: string
  readonly inviteThrows?: boolean
  readonly journalThrowsOn?: string
  readonly openCalls?: readonly CallRecord[]
  /** The ways to the callee; default one without limits. `told` takes down what happens to them. */
  readonly ways?: (told: string[]) => readonly Outbound[]
}

export function openBench(options: BenchOptions = {}) {
  const names = new Map<PlayAudio, string>()
  const audioOf = (name: string): PlayAudio => {
    const audio: PlayAudio = { encoding: 'alaw', samples: new Uint8Array(160) }
    names.set(audio, name)
    return audio
  }
  const media = scriptedMedia(
    options.fail ?? {},
    options.wait ?? {},
    (audio) => names.get(audio) ?? 'ring-back',
    options.sdp ?? SDP,
  )
  const time = manualClock(1_000_000)
  const facts: CallFact[] = []
  const faults: object[] = []
  const noted: Memo[] = []
  const toCaller: string[] = []
  const toCallee: string[] = []
  /** What became of channels and ways, in order. */
  const channels: string[] = []
  let calleeHandlers: ClientCallHandlers | undefined
  let reinviteAnswer: ((response: SipResponse) => void) | undefined
  /** What was sent to the callee's side, one INVITE a way. */
  const invites: InviteOptions[] = []
  const newCallee = (): ClientCall =>
    ({
      owner: undefined,
      ack: () => void toCallee.push('ACK'),
      bye: () => void toCallee.push('BYE'),
      cancel: () => void toCallee.push('CANCEL'),
      reinvite: (_options: object, onFinal: (response: SipResponse) => void) => {
        toCallee.push('INVITE')
        reinviteAnswer = onFinal
      },
      ackReinvite: () => void toCallee.push('ACK'),
      sendRequest: (method: string, _options: object, onFinal: (response: SipResponse) => void) => {
        toCallee.push(method)
        onFinal({ kind: 'response', status: 415, reason: '', headers: [], body: NONE })
      },
      cancelReinvite: () => void toCallee.push('CANCEL'),
    }) as unknown as ClientCall
  let callee = newCallee()
  const stack = {
    invite(given: InviteOptions, handlers: ClientCallHandlers) {
      if (options.inviteThrows) throw new TypeError('a bug in sip')
      toCallee.push('INVITE')
      invites.push(given)
      calleeHandlers = handlers
      return (callee = newCallee())
    },
  } as unknown as SipStack
  const legSays = (
    leg: ClientCall,
    status: number,
    given: { body?: Uint8Array; headers?: readonly string[] } = {},
  ): void => {
    const response = {
      kind: 'response',
      status,
      reason: '',
      headers: given.headers ?? [],
      body: given.body ?? (status < 300 && status > 180 ? SDP : NONE),
    } as SipResponse
    if (status === 100) calleeHandlers!.onTrying!(leg, response)
    else if (status < 200) calleeHandlers!.onProvisional(leg, response, 'b1')
    else if (status < 300) calleeHandlers!.onAnswer(leg, response, 'b1')
    else calleeHandlers!.onFailure(leg, status, response)
  }
  const view: RouteView = {
    xNumber: { number: X, appKey: 'k', status: 'normal' } as never,
    app: APP,
    match: options.bound === false ? undefined : { binding: BOUND as never, role: 'a' },
    xHasBindings: true,
  }
  const real = createRouter({
    routes: { lookup: options.lookup ?? (async () => view), isBehindY: async () => false },
    memory: undefined as never,
    modes: {},
    controls: { admit: () => undefined, check: () => undefined },
    log: silentLog,
  })
  const { decide, digits } = options
  const arrivals: Arrival[] = []
  const controller = createCallController({
    router: {
      ...real,
      route: async (arrival) => (arrivals.push(arrival), decide ?? real.route(arrival)),
      digits: async (arrival, ...keyed) => (
        arrivals.push(arrival),
        (digits ?? real.digits)(arrival, ...keyed)
      ),
      ...(options.answered && { answered: options.answered }),
      note: async (memos) => void noted.push(...memos),
    },
    journal: {
      append(fact) {
        if (fact.event === options.journalThrowsOn) throw new TypeError('a bug in the journal')
        facts.push(fact)
      },
      flush: async () => {},
      openCalls: async () => options.openCalls ?? [],
    },
    media: media.engine,
    sip: { host: '192.0.2.1', stack: () => stack },
    trunks: {
      admit: () => ({
        kind: 'trunk',
        trunk: 't',
        collectsEarly: options.collectsEarly ?? false,
        ended: () => void channels.push('in free'),
      }),
      waysTo: () => options.ways?.(channels) ?? [wayOver('t')],
    },
    announcements: {
      find: (_app, name) => (options.files?.includes(name) === false ? undefined : audioOf(name)),
    },
    recordings: {
      begin: () => ({ ref: REF, file: '/recordings/1.wav' }),
      finish: options.finish ?? (async () => true),
    },
    customers: { ask: options.ask ?? (async () => ({ kind: 'failed', why: 'no answer' })) },
    clock: time.clock,
    policy: { connectTimeoutMs: 90_000 },
    alertOn183: false,
    log: { debug() {}, info() {}, warn() {}, error: (fields) => void faults.push(fields) },
    ids: createCallIds('pn.example'),
    hostName: 'pn.example',
    countryCode: '86',
  })
  const withReason = (headers: readonly string[] | undefined): string =>
    headers?.includes('Reason') ? ` ${/cause=(\d+)/.exec(headers[headers.indexOf('Reason') + 1]!)![1]}` : ''
  /** A caller that dials X; the bench has one, a test may have more. */
  const dial = (log: string[] = toCaller): ServerCall => {
    let answered = false
    const caller = {
      request: {
        kind: 'request',
        method: 'INVITE',
        uri: options.dialled ?? `sip:${X}@192.0.2.1`,
        headers: options.headers ?? ['From', `<sip:${A}@192.0.2.5>;tag=1`],
        body: options.offer ?? SDP,
      },
      source: { address: '192.0.2.5', port: 5060, transport: 'udp' },
      reliability: 'none',
      progress: (status: number, given?: { body?: Uint8Array }) =>
        void log.push(given?.body ? `${status} SDP` : String(status)),
      answer: () => {
        if (answered) return
        answered = true
        log.push('200')
        caller.handlers.onAnswered?.(caller)
      },
      // Like the real one: after a 200 there is no status to send.
      reject: (status: number, given?: { headers?: readonly string[] }) => {
        if (answered) return
        log.push(
          `${status}${withReason(given?.headers)}${given?.headers?.includes('Retry-After') ? ' Retry-After' : ''}`,
        )
      },
      bye: (given?: { headers?: readonly string[] }) => void log.push(`BYE${withReason(given?.headers)}`),
    } as unknown as ServerCall
    controller.onInvite(caller)
    return caller
  }
  const caller = dial()
  return {
    controller,
    caller,
    get callee() {
      return callee
    },
    dial,
    media,
    time,
    facts,
    faults,
    noted,
    /** What the router was asked about: the call, and again for its digits. */
    arrivals,
    toCaller,
    toCallee,
    channels,
    invites,
    answerReinvite: (response: SipResponse) => reinviteAnswer!(response),
    events: () =>
      facts.map((fact) => (fact.digits === undefined ? fact.event : `${fact.event} ${fact.digits}`)),
    ended: () => facts.findLast((fact) => fact.event === 'disconnect')?.record.end,
    sessionId: () => facts[0]!.record.sessionId,
    hangsUp: () => caller.handlers.onBye(caller, caller.request),
    cancels: () => caller.handlers.onCancel(caller, caller.request),
    /** A digit as the media engine tells it. */
    keys(digits: string) {
      for (const digit of digits) media.tell({ kind: 'digit', leg: 'a', digit, durationMs: 100 })
    },
    /** A request inside the caller's dialog; the answers go to the returned list. */
    informs(contentType: string, body: string, extra: readonly string[] = []): string[] {
      const answers: string[] = []
      const request: IncomingRequest = {
        request: {
          kind: 'request',
          method: 'INFO',
          uri: 'sip:x',
          headers: ['Content-Type', contentType, ...extra],
          body: Buffer.from(body),
        },
        source: { address: '192.0.2.5', port: 5060, transport: 'udp' },
        respond: (status, given) => void answers.push([status, ...(given?.headers ?? [])].join(' ').trim()),
      }
      caller.handlers.onRequest!(caller, request)
      return answers
    },
    /** A response of the callee; 183 and 2xx carry SDP unless told otherwise. */
    calleeSays: (status: number, given?: { body?: Uint8Array; headers?: readonly string[] }) =>
      legSays(callee, status, given),
    /** The stack gives the callee's leg up by itself. */
    calleeIsLost: (status: number) => calleeHandlers!.onFailure(callee, status, undefined),
    /** The callee's leg as it is now, to be heard of later. */
    leg() {
      const leg = callee
      return { says: (status: number) => legSays(leg, status) }
    },
    /** The trunks that were sent an INVITE. */
    dialled: () => invites.map(({ uri }) => /@(\w+)/.exec(uri)?.[1]),
    offers: () => invites.map(({ body }) => Buffer.from(body ?? NONE).toString('latin1')),
    calleeHangsUp: () => calleeHandlers!.onBye(callee, caller.request),
  }
}

/** Lets every promise that can settle now do so. */
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
