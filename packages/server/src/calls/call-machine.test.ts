import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ask, Collect, Connect, Refuse, RouteDecision } from '../bindings/route.ts'
import type { E164 } from '../shared/e164.ts'
import { arrive, step } from './call-machine.ts'
import type { CallRecord, RecordingRef } from './call-record.ts'
import { endAfterCrash } from './machine/endings.ts'
import type { CallEffect, CallInput, CallState } from './machine/states.ts'

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
const connect: Connect = {
  kind: 'connect',
  subject,
  callee: B,
  display: X,
  maxDurationMin: 2,
  lastMinVoice: 'last.wav',
}
const refuse: Refuse = {
  kind: 'refuse',
  subject: { ...subject, direction: 2 },
  releaseCode: 8014,
  sipStatus: 404,
  tone: 'no_binding.wav',
}
const collect: Collect = {
  kind: 'collect',
  subject: { app: undefined, direction: 2, serviceType: '005' },
  prompt: 'prompt.wav',
  length: 4,
  attempts: 3,
  firstDigitMs: 10_000,
  interDigitMs: 5_000,
  wrongEnd: { ...refuse, releaseCode: 8022, tone: 'wrong_end.wav' },
  emptyEnd: { ...refuse, releaseCode: 8033, tone: 'empty_end.wav' },
}
const ask: Ask = { kind: 'ask', subject, url: 'http://customer.example/', timeoutMs: 5_000 }
const ref: RecordingRef = { startAt: T0, domain: 'rec.example', bucket: 'sp-k', object: '1.wav' }

const after = (inputs: readonly CallInput[], from: CallState = arrive(record)): CallState =>
  inputs.reduce((state, input, i) => step(state, input, T0 + (i + 1) * 1000, policy).state, from)

const decided = (decision: RouteDecision): CallInput => ({ kind: 'routed', decision })
const digits = (keys: string): CallInput[] => [...keys].map((digit) => ({ kind: 'digit', digit }))
const routed = decided(connect)
const ready: CallInput = { kind: 'media-ready', hears: false }
const rings: CallInput = { kind: 'callee-progress', status: 180, ringing: true, early: false }
const answered: CallInput = { kind: 'callee-answered' }
const connected: CallInput = { kind: 'connected' }
const open: CallInput = { kind: 'caller-open', answered: true }
const STATES = {
  arrived: arrive(record),
  asking: after([decided(ask)]),
  collecting: after([decided(collect), open, { kind: 'announced' }]),
  'looking-up': after([decided(collect), open, ...digits('0001')]),
  announcing: after([decided(refuse)]),
  preparing: after([routed]),
  dialling: after([routed, ready]),
  ringing: after([routed, ready, rings]),
  talking: after([routed, ready, connected]),
  storing: after([routed, ready, { ...connected, recording: ref }, { kind: 'caller-gone' }]),
  ended: after([routed, ready, connected, { kind: 'caller-gone' }]),
} satisfies Record<CallState['kind'], CallState>

const INPUTS = {
  routed,
  'digits-wrong': { kind: 'digits-wrong' },
  'caller-open': open,
  digit: { kind: 'digit', digit: '7' },
  'digits-timeout': { kind: 'digits-timeout' },
  'media-ready': ready,
  announced: { kind: 'announced' },
  'callee-progress': rings,
  'callee-answered': answered,
  connected,
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
  stored: { kind: 'stored', kept: true },
  'store-timeout': { kind: 'store-timeout' },
  terminate: { kind: 'terminate', releaseCode: 8017 },
  fault: { kind: 'fault', releaseCode: 522, statusToCaller: 503 },
} satisfies { [K in CallInput['kind']]: CallInput }

const brief = (effect: CallEffect): string => {
  switch (effect.do) {
    case 'tell':
      if (effect.event === 'disconnect') return `tell disconnect ${effect.record.end?.releaseCode}`
      return effect.digits === undefined ? `tell ${effect.event}` : `tell ${effect.event} ${effect.digits}`
    case 'play':
      return `play ${effect.to} ${effect.tone}`
    case 'announce':
      return `announce ${effect.tone}`
    case 'look-up':
      return `look-up ${effect.digits}`
    case 'listen':
      return `listen ${effect.on ? 'on' : 'off'}`
    case 'prepare':
      return effect.early ? 'prepare early' : 'prepare'
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

/** All that a call does because of the inputs. */
const play = (inputs: readonly CallInput[], from: CallState = arrive(record)): string[] => {
  let state = from
  return inputs.flatMap((input, i) => {
    const next = step(state, input, T0 + (i + 1) * 1000, policy)
    state = next.state
    return next.effects.map(brief)
  })
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
const talk: Cell = ['talking', 'tell answer', 'disarm connect', 'arm limit 120000', 'arm last-minute 60000']

const TABLE = {
  arrived: {
    routed: ['preparing', 'tell callin', 'arm setup 5000', 'prepare'],
    'caller-gone': ['arrived'],
    terminate: ['ended', 'reject-caller 503 0', 'release'],
    fault: ['ended', 'reject-caller 503 0', 'release'],
    'digits-wrong': '-',
    'caller-open': '-',
    digit: '-',
    'digits-timeout': '-',
    'media-ready': '-',
    announced: '-',
    'callee-progress': '-',
    'callee-answered': '-',
    connected: '-',
    'callee-failed': '-',
    'callee-gone': '-',
    'setup-timeout': '-',
    'connect-timeout': '-',
    'limit-reached': '-',
    'last-minute': '-',
    'media-silent': '-',
    stored: '-',
    'store-timeout': '-',
  },
  asking: {
    routed: ['preparing', 'arm setup 5000', 'prepare'],
    'caller-gone': end(7516),
    'setup-timeout': end(8020, 'reject-caller 500 0'),
    terminate: end(8017, 'reject-caller 480 0'),
    fault: end(522, 'reject-caller 503 0'),
    'digits-wrong': '-',
    'caller-open': '-',
    digit: '-',
    'digits-timeout': '-',
    'media-ready': '-',
    announced: '-',
    'callee-progress': '-',
    'callee-answered': '-',
    connected: '-',
    'callee-failed': '-',
    'callee-gone': '-',
    'connect-timeout': '-',
    'limit-reached': '-',
    'last-minute': '-',
    'media-silent': '-',
    stored: '-',
    'store-timeout': '-',
  },
  collecting: {
    digit: ['collecting', 'arm digits 5000'],
    'digits-timeout': ['collecting', 'disarm digits', 'arm setup 300000', 'play caller prompt.wav'],
    'caller-gone': end(7516),
    'media-silent': end(7516, 'bye-caller 41'),
    terminate: end(8017, 'bye-caller 31'),
    fault: end(522, 'bye-caller 41'),
    routed: '-',
    'digits-wrong': '-',
    'caller-open': '-',
    'media-ready': '-',
    announced: '-',
    'callee-progress': '-',
    'callee-answered': '-',
    connected: '-',
    'callee-failed': '-',
    'callee-gone': '-',
    'setup-timeout': '-',
    'connect-timeout': '-',
    'limit-reached': '-',
    'last-minute': '-',
    stored: '-',
    'store-timeout': '-',
  },
  'looking-up': {
    routed: ['preparing', 'listen off', 'arm setup 5000', 'prepare'],
    'digits-wrong': ['collecting', 'arm setup 300000', 'play caller prompt.wav'],
    'caller-gone': end(7516),
    'setup-timeout': end(8020, 'bye-caller 41'),
    terminate: end(8017, 'bye-caller 31'),
    fault: end(522, 'bye-caller 41'),
    'caller-open': '-',
    digit: '-',
    'digits-timeout': '-',
    'media-ready': '-',
    announced: '-',
    'callee-progress': '-',
    'callee-answered': '-',
    connected: '-',
    'callee-failed': '-',
    'callee-gone': '-',
    'connect-timeout': '-',
    'limit-reached': '-',
    'last-minute': '-',
    'media-silent': '-',
    stored: '-',
    'store-timeout': '-',
  },
  announcing: {
    announced: refused,
    'setup-timeout': refused,
    'media-silent': refused,
    fault: refused,
    terminate: end(8017, 'reject-caller 404 1'),
    'caller-gone': end(8014),
    routed: '-',
    'digits-wrong': '-',
    'caller-open': '-',
    digit: '-',
    'digits-timeout': '-',
    'media-ready': '-',
    'callee-progress': '-',
    'callee-answered': '-',
    connected: '-',
    'callee-failed': '-',
    'callee-gone': '-',
    'connect-timeout': '-',
    'limit-reached': '-',
    'last-minute': '-',
    stored: '-',
    'store-timeout': '-',
  },
  preparing: {
    'media-ready': ['dialling', 'disarm setup', 'dial', 'tell callout', 'arm connect 90000'],
    'caller-gone': end(7516),
    'setup-timeout': end(8020, 'reject-caller 500 0'),
    terminate: end(8017, 'reject-caller 480 0'),
    fault: end(522, 'reject-caller 503 0'),
    routed: '-',
    'digits-wrong': '-',
    'caller-open': '-',
    digit: '-',
    'digits-timeout': '-',
    announced: '-',
    'callee-progress': '-',
    'callee-answered': '-',
    connected: '-',
    'callee-failed': '-',
    'callee-gone': '-',
    'connect-timeout': '-',
    'limit-reached': '-',
    'last-minute': '-',
    'media-silent': '-',
    stored: '-',
    'store-timeout': '-',
  },
  dialling: {
    'callee-progress': ['ringing', 'progress-caller 180', 'tell alerting'],
    'callee-answered': ['dialling', 'answer-caller'],
    connected: talk,
    'callee-failed': end(8102, 'reject-caller 486 17'),
    'caller-gone': end(7501, 'cancel-callee 16'),
    'callee-gone': end(8103, 'reject-caller 480 41'),
    'connect-timeout': end(8035, 'cancel-callee 102', 'reject-caller 480 19'),
    terminate: end(8017, 'cancel-callee 31', 'reject-caller 480 31'),
    fault: end(522, 'cancel-callee 41', 'reject-caller 503 41'),
    routed: '-',
    'digits-wrong': '-',
    'caller-open': '-',
    digit: '-',
    'digits-timeout': '-',
    'media-ready': '-',
    announced: '-',
    'setup-timeout': '-',
    'limit-reached': '-',
    'last-minute': '-',
    'media-silent': '-',
    stored: '-',
    'store-timeout': '-',
  },
  ringing: {
    'callee-progress': ['ringing', 'progress-caller 180'],
    'callee-answered': ['ringing', 'answer-caller'],
    connected: talk,
    'callee-failed': end(8102, 'reject-caller 486 17'),
    'caller-gone': end(7502, 'cancel-callee 16'),
    'callee-gone': end(8103, 'reject-caller 480 41'),
    'connect-timeout': end(8035, 'cancel-callee 102', 'reject-caller 480 19'),
    terminate: end(8017, 'cancel-callee 31', 'reject-caller 480 31'),
    fault: end(522, 'cancel-callee 41', 'reject-caller 503 41'),
    routed: '-',
    'digits-wrong': '-',
    'caller-open': '-',
    digit: '-',
    'digits-timeout': '-',
    'media-ready': '-',
    announced: '-',
    'setup-timeout': '-',
    'limit-reached': '-',
    'last-minute': '-',
    'media-silent': '-',
    stored: '-',
    'store-timeout': '-',
  },
  talking: {
    'caller-gone': end(0, 'bye-callee 16'),
    'callee-gone': end(0, 'bye-caller 16'),
    'media-silent': end(0, 'bye-caller 41', 'bye-callee 41'),
    'limit-reached': end(8010, 'bye-caller 31', 'bye-callee 31'),
    'last-minute': ['talking', 'play both last.wav'],
    terminate: end(8017, 'bye-caller 31', 'bye-callee 31'),
    fault: end(522, 'bye-caller 41', 'bye-callee 41'),
    routed: '-',
    'digits-wrong': '-',
    'caller-open': '-',
    digit: '-',
    'digits-timeout': '-',
    'media-ready': '-',
    announced: '-',
    'callee-progress': '-',
    'callee-answered': '-',
    connected: '-',
    'callee-failed': '-',
    'setup-timeout': '-',
    'connect-timeout': '-',
    stored: '-',
    'store-timeout': '-',
  },
  storing: {
    stored: ['ended', 'tell recorded', 'release'],
    'store-timeout': ['ended', 'tell recorded', 'release'],
    routed: '-',
    'digits-wrong': '-',
    'caller-open': '-',
    digit: '-',
    'digits-timeout': '-',
    'media-ready': '-',
    announced: '-',
    'callee-progress': '-',
    'callee-answered': '-',
    connected: '-',
    'callee-failed': '-',
    'caller-gone': '-',
    'callee-gone': '-',
    'setup-timeout': '-',
    'connect-timeout': '-',
    'limit-reached': '-',
    'last-minute': '-',
    'media-silent': '-',
    terminate: '-',
    fault: '-',
  },
  ended: {
    routed: '-',
    'digits-wrong': '-',
    'caller-open': '-',
    digit: '-',
    'digits-timeout': '-',
    'media-ready': '-',
    announced: '-',
    'callee-progress': '-',
    'callee-answered': '-',
    connected: '-',
    'callee-failed': '-',
    'caller-gone': '-',
    'callee-gone': '-',
    'setup-timeout': '-',
    'connect-timeout': '-',
    'limit-reached': '-',
    'last-minute': '-',
    'media-silent': '-',
    stored: '-',
    'store-timeout': '-',
    terminate: '-',
    fault: '-',
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
      assert.equal(told, endsNow && before.kind !== 'arrived' && before.kind !== 'storing' ? 1 : 0)
    }
})

test('a caller that hung up during the lookup still gets callin and disconnect 7516', () => {
  const gone = step(arrive(record), { kind: 'caller-gone' }, T0, policy).state
  const { effects } = step(gone, routed, T0, policy)
  assert.deepEqual(effects.map(brief), ['tell callin', 'tell disconnect 7516', 'release'])
})

test('a refusal without a tone is answered at once', () => {
  const { tone: _none, ...silent } = refuse
  assert.deepEqual(play([decided(silent)]), [
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
  const { arrived: _1, talking: _2, storing: _3, ended: _4, ...unanswered } = STATES
  for (const before of Object.values(unanswered))
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
