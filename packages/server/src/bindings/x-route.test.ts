import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { XNumber, XStatus } from '../numbers/x-number.ts'
import { readXAnswer } from '../open-api/x-answer.ts'
import type { E164 } from '../shared/e164.ts'
import { silentLog } from '../shared/log.ts'
import { newApp, type App } from '../tenants/app.ts'
import type { CustomerAnswer, RouteDecision } from './route.ts'
import { createRouter } from './router.ts'
import { createXRouting } from './x-route.ts'

/** The rows of spec/x.md as far as routing decides them, from the bytes of the customer's answer on. */

const CALLER = '+8613800000021' as E164
const CALLEE = '+8613800000022' as E164
const X = '+8617000000001' as E164
const OTHER_X = '+8617000000002' as E164
const SUSPENDED_X = '+8617000000003' as E164
const FOREIGN_X = '+8617000000009' as E164

const app = newApp({
  key: 'demoKey',
  secret: 's',
  tenantId: 't',
  mode: 'X',
  recordingEnabled: true,
  statusUrl: 'http://customer.example/status',
  exceptionTone: 'exception.wav',
  noPermissionTone: 'no-permission.wav',
})
const number = (value: E164, changes: Partial<XNumber> = {}): XNumber => ({
  number: value,
  appKey: app.key,
  areaCode: '0755',
  province: 'Guangdong',
  status: 'normal',
  smsCapable: true,
  ...changes,
})
const NUMBERS = [
  number(OTHER_X),
  number(SUSPENDED_X, { status: 'suspended' }),
  number(FOREIGN_X, { appKey: 'other' }),
]

type Given = {
  readonly app?: Partial<App>
  readonly from?: E164 | undefined
  readonly withheld?: true
  readonly x?: XStatus
}

function routing(given: Given) {
  const faults: string[] = []
  const caller = { ...app, ...given.app }
  const router = createRouter({
    routes: {
      lookup: async () => ({
        app: caller,
        xNumber: number(X, { status: given.x ?? 'normal' }),
        match: undefined,
        xHasBindings: false,
      }),
      isBehindY: async () => false,
    },
    memory: undefined as never,
    modes: {
      X: createXRouting({
        readAnswer: readXAnswer,
        announcementExists: (_app, name) => name.endsWith('.wav'),
        findX: async (wanted) => NUMBERS.find((one) => one.number === wanted),
        onFault: (_app, why) => faults.push(why),
      }),
    },
    controls: { admit: () => undefined, check: () => undefined },
    log: silentLog,
  })
  const { withheld } = given
  const from = 'from' in given ? given.from : CALLER
  const arrival = { x: X, from, at: 0, ...(withheld && { withheld }) }
  return { router, arrival, faults }
}

async function ask(given: Given = {}): Promise<RouteDecision> {
  const { router, arrival } = routing(given)
  return router.route(arrival)
}

async function answered(answer: CustomerAnswer, given: Given = {}) {
  const { router, arrival, faults } = routing(given)
  const asked = await router.route(arrival)
  if (asked.kind !== 'ask') return assert.fail(asked.kind)
  return { decision: await router.answered(arrival, asked, answer), faults }
}
const ok = (body: unknown): CustomerAnswer => ({
  kind: 'answer',
  status: 200,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
const connect = (info: object) => ok({ operation: 'connect', connectInfo: { calleeNum: CALLEE, ...info } })
async function connected(answer: CustomerAnswer, given: Given = {}) {
  const { decision } = await answered(answer, given)
  return decision.kind === 'connect' ? decision : assert.fail(JSON.stringify(decision))
}
/** Code, SIP status, tone, and what the operator is told. */
async function refused(answer: CustomerAnswer, given: Given = {}) {
  const { decision, faults } = await answered(answer, given)
  if (decision.kind !== 'refuse') return assert.fail(decision.kind)
  return [decision.releaseCode, decision.sipStatus, decision.tone, ...faults]
}

describe('X: the question (spec/x.md sections 1 and 2)', () => {
  it('[x.ask.url] [x.ask.every] every call is put to the customer: the callin address, else the status address', async () => {
    const asked = await ask()
    assert.equal(asked.kind === 'ask' && asked.url, 'http://customer.example/status')
    const apart = await ask({ app: { callinUrl: 'http://customer.example/callin' } })
    assert.equal(apart.kind === 'ask' && apart.url, 'http://customer.example/callin')
    assert.equal((await ask({ from: undefined })).kind, 'ask')
  })
  it('[x.ask.noUrl] without either address the call is 8014 with the exception tone', async () => {
    const decision = await ask({ app: { statusUrl: undefined } })
    assert.ok(decision.kind === 'refuse')
    assert.deepEqual([decision.releaseCode, decision.tone], [8014, 'exception.wav'])
  })
  it('[x.ask.timeout] the answer has 5 s, or what the app says', async () => {
    const [usual, longer] = [await ask(), await ask({ app: { askTimeoutMs: 8000 } })]
    assert.deepEqual(
      [usual, longer].map((asked) => asked.kind === 'ask' && asked.timeoutMs),
      [5000, 8000],
    )
  })
  it('[x.ask.subject] nothing is bound: no subscriptionId, no user data, 002, direction 2', async () => {
    const { subject } = await ask()
    assert.deepEqual({ ...subject, app: undefined }, { app: undefined, direction: 2, serviceType: '002' })
  })
  it('[x.ask.gate] [x.code.8055] [x.code.8018] who may not call at all is refused without a question', async () => {
    const code = async (given: Given) => {
      const decision = await ask(given)
      return decision.kind === 'refuse' ? [decision.releaseCode, decision.tone] : decision.kind
    }
    assert.deepEqual(await code({ x: 'suspended' }), [8055, 'no-permission.wav'])
    assert.deepEqual(await code({ x: 'unusable' }), [8055, 'no-permission.wav'])
    assert.deepEqual(await code({ app: { status: 'suspended' } }), [8018, 'exception.wav'])
    assert.deepEqual(await code({ app: { accountStatus: 'frozen' } }), [7108, 'exception.wav'])
    assert.deepEqual(await code({ from: '+8675528000001' as E164 }), [8023, 'no-permission.wav'])
  })
})

/** A member of connectInfo and what it makes of the call: members of the decision, or the fault. */
type Case = readonly [row: string, info: object, expected: object | string, given?: Given]
const T = 'a.wav'
const REAL: Given = { app: { realCallerDisplay: true } }
const voice = (row: string, name: string, member: string, more: object = {}): Case[] => [
  [row, { ...more, [name]: T }, { [member]: T }],
  [row, { ...more, [name]: '' }, { [member]: undefined }],
  [row, { ...more, [name]: null }, { [member]: undefined }],
  [row, { ...more }, { [member]: undefined }],
  [row, { ...more, [name]: 'missing.mp3' }, `connectInfo.${name}: no such announcement`],
  [row, { ...more, [name]: `${'x'.repeat(125)}.wav` }, `connectInfo.${name}`],
  [row, { ...more, [name]: {} }, `connectInfo.${name}`],
]

const CASES: readonly Case[] = [
  ['x.connect.calleeNum', {}, { callee: CALLEE, display: X }],
  ['x.connect.calleeNum', { calleeNum: '+8675528000001' }, { callee: '+8675528000001' }],
  ['x.connect.calleeNum', { calleeNum: '+8695588' }, { callee: '+8695588' }],
  ['x.connect.calleeNum', { calleeNum: '+864001234567' }, { callee: '+864001234567' }],
  ...[
    undefined,
    null,
    '',
    '13800000022',
    '8613800000022',
    '+86138000000222',
    `+${'1'.repeat(32)}`,
    13800000022,
    {},
    '+86110',
    '+86119',
    '+86123456',
    '+12025550123',
    X,
  ].map((calleeNum): Case => ['x.connect.calleeNum', { calleeNum }, 'connectInfo.calleeNum']),
  ['x.connect.displayCalleeNum', { displayCalleeNum: X }, { display: X }],
  ['x.connect.displayCalleeNum', { displayCalleeNum: '' }, { display: X }],
  ['x.connect.displayCalleeNum', { displayCalleeNum: OTHER_X }, { display: OTHER_X }],
  ['x.connect.displayCalleeNum', { displayCalleeNum: SUSPENDED_X }, { display: X }],
  ['x.connect.displayCalleeNum', { displayCalleeNum: FOREIGN_X }, { display: X }],
  ['x.connect.displayCalleeNum', { displayCalleeNum: '+8613900000001' }, { display: X }],
  ['x.connect.displayCalleeNum', { displayCalleeNum: CALLER }, { display: X }],
  ['x.connect.displayCalleeNum', { displayCalleeNum: CALLER }, { display: CALLER }, REAL],
  [
    'x.connect.displayCalleeNum',
    { displayCalleeNum: '+8695588' },
    { display: X },
    { ...REAL, from: '+8695588' as E164 },
  ],
  ['x.connect.displayCalleeNum', { displayCalleeNum: CALLER }, { display: X }, { ...REAL, from: undefined }],
  ['x.connect.displayCalleeNum', { displayCalleeNum: CALLER }, { display: X }, { ...REAL, withheld: true }],
  ...['13800000021', 'X', {}, `+${'1'.repeat(32)}`].map((displayCalleeNum): Case => [
    'x.connect.displayCalleeNum',
    { displayCalleeNum },
    'connectInfo.displayCalleeNum',
  ]),
  ['x.connect.maxDuration', {}, { maxDurationMin: 0 }],
  ...[0, 1440, '60', ''].map((maxDuration): Case => [
    'x.connect.maxDuration',
    { maxDuration },
    { maxDurationMin: Number(maxDuration) },
  ]),
  ...[-1, 1441, 7200, '7200', 1.5, 'x', true].map((maxDuration): Case => [
    'x.connect.maxDuration',
    { maxDuration },
    'connectInfo.maxDuration',
  ]),
  ...voice('x.connect.waitVoice', 'waitVoice', 'waitingTone'),
  ...voice('x.connect.calleeHintVoice', 'calleeHintVoice', 'calleeTone'),
  ...voice('x.connect.lastMinVoice', 'lastMinVoice', 'lastMinVoice', { maxDuration: 2 }),
  ['x.connect.lastMinVoice', { lastMinVoice: T }, { lastMinVoice: undefined }],
  ['x.connect.lastMinVoice', { lastMinVoice: 'missing.mp3', maxDuration: 0 }, { lastMinVoice: undefined }],
  ...[undefined, null, '', false, 'false', 'FALSE'].map((recordFlag): Case => [
    'x.connect.recordFlag',
    { recordFlag },
    { recording: undefined },
  ]),
  ...[true, 'true', 'TRUE'].map((recordFlag): Case => [
    'x.connect.recordFlag',
    { recordFlag },
    { recording: {} },
  ]),
  ...['yes', 1, {}].map((recordFlag): Case => [
    'x.connect.recordFlag',
    { recordFlag },
    'connectInfo.recordFlag',
  ]),
  [
    'x.connect.recordFlag',
    { recordFlag: true, recordHintTone: T },
    { recording: undefined },
    { app: { recordingEnabled: false } },
  ],
  ['x.connect.recordHintTone', { recordFlag: true, recordHintTone: T }, { recording: { hintTone: T } }],
  ['x.connect.recordHintTone', { recordFlag: true, recordHintTone: '' }, { recording: {} }],
  ['x.connect.recordHintTone', { recordHintTone: T }, { recording: undefined }],
  [
    'x.connect.recordHintTone',
    { recordFlag: true, recordHintTone: 'missing.mp3' },
    'connectInfo.recordHintTone: no such announcement',
  ],
  ['x.connect.recordHintTone', { recordHintTone: 'x'.repeat(129) }, 'connectInfo.recordHintTone'],
  ['x.connect.unknown', { preVoice: 7, callerHintTone: {}, other: [] }, { callee: CALLEE }],
]

describe('X: connect (spec/x.md section 3)', () => {
  for (const [row, info, expected, given] of CASES) {
    const title = `[${row}] ${JSON.stringify(info)}${given ? ` ${JSON.stringify(given)}` : ''}`
    if (typeof expected === 'string') {
      it(`${title} is 8014`, async () =>
        assert.deepEqual(await refused(connect(info), given), [8014, 404, 'exception.wav', expected]))
      continue
    }
    it(`${title}: ${JSON.stringify(expected)}`, async () => {
      const decision = await connected(connect(info), given)
      for (const member of Object.keys(expected)) {
        const of = (source: object) => (source as Record<string, unknown>)[member]
        assert.deepEqual(of(decision), of(expected), member)
      }
    })
  }

  it('[x.connect.userData] [x.connect.subject] the call carries the user data of the answer; direction 1, no subscriptionId', async () => {
    const of = async (userData: unknown) => {
      const { direction, serviceType, subscriptionId, ...subject } = (await connected(connect({ userData })))
        .subject
      assert.deepEqual([direction, serviceType, subscriptionId], [1, '002', undefined])
      return subject.userData
    }
    assert.equal(await of('order-1'), 'order-1')
    assert.equal(await of('x'.repeat(256)), 'x'.repeat(256))
    assert.equal(await of(''), undefined)
    assert.equal(await of(undefined), undefined)
    for (const userData of ['x'.repeat(257), '{"order":1}', 'a}', {}])
      assert.deepEqual(await refused(connect({ userData })), [
        8014,
        404,
        'exception.wav',
        'connectInfo.userData',
      ])
    const lenient = await connected(connect({ userData: '{}' }), { app: { lenientUserData: true } })
    assert.equal(lenient.subject.userData, '{}')
  })

  it('[x.answer.shape] connectInfo and closeInfo may stand alone in a list; longer and empty lists are faults', async () => {
    const info = { calleeNum: CALLEE }
    assert.equal((await connected(ok({ operation: 'connect', connectInfo: [info] }))).callee, CALLEE)
    const closing = ok({ operation: 'close', closeInfo: [{ closeHintTone: T }] })
    assert.deepEqual(await refused(closing), [8017, 480, T])
    for (const connectInfo of [[], [info, info], 'x', 7, null, undefined])
      assert.equal((await refused(ok({ operation: 'connect', connectInfo })))[0], 8014)
    for (const closeInfo of [[], [{}, {}], 'x'])
      assert.equal((await refused(ok({ operation: 'close', closeInfo })))[0], 8014)
  })
})

describe('X: close (spec/x.md sections 3 and 4)', () => {
  const close = (closeInfo?: object) => ok({ operation: 'close', closeInfo })
  it('[x.answer.close] [x.close.closeHintTone] [x.code.8017] the announcement if given, then 8017', async () => {
    assert.deepEqual(await refused(close({ closeHintTone: T })), [8017, 480, T])
    for (const info of [undefined, {}, { closeHintTone: '' }, { closeHintTone: null }, { other: 1 }])
      assert.deepEqual(await refused(close(info)), [8017, 480, undefined])
  })
  it('[x.code.8006] [codes.8006] an announcement that does not exist is 8006 with the exception tone', async () => {
    assert.deepEqual(await refused(close({ closeHintTone: 'missing.mp3' })), [
      8006,
      403,
      'exception.wav',
      'closeInfo.closeHintTone: no such announcement',
    ])
  })
  it('[x.close.userData] the user data of closeInfo is told, also when the announcement is wrong', async () => {
    for (const closeHintTone of [T, 'missing.mp3']) {
      const { decision } = await answered(close({ userData: 'order-1', closeHintTone }))
      const { direction, userData } = decision.subject
      assert.deepEqual([direction, userData], [2, 'order-1'])
    }
    for (const userData of ['x'.repeat(257), '{', {}])
      assert.equal((await refused(close({ userData })))[3], 'closeInfo.userData')
    assert.equal((await refused(close({ closeHintTone: 'x'.repeat(129) })))[3], 'closeInfo.closeHintTone')
  })
})

describe('X: answers that are missing or wrong (spec/x.md section 4)', () => {
  const fault = (why: string) => [8014, 404, 'exception.wav', why]
  it('[x.answer.operation] operation is connect or close, nothing else', async () => {
    for (const operation of [undefined, null, '', 'vNumberRoute', 'Connect', 7, {}]) {
      const body = { operation, connectInfo: { calleeNum: CALLEE } }
      assert.deepEqual(await refused(ok(body)), fault('operation'))
    }
  })
  it('[x.answer.missing] [x.code.8014] no answer, another status, or no JSON object is 8014 with the exception tone', async () => {
    assert.deepEqual(
      await refused({ kind: 'failed', why: 'no whole answer in time' }),
      fault('no whole answer in time'),
    )
    const body = JSON.stringify({ operation: 'connect', connectInfo: { calleeNum: CALLEE } })
    for (const status of [201, 204, 302, 404, 500])
      assert.deepEqual(await refused({ kind: 'answer', status, body }), fault(`HTTP status ${status}`))
    for (const text of ['<html>', '[]', '7', 'null', '{"operation":"connect"'])
      assert.deepEqual(await refused(ok(text)), fault('not a JSON object'))
    assert.deepEqual(await refused(ok('')), fault('operation'))
  })
  it('[x.answer.json] a byte-order mark and members of no meaning do not matter', async () => {
    const body = JSON.stringify({ operation: 'connect', connectInfo: { calleeNum: CALLEE }, more: 1 })
    assert.equal((await connected(ok(`\ufeff${body}`))).callee, CALLEE)
  })
})
