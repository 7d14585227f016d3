import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type MediaEngine, MediaError, type MediaErrorCode, type MediaSession } from '@maskline/media'
import type {
  ClientCall,
  ClientCallHandlers,
  IncomingRequest,
  ServerCall,
  SipResponse,
  SipStack,
} from '@maskline/sip'
import type { E164 } from '../shared/e164.ts'
import type { Clock } from '../shared/time.ts'
import { createRouter } from '../bindings/router.ts'
import { silentLog } from '../shared/log.ts'
import { createCallController } from './call-controller.ts'
import { createCallIds } from './call-ids.ts'
import type { CallFact } from './call-record.ts'

/**
 * The controller between two legs that the test plays by hand, to reach what real peers cannot time: media that fails,
 * hangs or comes too late, handlers that throw. Everything that real peers can show is in e2e/.
 */
const A = '+8613800000021' as E164
const B = '+8613800000022' as E164
const X = '+8617000000001' as E164
const SDP = Buffer.from('v=0\r\n')
const APP = {
  key: 'k',
  spId: 's',
  mode: 'AXB',
  status: 'normal',
  accountStatus: 'active',
  noBindingTone: 'tone.wav',
}
const BOUND = { mode: 'AXB', id: 'sub', appKey: 'k', x: X, a: A, b: B, callDirection: 0, maxDurationMin: 0 }

type Stage = 'open' | 'offer' | 'answer' | 'answerLocally' | 'play'

/** A media engine whose stages can be made to fail, or to wait for the test. */
function scriptedMedia(
  fail: Partial<Record<Stage, MediaErrorCode | 'bug'>>,
  wait: Partial<Record<Stage, Promise<void>>>,
) {
  const log: string[] = []
  const stage = async (name: Stage): Promise<void> => {
    log.push(name)
    await wait[name]
    const code = fail[name]
    if (code === 'bug') throw new TypeError('a bug in media')
    if (code !== undefined) throw new MediaError(code, name)
  }
  const session = {
    offer: async () => (await stage('offer'), SDP),
    answer: async () => (await stage('answer'), SDP),
    answerLocally: async () => (await stage('answerLocally'), SDP),
    play: async () => (await stage('play'), 1),
    close: async () => void log.push('close'),
  } as unknown as MediaSession
  const engine = { open: async () => (await stage('open'), session) } as unknown as MediaEngine
  return { engine, log }
}

function manualClock() {
  const timers = new Set<{ at: number; run: () => void }>()
  let now = 1_000_000
  const clock: Clock = {
    now: () => now,
    setTimer(delayMs, run) {
      const timer = { at: now + delayMs, run }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
  }
  const advance = (ms: number): void => {
    now += ms
    for (const timer of [...timers]) if (timer.at <= now && timers.delete(timer)) timer.run()
  }
  return { clock, advance, pending: () => timers.size }
}

type Bench = ReturnType<typeof openBench>

function openBench(
  options: {
    fail?: Partial<Record<Stage, MediaErrorCode | 'bug'>>
    wait?: Partial<Record<Stage, Promise<void>>>
    bound?: boolean
    lookup?: () => Promise<never>
    inviteThrows?: boolean
    journalThrowsOn?: string
  } = {},
) {
  const media = scriptedMedia(options.fail ?? {}, options.wait ?? {})
  const time = manualClock()
  const facts: CallFact[] = []
  const faults: object[] = []
  const toCaller: string[] = []
  const toCallee: string[] = []
  let calleeHandlers: ClientCallHandlers | undefined
  const callee = {
    owner: undefined,
    ack: () => void toCallee.push('ACK'),
    bye: () => void toCallee.push('BYE'),
    cancel: () => void toCallee.push('CANCEL'),
    reinvite: (_options: object, onFinal: (response: SipResponse) => void) => {
      toCallee.push('INVITE')
      reinviteAnswer = onFinal
    },
    ackReinvite: () => void toCallee.push('ACK'),
  } as unknown as ClientCall
  let reinviteAnswer: ((response: SipResponse) => void) | undefined
  const stack = {
    invite(_options: object, handlers: ClientCallHandlers) {
      if (options.inviteThrows) throw new TypeError('a bug in sip')
      toCallee.push('INVITE')
      calleeHandlers = handlers
      return callee
    },
  } as unknown as SipStack
  const controller = createCallController({
    router: createRouter({
      routes: {
        lookup:
          options.lookup ??
          (async () =>
            ({
              xNumber: { number: X, appKey: 'k', status: 'normal' },
              app: APP,
              match: options.bound === false ? undefined : { binding: BOUND, role: 'a' },
              xHasBindings: true,
            }) as never),
        isBehindY: async () => false,
      },
      memory: undefined as never,
      modes: {},
      controls: { check: () => undefined },
      log: silentLog,
    }),
    journal: {
      append(fact) {
        if (fact.event === options.journalThrowsOn) throw new TypeError('a bug in the journal')
        facts.push(fact)
      },
      flush: async () => {},
      openCalls: async () => [],
    },
    media: media.engine,
    sip: { host: '192.0.2.1', stack: () => stack },
    trunks: {
      admit: () => ({ kind: 'trunk', trunk: 't' }),
      wayTo: () => ({
        uri: `sip:${B}@192.0.2.9`,
        hop: { address: '192.0.2.9', port: 5060, transport: 'udp' },
        format: (n) => n,
      }),
    },
    announcements: { find: () => ({ encoding: 'alaw', samples: new Uint8Array(160) }) },
    clock: time.clock,
    policy: { connectTimeoutMs: 90_000 },
    alertOn183: false,
    log: { debug() {}, info() {}, warn() {}, error: (fields) => void faults.push(fields) },
    ids: createCallIds('pn.example'),
    hostName: 'pn.example',
    countryCode: '86',
  })
  const caller = {
    request: {
      kind: 'request',
      method: 'INVITE',
      uri: `sip:${X}@192.0.2.1`,
      headers: ['From', `<sip:${A}@192.0.2.5>;tag=1`],
      body: SDP,
    },
    source: { address: '192.0.2.5', port: 5060, transport: 'udp' },
    progress: (status: number) => void toCaller.push(String(status)),
    answer: () => void toCaller.push('200'),
    reject: (status: number, given?: { headers?: readonly string[] }) =>
      void toCaller.push([status, ...(given?.headers?.filter((_, i) => i % 2 === 0) ?? [])].join(' ')),
    bye: () => void toCaller.push('BYE'),
  } as unknown as ServerCall
  controller.onInvite(caller)
  return {
    controller,
    caller,
    callee,
    media,
    time,
    facts,
    faults,
    toCaller,
    toCallee,
    answerReinvite: (response: SipResponse) => reinviteAnswer!(response),
    events: () => facts.map((fact) => fact.event),
    ended: () => facts.at(-1)?.record.end,
    calleeSays: (status: number) => {
      const response = {
        kind: 'response',
        status,
        reason: '',
        headers: [],
        body: status < 300 && status > 180 ? SDP : Buffer.alloc(0),
      } as SipResponse
      if (status < 200) calleeHandlers!.onProvisional(callee, response)
      else if (status < 300) calleeHandlers!.onAnswer(callee, response)
      else calleeHandlers!.onFailure(callee, status, response)
    },
  }
}

/** Lets every promise that can settle now do so. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

async function assertEnded(bench: Bench, releaseCode: number, toCaller: string): Promise<void> {
  await settle()
  assert.equal(bench.ended()?.releaseCode, releaseCode)
  assert.deepEqual(bench.toCaller, [toCaller])
  assert.equal(bench.controller.activeCalls, 0)
  assert.equal(bench.time.pending(), 0, 'no timer is left behind')
}

describe('a call whose media fails', () => {
  test('is refused with 503 and Retry-After, 522, when no port is free', async () => {
    await assertEnded(openBench({ fail: { open: 'NO_PORTS' } }), 522, '503 Retry-After')
  })
  test('is refused the same way while the engine starts anew', async () => {
    await assertEnded(openBench({ fail: { open: 'ENGINE_DOWN' } }), 522, '503 Retry-After')
  })
  test('is refused with 488 when the caller’s SDP cannot be used', async () => {
    await assertEnded(openBench({ fail: { offer: 'BAD_SDP' } }), 8020, '488')
  })
  test('is refused with 500 when the engine is closed under it, instead of hanging', async () => {
    await assertEnded(openBench({ fail: { open: 'CLOSED' } }), 8020, '500')
  })
  test('is refused with 500 on a bug in media', async () => {
    const bench = openBench({ fail: { offer: 'bug' } })
    await assertEnded(bench, 8020, '500')
    assert.equal(bench.faults.length, 1)
    assert.deepEqual(bench.media.log, ['open', 'offer', 'close'])
  })
  test('is ended after five seconds when media never gets ready, and closes media that comes later', async () => {
    let open!: () => void
    const bench = openBench({ wait: { open: new Promise((resolve) => (open = resolve)) } })
    await settle()
    bench.time.advance(5_000)
    await assertEnded(bench, 8020, '500')
    open()
    await settle()
    assert.deepEqual(bench.media.log, ['open', 'close'])
  })
  test('hears the refusal at once when the announcement cannot be played', async () => {
    await assertEnded(
      openBench({ bound: false, fail: { answerLocally: 'NO_COMMON_CODEC' } }),
      8014,
      '404 Reason',
    )
  })
  test('hears the refusal when the announcement never ends', async () => {
    const bench = openBench({ bound: false })
    await settle()
    assert.deepEqual(bench.toCaller, ['183'])
    bench.time.advance(5 * 60_000)
    await settle()
    assert.deepEqual(bench.toCaller, ['183', '404 Reason'])
    assert.equal(bench.ended()?.releaseCode, 8014)
  })
  test('releases the callee that answered when its SDP cannot be used', async () => {
    const bench = openBench({ fail: { answer: 'BAD_SDP' } })
    await settle()
    bench.calleeSays(200)
    await assertEnded(bench, 8020, '488 Reason')
    assert.deepEqual(bench.toCallee, ['INVITE', 'ACK', 'BYE'])
  })
})

describe('a fault inside the platform', () => {
  test('in the lookup ends the call with 500 and tells nobody, for no app is known', async () => {
    const bench = openBench({ lookup: () => Promise.reject(new Error('the database is gone')) })
    await settle()
    assert.deepEqual(bench.toCaller, ['500'])
    assert.deepEqual(bench.events(), [])
    assert.equal(bench.controller.activeCalls, 0)
  })
  test('in the SIP stack ends the call with 500', async () => {
    const bench = openBench({ inviteThrows: true })
    await settle()
    assert.equal(bench.ended()?.releaseCode, 8020)
    assert.deepEqual(bench.toCaller, ['500 Reason'])
    assert.equal(bench.controller.activeCalls, 0)
  })
  test('in telling the end still frees the call', async () => {
    const bench = openBench({ journalThrowsOn: 'disconnect' })
    await settle()
    bench.calleeSays(486)
    await settle()
    assert.equal(bench.controller.activeCalls, 0)
    assert.equal(bench.media.log.at(-1), 'close')
  })
})

describe('crossing messages', () => {
  test('CANCEL while the callee’s 200 waits for media: the callee gets ACK and BYE, the caller no 200', async () => {
    let answer!: () => void
    const bench = openBench({ wait: { answer: new Promise((resolve) => (answer = resolve)) } })
    await settle()
    bench.calleeSays(200)
    bench.caller.handlers.onCancel(bench.caller, bench.caller.request)
    answer()
    await settle()
    assert.deepEqual(bench.toCallee, ['INVITE', 'ACK', 'BYE'])
    assert.equal(bench.controller.activeCalls, 0)
  })
  test('CANCEL during the lookup: callin and disconnect 7516, no callee', async () => {
    const bench = openBench()
    bench.caller.handlers.onCancel(bench.caller, bench.caller.request)
    await settle()
    assert.deepEqual(bench.events(), ['callin', 'disconnect'])
    assert.equal(bench.ended()?.releaseCode, 7516)
    assert.deepEqual(bench.toCallee, [])
  })
  test('a callee that answers after the connection time-out stays released', async () => {
    const bench = openBench()
    await settle()
    bench.time.advance(90_000)
    bench.calleeSays(487)
    await settle()
    assert.deepEqual(bench.toCallee, ['INVITE', 'CANCEL'])
    assert.deepEqual(bench.toCaller, ['480 Reason'])
    assert.equal(bench.facts.filter((fact) => fact.event === 'disconnect').length, 1)
  })
})

describe('a re-INVITE', () => {
  const talking = async (fail: Partial<Record<Stage, MediaErrorCode>> = {}): Promise<Bench> => {
    const bench = openBench({ fail })
    await settle()
    bench.calleeSays(200)
    await settle()
    return bench
  }
  const request = (answers: number[], body: Uint8Array = SDP): IncomingRequest => ({
    request: { kind: 'request', method: 'INVITE', uri: 'sip:x', headers: [], body },
    source: { address: '192.0.2.5', port: 5060, transport: 'udp' },
    respond: (status) => void answers.push(status),
  })

  for (const [status, relayed] of [
    [488, 488],
    [491, 491],
    [401, 488],
    [302, 488],
    [481, 488],
  ] as const)
    test(`refused with ${status} by the other side is refused with ${relayed}, and the call goes on`, async () => {
      const bench = await talking()
      const answers: number[] = []
      bench.caller.handlers.onReinvite(bench.caller, request(answers))
      await settle()
      bench.answerReinvite({ kind: 'response', status, reason: '', headers: [], body: Buffer.alloc(0) })
      await settle()
      assert.deepEqual(answers, [relayed])
      assert.equal(bench.controller.activeCalls, 1)
    })

  test('without an offer, whose ACK brings no answer, is still acknowledged to the other side', async () => {
    const bench = await talking()
    const answers: number[] = []
    bench.caller.handlers.onReinvite(bench.caller, request(answers, Buffer.alloc(0)))
    await settle()
    bench.answerReinvite({ kind: 'response', status: 200, reason: '', headers: [], body: SDP })
    await settle()
    assert.deepEqual(answers, [200])
    const ack = { ...request([]).request, method: 'ACK', body: Buffer.alloc(0) }
    bench.caller.handlers.onReinviteAck!(bench.caller, ack)
    await settle()
    assert.deepEqual(bench.toCallee, ['INVITE', 'ACK', 'INVITE', 'ACK'])
  })

  test('before the call is up is answered 491', async () => {
    const bench = openBench()
    await settle()
    const answers: number[] = []
    bench.caller.handlers.onReinvite(bench.caller, request(answers))
    assert.deepEqual(answers, [491])
  })
})
