import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { E164 } from '../shared/e164.ts'
import { type App, newApp } from '../tenants/app.ts'
import { createAxRouting, type Remembered, routeAx } from './ax-route.ts'
import type { AxBinding, Memories, MemoryKind } from './binding.ts'
import type { Connect, RouteDecision, RouteView } from './route.ts'
import { gate } from './router.ts'

const A = '+8613800000021' as E164
const B = '+8613800000022' as E164
const OLD_A = '+8613800000023' as E164
const X = '+8617000000001' as E164
const FIXED = '+8675528000001' as E164

const app: App = newApp({
  key: 'demoKey',
  secret: 's',
  tenantId: 't',
  mode: 'AX',
  recordingEnabled: true,
  noPermissionTone: 'no-permission.wav',
  exceptionTone: 'exception.wav',
})

const binding: AxBinding = {
  mode: 'AX',
  id: 'binding-1',
  appKey: app.key,
  x: X,
  a: A,
  maxDurationMin: 0,
  recordFlag: false,
  privateSms: true,
  turnFlag: 'on',
  callDirection: 0,
  changedAt: 0,
}

const callee = { a: A, token: 'token-1', callee: B } satisfies Memories['temporary-callee']

type Case = {
  /** Who calls; default B. A calls in role a. */
  readonly from?: E164 | 'anonymous'
  readonly withheld?: true
  readonly binding?: Partial<AxBinding> | 'none'
  readonly app?: Partial<App>
  readonly remembered?: Remembered
}

function route({
  from = B,
  withheld,
  binding: changes = {},
  app: settings,
  remembered,
}: Case): RouteDecision {
  const caller = from === 'anonymous' ? undefined : from
  const bound = changes === 'none' ? undefined : { ...binding, ...changes }
  const view: RouteView = {
    app: { ...app, ...settings },
    xNumber: {
      number: X,
      appKey: app.key,
      areaCode: '0755',
      province: '广东省',
      status: 'normal',
      smsCapable: true,
    },
    match: bound && { binding: bound, role: caller === bound.a ? 'a' : 'b' },
    xHasBindings: bound !== undefined,
  }
  const arrival = { x: X, from: caller, at: 0, ...(withheld && { withheld }) }
  return gate(arrival, view) ?? routeAx(arrival, view, view.app!, remembered)
}

const connected = (given: Case): Connect => {
  const decision = route(given)
  return decision.kind === 'connect' ? decision : assert.fail(decision.kind)
}
const refusal = (given: Case) => {
  const decision = route(given)
  return decision.kind === 'refuse' ? decision : assert.fail(decision.kind)
}

const OUT = { from: A, remembered: { callee } } as const
const LAST_PEER: Remembered = { lastPeer: { a: A, peer: B } }

/** Whom a call reaches and what the callee sees. */
const CONNECTS: readonly (readonly [title: string, given: Case, callee: E164, display: E164])[] = [
  ['[ax.call.a-out] A reaches the temporary callee, who sees X', OUT, B, X],
  ['[ax.call.a-out.direction] callDirection 1 lets A call', { ...OUT, binding: { callDirection: 1 } }, B, X],
  [
    '[ax.call.turnFlag.a-out] switched off, A still calls out',
    { ...OUT, binding: { turnFlag: 'off' } },
    B,
    X,
  ],
  [
    '[ax.call.callee-before-memory] the temporary callee comes before memory call-back',
    {
      from: A,
      app: { memoryCallback: true },
      remembered: { callee: { ...callee, callee: FIXED }, ...LAST_PEER },
    },
    FIXED,
    X,
  ],
  [
    '[ax.call.memory.display] memory call-back shows X too',
    { from: A, app: { memoryCallback: true }, remembered: LAST_PEER },
    B,
    X,
  ],
  ['[ax.call.others] everybody else reaches A', {}, A, X],
  ['[ax.call.others.direction] callDirection 2 lets others call', { binding: { callDirection: 2 } }, A, X],
  ['[ax.call.others.anonymous] a withheld caller reaches A', { from: 'anonymous' }, A, X],
  ['[ax.call.display-x] calleeNumDisplay 0 shows X', { binding: { calleeNumDisplay: '0' } }, A, X],
  [
    '[ax.call.display-real] calleeNumDisplay 1 shows the caller where the app allows it',
    { binding: { calleeNumDisplay: '1' }, app: { realCallerDisplay: true } },
    A,
    B,
  ],
  [
    '[ax.call.display-not-allowed] calleeNumDisplay 1 shows X where the app does not allow the caller',
    { binding: { calleeNumDisplay: '1' } },
    A,
    X,
  ],
  [
    '[ax.call.display-anonymous] calleeNumDisplay 1 shows X for a withheld caller',
    { from: 'anonymous', binding: { calleeNumDisplay: '1' }, app: { realCallerDisplay: true } },
    A,
    X,
  ],
  [
    '[ax.call.display-anonymous] and for one who is told to us alone',
    { withheld: true, binding: { calleeNumDisplay: '1' }, app: { realCallerDisplay: true } },
    A,
    X,
  ],
  [
    '[ax.call.display-a-out] calleeNumDisplay is for calls to A: the callee of A sees X',
    { ...OUT, binding: { calleeNumDisplay: '1' }, app: { realCallerDisplay: true } },
    B,
    X,
  ],
]
for (const [title, given, to, display] of CONNECTS) {
  test(title, () => {
    const connect = connected(given)
    assert.deepEqual([connect.callee, connect.display], [to, display])
  })
}

type Refusal = readonly [releaseCode: number, sipStatus: number, tone: string | undefined]

const REFUSES: readonly (readonly [title: string, given: Case, refusal: Refusal])[] = [
  [
    '[ax.call.no-callee] A without a temporary callee, memory call-back off: 8013',
    { from: A },
    [8013, 404, 'no-permission.wav'],
  ],
  [
    '[ax.call.memory-none] memory call-back on, but A talked with nobody: 8019',
    { from: A, app: { memoryCallback: true } },
    [8019, 404, 'no-permission.wav'],
  ],
  [
    '[ax.call.no-binding] an X without AX binding: 8018',
    { binding: 'none' },
    [8018, 403, 'no-permission.wav'],
  ],
  [
    '[ax.call.no-binding.a] also for who was A',
    { from: A, binding: 'none' },
    [8018, 403, 'no-permission.wav'],
  ],
  [
    '[ax.call.direction.a] callDirection 2 and A calls: 8016',
    { ...OUT, binding: { callDirection: 2 } },
    [8016, 403, 'no-permission.wav'],
  ],
  [
    '[ax.call.direction.others] callDirection 1 and others call: 8016',
    { binding: { callDirection: 1 } },
    [8016, 403, 'no-permission.wav'],
  ],
  [
    '[ax.call.turnFlag] switched off: others hear so and A is not called, 8018',
    { binding: { turnFlag: 'off' } },
    [8018, 480, 'powered_off.wav'],
  ],
  [
    '[ax.call.fixed-line] A is a fixed line and calls: 8023',
    { from: FIXED, binding: { a: FIXED }, remembered: { callee } },
    [8023, 403, 'no-permission.wav'],
  ],
  [
    '[ax.call.suspended] the app is suspended: 8018 with the exception tone',
    { app: { status: 'suspended' } },
    [8018, 403, 'exception.wav'],
  ],
  [
    '[ax.call.tones-app] the tone is the app’s; without one nothing is played',
    { binding: 'none', app: { noPermissionTone: undefined } },
    [8018, 403, undefined],
  ],
]
for (const [title, given, expected] of REFUSES) {
  test(title, () => {
    const { releaseCode, sipStatus, tone } = refusal(given)
    assert.deepEqual([releaseCode, sipStatus, tone], expected)
  })
}

test('[ax.call.cdr.serviceType] [ax.call.cdr.direction] 003; direction 1 when A calls, 0 when others do, 2 without a binding', () => {
  const told = ({ subject }: RouteDecision) => [
    subject.serviceType,
    subject.direction,
    subject.subscriptionId,
  ]
  assert.deepEqual(told(route(OUT)), ['003', 1, 'binding-1'])
  assert.deepEqual(told(route({ from: A })), ['003', 1, 'binding-1'])
  assert.deepEqual(told(route({})), ['003', 0, 'binding-1'])
  assert.deepEqual(told(route({ binding: 'none' })), ['003', 2, undefined])
})

test('[ax.callee.userData-wins] userData of the temporary callee replaces that of the binding for its call', () => {
  const userData = (given: Case) => connected(given).subject.userData
  const own = { ...callee, userData: 'of the call' }
  assert.equal(userData({ from: A, remembered: { callee: own } }), 'of the call')
  assert.equal(userData({ from: A, binding: { userData: 'u' }, remembered: { callee: own } }), 'of the call')
  assert.equal(userData({ ...OUT, binding: { userData: 'u' } }), 'u')
  assert.equal(userData({ binding: { userData: 'u' }, remembered: { callee: own } }), 'u', 'not others')
})

test('[ax.call.wait.caller] [ax.call.wait.callee] the waiting tone of A, and that of everybody else; none is the ring-back', () => {
  const preVoice = { callerHintTone: 'for-a.wav', calleeHintTone: 'for-others.wav' }
  assert.equal(connected({ ...OUT, binding: { preVoice } }).waitingTone, 'for-a.wav')
  assert.equal(
    connected({ from: A, app: { memoryCallback: true }, remembered: LAST_PEER, binding: { preVoice } })
      .waitingTone,
    'for-a.wav',
  )
  assert.equal(connected({ binding: { preVoice } }).waitingTone, 'for-others.wav')
  assert.equal(connected(OUT).waitingTone, undefined)
  assert.equal(connected({ binding: { preVoice: { callerHintTone: 'for-a.wav' } } }).waitingTone, undefined)
})

test('[ax.call.hint] calleeHintVoice is played to the temporary callee, and to nobody else', () => {
  const remembered = { callee: { ...callee, calleeHintVoice: 'hint.wav' } }
  assert.equal(connected({ from: A, remembered }).calleeTone, 'hint.wav')
  assert.equal(connected({ remembered }).calleeTone, undefined)
  assert.equal(connected(OUT).calleeTone, undefined)
})

test('[ax.call.maxDuration] [ax.call.lastMinVoice] limit and last-minute prompt, both ways; no limit, no prompt', () => {
  const limited = { maxDurationMin: 5, lastMinVoice: 'last.wav' }
  for (const given of [OUT, {}]) {
    const { maxDurationMin, lastMinVoice } = connected({ ...given, binding: limited })
    assert.deepEqual([maxDurationMin, lastMinVoice], [5, 'last.wav'])
    assert.equal(connected({ ...given, binding: { lastMinVoice: 'last.wav' } }).lastMinVoice, undefined)
  }
})

test('[ax.call.recording] recording needs the binding and the app, both ways; the hint is optional', () => {
  for (const given of [OUT, {}]) {
    const recording = (changes: Partial<AxBinding>, settings: Partial<App> = {}) =>
      connected({ ...given, binding: changes, app: settings }).recording
    assert.deepEqual(recording({ recordFlag: true, recordHintTone: 'h.wav' }), { hintTone: 'h.wav' })
    assert.deepEqual(recording({ recordFlag: true }), {})
    assert.equal(recording({ recordFlag: true }, { recordingEnabled: false }), undefined)
    assert.equal(recording({ recordHintTone: 'h.wav' }), undefined)
  }
})

test('[ax.call.busy] one call per X, whoever calls: the next is told that it is busy, 8102 and 486', () => {
  for (const given of [OUT, {}, { from: 'anonymous' as const }]) {
    const { exclusive } = connected(given)
    assert.equal(exclusive?.key, X)
    const { releaseCode, sipStatus, tone, subject } = exclusive.busy
    assert.deepEqual([releaseCode, sipStatus, tone], [8102, 486, 'busy.wav'])
    assert.equal(subject.subscriptionId, 'binding-1')
  }
})

test('[ax.call.consumed] the answer uses up the very callee that was called, and nothing earlier does', () => {
  const { memos } = connected(OUT)
  assert.deepEqual(memos, {
    answered: [{ do: 'forget', bindingId: 'binding-1', kind: 'temporary-callee', token: 'token-1' }],
  })
})

test('[ax.call.memory-kept] whom A talked with is remembered on answer, both ways, where the app uses it', () => {
  const remember = (peer: E164) => ({
    do: 'remember',
    bindingId: 'binding-1',
    kind: 'last-peer',
    value: { a: A, peer },
  })
  const on = { app: { memoryCallback: true } }
  assert.deepEqual(connected({ ...OUT, ...on }).memos?.answered?.at(-1), remember(B))
  assert.deepEqual(connected(on).memos, { answered: [remember(B)] })
  assert.equal(connected({ ...on, from: 'anonymous' }).memos, undefined, 'a withheld caller cannot be called')
  assert.equal(connected({ ...on, withheld: true }).memos, undefined, 'nor is who is told to us alone')
  assert.equal(connected({}).memos, undefined, 'nothing is kept that is not used')
})

/** Memories of one binding, and what was asked of them. */
function memoryOf(values: Partial<Memories>) {
  const asked: MemoryKind[] = []
  return {
    asked,
    recall: async <K extends MemoryKind>(_id: string, kind: K): Promise<Memories[K] | undefined> => {
      asked.push(kind)
      return values[kind]
    },
  }
}

const viewOf = (role: 'a' | 'b'): RouteView => ({
  app,
  xNumber: undefined,
  match: { binding, role },
  xHasBindings: true,
})
const outcomeOf = async (values: Partial<Memories>, given: { role?: 'a' | 'b'; app?: Partial<App> } = {}) => {
  const { role = 'a', app: settings } = given
  const recalled = memoryOf(values)
  const arrival = { x: X, from: role === 'a' ? A : B, at: 0 }
  const decision = await createAxRouting(recalled).route(arrival, viewOf(role), { ...app, ...settings })
  return [decision.kind === 'connect' ? decision.callee : decision.kind, ...recalled.asked]
}

test('only what a call needs is looked up: nothing for others, the last peer where the app uses it', async () => {
  const lastPeer = { a: A, peer: FIXED }
  assert.deepEqual(await outcomeOf({ 'temporary-callee': callee }), [B, 'temporary-callee'])
  assert.deepEqual(await outcomeOf({ 'last-peer': lastPeer }), ['refuse', 'temporary-callee'])
  assert.deepEqual(await outcomeOf({ 'last-peer': lastPeer }, { app: { memoryCallback: true } }), [
    FIXED,
    'temporary-callee',
    'last-peer',
  ])
  assert.deepEqual(await outcomeOf({ 'temporary-callee': callee }, { role: 'b' }), [A])
})

test('[ax.call.new-a] what was set or remembered for another A is not for this one', async () => {
  const values = {
    'temporary-callee': { ...callee, a: OLD_A },
    'last-peer': { a: OLD_A, peer: FIXED },
  }
  assert.deepEqual(await outcomeOf(values, { app: { memoryCallback: true } }), [
    'refuse',
    'temporary-callee',
    'last-peer',
  ])
})

test('[ax.call.no-question] the customer is never asked: every call of A is connected or refused', async () => {
  const settings = {
    callinUrl: 'http://customer.example/callin',
    statusUrl: 'http://customer.example/status',
  }
  for (const remembered of [{}, { callee }, LAST_PEER])
    for (const memoryCallback of [false, true]) {
      const { kind } = route({ from: A, remembered, app: { ...settings, memoryCallback } })
      assert.ok(kind === 'connect' || kind === 'refuse', kind)
    }
})
