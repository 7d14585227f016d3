import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { XStatus } from '../numbers/x-number.ts'
import type { E164 } from '../shared/e164.ts'
import { silentLog } from '../shared/log.ts'
import type { App, Mode } from '../tenants/app.ts'
import type { AxbBinding, CallDirection } from './binding.ts'
import type { RouteDecision, RouteView } from './route.ts'
import { routeAxb } from './axb-route.ts'
import { createRouter, gate } from './router.ts'

const A = '+8613800000021' as E164
const B = '+8613800000022' as E164
const X = '+8617000000001' as E164
const FIXED = '+8675528000001' as E164

const app: App = {
  key: 'demoKey',
  secret: 's',
  tenantId: 't',
  spId: 'demo_sp',
  name: 'demo',
  mode: 'AXB',
  status: 'normal',
  accountStatus: 'active',
  recordingEnabled: true,
  smsEnabled: true,
  allowFixedLineCaller: false,
  lenientUserData: false,
  ipAllowlist: [],
  pushSignature: 'aksk',
  verifyPushCertificate: true,
  noPermissionTone: 'no-permission.wav',
  noBindingTone: 'no-binding.wav',
  exceptionTone: 'exception.wav',
}

const xNumber = {
  number: X,
  appKey: app.key,
  areaCode: '0755',
  province: '广东省',
  status: 'normal',
  smsCapable: true,
} as const

const binding: AxbBinding = {
  mode: 'AXB',
  id: 'binding-1',
  appKey: app.key,
  x: X,
  a: A,
  b: B,
  callDirection: 0,
  durationSec: 0,
  maxDurationMin: 0,
  recordFlag: false,
  privateSms: true,
  changedAt: 0,
}

type Case = {
  from?: E164 | 'anonymous'
  binding?: Partial<AxbBinding>
  role?: 'a' | 'b' | 'none'
  app?: Partial<App>
  x?: XStatus
  xHasBindings?: boolean
}

function route(given: Case): RouteDecision {
  const role = given.role ?? 'a'
  const view: RouteView = {
    app: { ...app, ...given.app },
    xNumber: {
      number: X,
      appKey: app.key,
      areaCode: '0755',
      province: '广东省',
      status: given.x ?? 'normal',
      smsCapable: true,
    },
    match: role === 'none' ? undefined : { binding: { ...binding, ...given.binding }, role },
    xHasBindings: given.xHasBindings ?? true,
  }
  const from = given.from === 'anonymous' ? undefined : (given.from ?? (role === 'b' ? B : A))
  const arrival = { x: X, from, at: 0 }
  return gate(arrival, view) ?? routeAxb(arrival, view, view.app!)
}

const connected = (given: Case) => {
  const decision = route(given)
  return decision.kind === 'connect' ? decision : assert.fail(`${decision.kind}`)
}
const refusal = (given: Case) => {
  const decision = route(given)
  return decision.kind === 'refuse' ? decision : assert.fail('connected')
}
const refused = (given: Case) => {
  const { releaseCode, sipStatus, tone } = refusal(given)
  return [releaseCode, sipStatus, tone]
}

test('[axb.call.aToX] [axb.call.bToX] [axb.call.display] [cdr.direction.a] [cdr.direction.b] A reaches B and B reaches A, and both are shown X', () => {
  const fromA = connected({ role: 'a' })
  assert.deepEqual([fromA.callee, fromA.display, fromA.subject.direction], [B, X, 1])
  const fromB = connected({ role: 'b' })
  assert.deepEqual([fromB.callee, fromB.display, fromB.subject.direction], [A, X, 0])
})

test('[axb.call.subject] [cdr.serviceType.004] the call belongs to app, binding, user data and AXB', () => {
  const { subject } = connected({ binding: { userData: 'order-1' } })
  assert.deepEqual(subject, {
    app,
    subscriptionId: 'binding-1',
    userData: 'order-1',
    direction: 1,
    serviceType: '004',
  })
})

test('[axb.call.direction] [faq.60] callDirection decides who may call: 0 both, 1 only A, 2 only B, else 8016 with the no-permission tone', () => {
  const outcome = (callDirection: CallDirection, role: 'a' | 'b') =>
    route({ role, binding: { callDirection } }).kind
  assert.deepEqual([outcome(0, 'a'), outcome(0, 'b')], ['connect', 'connect'])
  assert.deepEqual([outcome(1, 'a'), outcome(1, 'b')], ['connect', 'refuse'])
  assert.deepEqual([outcome(2, 'a'), outcome(2, 'b')], ['refuse', 'connect'])
  assert.deepEqual(refused({ role: 'b', binding: { callDirection: 1 } }), [8016, 403, 'no-permission.wav'])
  assert.equal(refusal({ role: 'b', binding: { callDirection: 1 } }).subject.subscriptionId, 'binding-1')
})

test('[axb.call.waitingTone] each party hears its own waiting tone, or none', () => {
  const preVoice = { callerHintTone: 'for-a.wav', calleeHintTone: 'for-b.wav' }
  assert.equal(connected({ role: 'a', binding: { preVoice } }).waitingTone, 'for-a.wav')
  assert.equal(connected({ role: 'b', binding: { preVoice } }).waitingTone, 'for-b.wav')
  assert.equal(
    connected({ role: 'b', binding: { preVoice: { callerHintTone: 'for-a.wav' } } }).waitingTone,
    undefined,
  )
})

test('[axb.rule.parallelCalls] an X of AXB is not taken by one call', () => {
  assert.equal(connected({}).exclusive, undefined)
})

test('[axb.call.maxDuration] [axb.call.lastMinVoice] [faq.62] a time limit and its last-minute prompt come with the binding; no limit, no prompt', () => {
  const limited = connected({ binding: { maxDurationMin: 5, lastMinVoice: 'last.wav' } })
  assert.deepEqual([limited.maxDurationMin, limited.lastMinVoice], [5, 'last.wav'])
  assert.equal(connected({ binding: { lastMinVoice: 'last.wav' } }).lastMinVoice, undefined)
})

test('[axb.call.recording] [axb.call.recordHintTone] [faq.31] recording needs the binding and the app, and the hint is optional', () => {
  assert.deepEqual(connected({ binding: { recordFlag: true, recordHintTone: 'h.wav' } }).recording, {
    hintTone: 'h.wav',
  })
  assert.deepEqual(connected({ binding: { recordFlag: true } }).recording, {})
  assert.equal(
    connected({ binding: { recordFlag: true }, app: { recordingEnabled: false } }).recording,
    undefined,
  )
  assert.equal(connected({}).recording, undefined)
})

test('[axb.call.stranger] [axb.call.emptyX] [faq.58] [cdr.direction.none] a stranger on an X with bindings hears no-binding, on one without no-permission: 8014 and direction 2', () => {
  assert.deepEqual(refused({ role: 'none' }), [8014, 404, 'no-binding.wav'])
  assert.deepEqual(refused({ role: 'none', xHasBindings: false }), [8014, 404, 'no-permission.wav'])
  const { subject } = refusal({ role: 'none' })
  assert.equal(subject.direction, 2)
  assert.equal(subject.subscriptionId, undefined)
})

test('[axb.call.anonymous] a withheld caller is a stranger', () => {
  assert.deepEqual(refused({ role: 'none', from: 'anonymous' }), [8014, 404, 'no-binding.wav'])
})

test('[axb.call.noTone] a tone that is not set is not played', () => {
  assert.deepEqual(refused({ role: 'none', app: { noBindingTone: undefined } }), [8014, 404, undefined])
})

test('[axb.call.fixedLine] [axb.rule.landline] a fixed line may not call X, bound or not and before the direction is asked, unless the app allows it', () => {
  const fixed: Case = { from: FIXED, role: 'a', binding: { a: FIXED } }
  assert.deepEqual(refused(fixed), [8023, 403, 'no-permission.wav'])
  assert.equal(refused({ ...fixed, binding: { a: FIXED, callDirection: 2 } })[0], 8023)
  assert.equal(refused({ from: FIXED, role: 'none' })[0], 8023)
  assert.equal(connected({ ...fixed, app: { allowFixedLineCaller: true } }).callee, B)
  assert.equal(connected({ binding: { b: FIXED } }).callee, FIXED)
})

test('[axb.call.suspended] [axb.call.frozen] [auth.rule.frozen.calls] a frozen account is 7108 and a suspended app 8018, both with the exception tone', () => {
  assert.deepEqual(refused({ app: { accountStatus: 'frozen' } }), [7108, 403, 'exception.wav'])
  assert.deepEqual(refused({ app: { status: 'suspended' } }), [8018, 403, 'exception.wav'])
  assert.equal(refused({ app: { status: 'suspended', accountStatus: 'frozen' } })[0], 7108)
})

test('[num.effect.calls] a suspended or unusable X is 8055; one frozen for binding still carries calls', () => {
  assert.deepEqual(refused({ x: 'suspended' }), [8055, 403, 'no-permission.wav'])
  assert.deepEqual(refused({ x: 'unusable' }), [8055, 403, 'no-permission.wav'])
  assert.equal(connected({ x: 'binding-frozen' }).callee, B)
})

test('an app of a mode that is not served is 7105, an X that is not ours 8025, one without app 7100', async () => {
  const codeOf = async (view: Partial<RouteView>) => {
    const router = createRouter({
      routes: {
        lookup: async () => ({ xNumber, app, match: undefined, xHasBindings: false, ...view }),
        isBehindY: async () => false,
      },
      memory: undefined as never,
      modes: {},
      controls: { admit: () => undefined, check: () => undefined },
      log: silentLog,
    })
    const decision = await router.route({ x: X, from: A, at: 0 })
    return decision.kind === 'refuse' ? decision.releaseCode : decision.kind
  }
  for (const mode of ['AX', 'AXE', 'AXYB', 'X'] satisfies Mode[])
    assert.equal(await codeOf({ app: { ...app, mode } }), 7105)
  assert.equal(await codeOf({ xNumber: undefined, app: undefined }), 8025)
  assert.equal(await codeOf({ app: undefined }), 7100)
})

test('[tone.exception] an internal error of a mode is 8020, after the business-exception tone', async () => {
  const failing: App = { ...app, mode: 'AX', exceptionTone: 'broken.wav' }
  const logged: string[] = []
  const router = createRouter({
    routes: {
      lookup: async () => ({ xNumber, app: failing, match: undefined, xHasBindings: true }),
      isBehindY: async () => false,
    },
    memory: undefined as never,
    modes: { AX: { route: () => Promise.reject(new Error('no store')) } },
    controls: { admit: () => undefined, check: () => undefined },
    log: { ...silentLog, error: (_fields, message) => logged.push(message) },
  })
  assert.deepEqual(await router.route({ x: X, from: A, at: 0 }), {
    kind: 'refuse',
    subject: { app: failing, direction: 2, serviceType: '003' },
    releaseCode: 8020,
    sipStatus: 500,
    tone: 'broken.wav',
  })
  assert.equal(logged.length, 1)
})
