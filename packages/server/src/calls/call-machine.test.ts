import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RouteDecision } from '../bindings/route.ts'
import type { E164 } from '../shared/e164.ts'
import {
  type CallEffect,
  type CallInput,
  type CallState,
  arrive,
  endAfterCrash,
  step,
} from './call-machine.ts'
import type { CallRecord } from './call-record.ts'

const A = '+8613800000021' as E164
const B = '+8613800000022' as E164
const X = '+8617000000001' as E164
const T0 = 1_769_221_803_000
const policy = { connectTimeoutMs: 90_000 }

const record: CallRecord = {
  sessionId: '1200_1_1_20260124023003@pn01.example',
  icid: `${'0'.repeat(32)}.3978210603.1.1`,
  hostName: 'pn01.example',
  appKey: undefined,
  spId: undefined,
  direction: 2,
  serviceType: '',
  x: X,
  caller: A,
  callInAt: T0,
}
const subject = { app: undefined, subscriptionId: 'sub-1', direction: 1, serviceType: '004' } as const
const connect: RouteDecision = {
  kind: 'connect',
  subject,
  callee: B,
  display: X,
  maxDurationMin: 2,
  lastMinVoice: 'last.wav',
}
const refuse: RouteDecision = {
  kind: 'refuse',
  subject: { ...subject, direction: 2 },
  releaseCode: 8014,
  sipStatus: 404,
  tone: 'no_binding.wav',
}

const after = (inputs: readonly CallInput[], from: CallState = arrive(record)): CallState =>
  inputs.reduce((state, input, i) => step(state, input, T0 + (i + 1) * 1000, policy).state, from)

const routed: CallInput = { kind: 'routed', decision: connect, canAnnounce: false }
const STATES = {
  arrived: arrive(record),
  announcing: after([{ kind: 'routed', decision: refuse, canAnnounce: true }]),
  preparing: after([routed]),
  dialling: after([routed, { kind: 'media-ready' }]),
  ringing: after([routed, { kind: 'media-ready' }, { kind: 'callee-progress', status: 180, ringing: true }]),
  talking: after([routed, { kind: 'media-ready' }, { kind: 'callee-answered' }]),
  ended: after([routed, { kind: 'media-ready' }, { kind: 'callee-answered' }, { kind: 'caller-gone' }]),
} satisfies Record<CallState['kind'], CallState>

const INPUTS = {
  routed,
  'media-ready': { kind: 'media-ready' },
  announced: { kind: 'announced' },
  'callee-progress': { kind: 'callee-progress', status: 180, ringing: true },
  'callee-answered': { kind: 'callee-answered' },
  'callee-failed': {
    kind: 'callee-failed',
    ending: { releaseCode: 8102, q850: 17, sipStatus: 486 },
    statusToCaller: 486,
    reasonToCaller: 17,
  },
  'caller-gone': { kind: 'caller-gone' },
  'callee-gone': { kind: 'callee-gone' },
  'setup-timeout': { kind: 'setup-timeout' },
  'connect-timeout': { kind: 'connect-timeout' },
  'limit-reached': { kind: 'limit-reached' },
  'last-minute': { kind: 'last-minute' },
  'media-silent': { kind: 'media-silent' },
  terminate: { kind: 'terminate', releaseCode: 8017 },
  fault: { kind: 'fault', releaseCode: 522, statusToCaller: 503 },
} satisfies { [K in CallInput['kind']]: Extract<CallInput, { kind: K }> }

const brief = (effect: CallEffect): string => {
  switch (effect.do) {
    case 'tell':
      return effect.record.end ? `tell disconnect ${effect.record.end.releaseCode}` : `tell ${effect.event}`
    case 'reject-caller':
      return `reject-caller ${effect.status} ${effect.q850}`
    case 'progress-caller':
      return `progress-caller ${effect.status}`
    case 'bye-caller':
    case 'bye-callee':
    case 'cancel-callee':
      return `${effect.do} ${effect.q850}`
    case 'arm':
      return `arm ${effect.timer} ${effect.delayMs}`
    case 'disarm':
      return `disarm ${effect.timer}`
    default:
      return effect.do
  }
}

/** [state after, effects]; `-` = written as ignored: same state, nothing done. */
type Cell = '-' | readonly [CallState['kind'], ...string[]]
const end = (code: number, ...before: string[]): Cell => [
  'ended',
  ...before,
  `tell disconnect ${code}`,
  'release',
]
const refused = end(8014, 'reject-caller 404 1')

const TABLE = {
  arrived: {
    routed: ['preparing', 'tell callin', 'arm setup 5000', 'prepare'],
    'caller-gone': ['arrived'],
    terminate: ['ended', 'reject-caller 503 0', 'release'],
    fault: ['ended', 'reject-caller 503 0', 'release'],
    'media-ready': '-',
    announced: '-',
    'callee-progress': '-',
    'callee-answered': '-',
    'callee-failed': '-',
    'callee-gone': '-',
    'connect-timeout': '-',
    'limit-reached': '-',
    'last-minute': '-',
    'media-silent': '-',
    'setup-timeout': '-',
  },
  announcing: {
    announced: refused,
    'setup-timeout': refused,
    'media-silent': refused,
    terminate: refused,
    fault: refused,
    'caller-gone': end(8014),
    routed: '-',
    'media-ready': '-',
    'callee-progress': '-',
    'callee-answered': '-',
    'callee-failed': '-',
    'callee-gone': '-',
    'connect-timeout': '-',
    'limit-reached': '-',
    'last-minute': '-',
  },
  preparing: {
    'media-ready': ['dialling', 'disarm setup', 'dial', 'tell callout', 'arm connect 90000'],
    'caller-gone': end(7516),
    'setup-timeout': end(8020, 'reject-caller 500 0'),
    terminate: end(8017, 'reject-caller 480 0'),
    fault: end(522, 'reject-caller 503 0'),
    routed: '-',
    announced: '-',
    'callee-progress': '-',
    'callee-answered': '-',
    'callee-failed': '-',
    'callee-gone': '-',
    'connect-timeout': '-',
    'limit-reached': '-',
    'last-minute': '-',
    'media-silent': '-',
  },
  dialling: {
    'callee-progress': ['ringing', 'progress-caller 180', 'tell alerting'],
    'callee-answered': [
      'talking',
      'answer-caller',
      'tell answer',
      'disarm connect',
      'arm limit 120000',
      'arm last-minute 60000',
    ],
    'callee-failed': end(8102, 'reject-caller 486 17'),
    'caller-gone': end(7501, 'cancel-callee 16'),
    'callee-gone': end(8103, 'reject-caller 480 41'),
    'connect-timeout': end(8035, 'cancel-callee 102', 'reject-caller 480 19'),
    terminate: end(8017, 'cancel-callee 31', 'reject-caller 480 31'),
    fault: end(522, 'cancel-callee 41', 'reject-caller 503 41'),
    routed: '-',
    'media-ready': '-',
    announced: '-',
    'limit-reached': '-',
    'last-minute': '-',
    'media-silent': '-',
    'setup-timeout': '-',
  },
  ringing: {
    'callee-progress': ['ringing', 'progress-caller 180'],
    'callee-answered': [
      'talking',
      'answer-caller',
      'tell answer',
      'disarm connect',
      'arm limit 120000',
      'arm last-minute 60000',
    ],
    'callee-failed': end(8102, 'reject-caller 486 17'),
    'caller-gone': end(7502, 'cancel-callee 16'),
    'callee-gone': end(8103, 'reject-caller 480 41'),
    'connect-timeout': end(8035, 'cancel-callee 102', 'reject-caller 480 19'),
    terminate: end(8017, 'cancel-callee 31', 'reject-caller 480 31'),
    fault: end(522, 'cancel-callee 41', 'reject-caller 503 41'),
    routed: '-',
    'media-ready': '-',
    announced: '-',
    'limit-reached': '-',
    'last-minute': '-',
    'media-silent': '-',
    'setup-timeout': '-',
  },
  talking: {
    'caller-gone': end(0, 'bye-callee 16'),
    'callee-gone': end(0, 'bye-caller 16'),
    'media-silent': end(0, 'bye-caller 41', 'bye-callee 41'),
    'limit-reached': end(8010, 'bye-caller 31', 'bye-callee 31'),
    'last-minute': ['talking', 'play-to-both'],
    terminate: end(8017, 'bye-caller 31', 'bye-callee 31'),
    fault: end(522, 'bye-caller 41', 'bye-callee 41'),
    routed: '-',
    'media-ready': '-',
    announced: '-',
    'callee-progress': '-',
    'callee-answered': '-',
    'callee-failed': '-',
    'connect-timeout': '-',
    'setup-timeout': '-',
  },
  ended: {
    routed: '-',
    'media-ready': '-',
    announced: '-',
    'callee-progress': '-',
    'callee-answered': '-',
    'callee-failed': '-',
    'caller-gone': '-',
    'callee-gone': '-',
    'connect-timeout': '-',
    'limit-reached': '-',
    'last-minute': '-',
    'media-silent': '-',
    terminate: '-',
    fault: '-',
    'setup-timeout': '-',
  },
} satisfies Record<CallState['kind'], Record<CallInput['kind'], Cell>>

for (const [stateKind, row] of Object.entries(TABLE))
  for (const [inputKind, cell] of Object.entries(row) as [CallInput['kind'], Cell][])
    test(`${stateKind}: ${inputKind} ${cell === '-' ? 'is ignored' : `→ ${cell.join(', ')}`}`, () => {
      const before = STATES[stateKind as CallState['kind']]
      const { state, effects } = step(before, INPUTS[inputKind], T0 + 60_000, policy)
      if (cell === '-') {
        assert.equal(state, before)
        assert.deepEqual(effects, [])
      } else assert.deepEqual([state.kind, ...effects.map(brief)], cell)
    })

test('every way of ending tells disconnect once and releases last', () => {
  for (const before of Object.values(STATES))
    for (const input of Object.values(INPUTS)) {
      const { state, effects } = step(before, input, T0, policy)
      const told = effects.filter((e) => e.do === 'tell' && e.event === 'disconnect').length
      const released = effects.filter((e) => e.do === 'release').length
      const endsNow = state.kind === 'ended' && before.kind !== 'ended'
      assert.equal(released, endsNow ? 1 : 0)
      if (endsNow) assert.equal(effects.at(-1)?.do, 'release')
      assert.equal(told, endsNow && before.kind !== 'arrived' ? 1 : 0)
    }
})

test('a caller that hung up during the lookup still gets callin and disconnect 7516', () => {
  const gone = step(arrive(record), { kind: 'caller-gone' }, T0, policy).state
  const { effects } = step(gone, routed, T0, policy)
  assert.deepEqual(effects.map(brief), ['tell callin', 'tell disconnect 7516', 'release'])
})

test('a refusal without a tone, or to a caller without an offer, is answered at once', () => {
  const { effects } = step(
    arrive(record),
    { kind: 'routed', decision: refuse, canAnnounce: false },
    T0,
    policy,
  )
  assert.deepEqual(effects.map(brief), [
    'tell callin',
    'reject-caller 404 0',
    'tell disconnect 8014',
    'release',
  ])
})

test('the record keeps every instant that happened', () => {
  const { record: ended } = STATES.ended
  assert.equal(ended.forward?.startAt, T0 + 2000)
  assert.equal(ended.forward?.answerAt, T0 + 3000)
  assert.equal(ended.forward?.alertingAt, undefined)
  assert.deepEqual(ended.end, { at: T0 + 4000, releaseCode: 0, q850: 0, sipStatus: 0 })
  assert.equal(ended.subscriptionId, 'sub-1')
})

test('an unanswered call never ends with the 0/0 that customers read as connected', () => {
  for (const before of [STATES.announcing, STATES.preparing, STATES.dialling, STATES.ringing])
    for (const input of Object.values(INPUTS)) {
      const { state } = step(before, input, T0, policy)
      if (state.kind === 'ended') assert.notEqual(state.record.end?.releaseCode, 0)
    }
})

test('after a crash a call ends as an internal fault with what the journal knew', () => {
  const answered = endAfterCrash(STATES.talking.record, T0 + 9000)
  assert.deepEqual(answered.end, { at: T0 + 9000, releaseCode: 8020, q850: 0, sipStatus: 0 })
  const ringing = endAfterCrash(STATES.ringing.record, T0 + 9000)
  assert.deepEqual(ringing.end, { at: T0 + 9000, releaseCode: 8020, q850: 41, sipStatus: 500 })
})
