import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { createAxRouting } from '../bindings/ax-route.ts'
import { createAxService } from '../bindings/ax-service.ts'
import type { RouteDecision, Router } from '../bindings/route.ts'
import { createRouter } from '../bindings/router.ts'
import { areasBy } from '../numbers/area.ts'
import type { XNumber } from '../numbers/x-number.ts'
import type { E164 } from '../shared/e164.ts'
import { silentLog } from '../shared/log.ts'
import { systemClock, type Clock } from '../shared/time.ts'
import type { Storage } from '../storage/index.ts'
import type { App } from '../tenants/app.ts'
import { eachEngine } from '../testkit/engines.ts'
import { anApp, AXB_PATH, NOW, startTestApi, type TestApi } from './api-test-kit.ts'

/**
 * spec/ax.md row by row, over HTTP with both generations of headers, on real databases. A case is a list of steps; `$0` in
 * a request stands for the subscriptionId of the first binding that the case made.
 */

const AX_PATH = '/rest/provision/caas/privatenumber/v1.0'
const CALLEE_PATH = '/rest/caas/privatenumber/calleenumber/v1.0'

const A = '+8613800000021'
const A2 = '+8613800000023'
const B = '+8613800000022'
/** A number whose city nobody knows. */
const STRAY = '+8613800000024'
const FIXED = '+8675528000001'
const X = '+8617000000001'
const X2 = '+8617000000002'
const GUANGZHOU_X = '+8617000000020'
const BEIJING_X = '+8617000000010'
const FOREIGN_X = '+8617000000090'
const NO_X = '+8617000009999'
const NO_ID = '00000000-0000-4000-8000-000000000000'
/** The X numbers of Shenzhen, the city of every A. */
const ALL_X = [1, 2, 3, 4, 5, 6].map((n) => `+861700000000${n}`)
const MINUTE = 60_000
const YEAR = 365 * 24 * 60 * MINUTE

const x = (number: string, changes: Partial<XNumber> = {}): XNumber => ({
  number: number as E164,
  appKey: 'app-key-0001',
  areaCode: '0755',
  province: 'Guangdong',
  status: 'normal',
  smsCapable: true,
  ...changes,
})
const anAxApp = (changes: Partial<App> = {}): App =>
  anApp({ mode: 'AX', noPermissionTone: 'no_permission.wav', ...changes })
const long = (length: number) => 'u'.repeat(length)
const wav = (length: number) => `${long(length - 4)}.wav`

/** Of the engine that is tested. */
let storage: Storage
let test: TestApi
let router: Router
const hand = { now: NOW }
const clock: Clock = { now: () => hand.now, setTimer: systemClock.setTimer }

type World = { readonly scheme: 'AKSK' | 'WSSE'; readonly ids: string[] }
type Step = (world: World) => Promise<void>
type Json = Readonly<Record<string, unknown>>

/** `0`: 200 and that resultcode; `1010002 origNum`: 403, and the parameter that is blamed. */
const checked = (reply: { readonly status: number; readonly json: Json }, expected: string): void => {
  const { resultcode, resultdesc } = reply.json
  const culprit = /^Invalid request\. (.+) is invalid\.$/.exec(String(resultdesc))?.[1]
  const seen = culprit === undefined ? String(resultcode) : `${String(resultcode)} ${culprit}`
  assert.equal(seen, expected)
  assert.equal(reply.status, expected === '0' ? 200 : 403)
}

type Request = { readonly path?: string; readonly query?: string; readonly body?: object }

const ask = async (method: string, request: Request, { scheme, ids }: World) => {
  const named = JSON.stringify(request).replace(/\$(\d)/g, (_, n) => ids[Number(n)] ?? NO_ID)
  const { path = AX_PATH, query, body } = JSON.parse(named) as Request
  return test.call(method, { path, scheme, body, ...(query && { query: query.replaceAll('+', '%2B') }) })
}

const send =
  (method: string, request: Request, expected: string): Step =>
  async (world) => {
    const reply = await ask(method, request, world)
    checked(reply, expected)
    if (method === 'POST' && reply.json['subscriptionId'])
      world.ids.push(String(reply.json['subscriptionId']))
  }

/** Binds A, or whom `body` names. */
const bind = (body: object, expected = '0') => send('POST', { body: { origNum: A, ...body } }, expected)
const unbind = (query: string, expected = '0') => send('DELETE', { query: `?${query}` }, expected)
const modify = (body: object, expected = '0') => send('PUT', { body }, expected)
const callee = (body: object, expected = '0') => send('PUT', { path: CALLEE_PATH, body }, expected)
const query = (text: string, expected: string) => send('GET', { query: `?${text}` }, expected)

/** A query's entries; each must have the members given, and lack those given as undefined. */
const shows =
  (text: string, ...entries: readonly Json[]): Step =>
  async (world) => {
    const reply = await ask('GET', { query: `?${text}` }, world)
    checked(reply, '0')
    assert.deepEqual(Object.keys(reply.json), ['resultcode', 'resultdesc', 'privateNumList'])
    const list = reply.json['privateNumList'] as Json[]
    assert.equal(list.length, entries.length)
    for (const [n, entry] of entries.entries())
      for (const [member, value] of Object.entries(entry)) assert.deepEqual(list[n]![member], value, member)
  }

const summaryOf = (decision: RouteDecision): string => {
  if (decision.kind === 'connect') return `${decision.callee} sees ${decision.display}`
  return decision.kind === 'refuse' ? `${decision.releaseCode} ${decision.tone}` : decision.kind
}

/** Where a call to X goes; what an answered one has to leave behind is kept. */
const call =
  (from: string, expected: string, { answered = true, to = X } = {}): Step =>
  async () => {
    const decision = await router.route({ x: to as E164, from: from as E164, at: hand.now })
    assert.equal(summaryOf(decision), expected)
    if (decision.kind === 'connect' && answered) await router.note(decision.memos?.answered ?? [], hand.now)
  }
const later =
  (ms: number): Step =>
  async () => {
    hand.now += ms
  }
const app =
  (changes: Partial<App>): Step =>
  async () =>
    storage.apps.saveApp(anAxApp(changes))
const number =
  (name: string, changes: Partial<XNumber>): Step =>
  async () =>
    storage.numbers.save([x(name, changes)])

/** One parameter: values that are taken, with what a query then shows, and values that are refused by name. */
type Parameter = {
  readonly good: readonly (readonly [wire: unknown, shown: unknown])[]
  readonly bad: readonly unknown[]
}

const FLAG: Parameter = {
  good: [
    ['true', 'true'],
    ['false', 'false'],
    [true, 'true'],
    [false, 'false'],
    ['TRUE', 'true'],
  ],
  bad: ['yes', 1, {}, []],
}
const TONE: Parameter = {
  good: [
    ['t.wav', 't.wav'],
    [wav(128), wav(128)],
    ['', undefined],
    [null, undefined],
  ],
  bad: [wav(129), 'unknown.mp3', {}, true],
}

/** What bind and modify have in common. */
const SETTINGS: Readonly<Record<string, Parameter>> = {
  recordFlag: FLAG,
  privateSms: FLAG,
  lastMinVoice: TONE,
  maxDuration: {
    good: [
      [0, 0],
      [1440, 1440],
      ['5', 5],
    ],
    bad: [-1, 1441, '1441', 1.5, 'x', true, {}],
  },
  userData: {
    good: [
      ['u', 'u'],
      [long(256), long(256)],
      [7, '7'],
    ],
    bad: [long(257), 'a{b', 'a}b', {}],
  },
  turnFlag: {
    good: [
      ['on', 'on'],
      ['off', 'off'],
    ],
    bad: ['open', 'true', 1, {}],
  },
  callDirection: {
    good: [
      [0, 0],
      [1, 1],
      [2, 2],
      ['2', 2],
    ],
    bad: [3, -1, 'x', true],
  },
}

const BIND_ONLY: Readonly<Record<string, Parameter>> = {
  origNum: {
    good: [
      [A, A],
      [FIXED, FIXED],
    ],
    bad: ['', null, '13800000021', '8613800000021', '+86138000000210', `${A} `, 13800000021, {}, X],
  },
  calleeNumDisplay: {
    good: [
      ['0', '0'],
      [0, '0'],
      [null, undefined],
    ],
    bad: ['2', 'true', {}],
  },
  preVoice: {
    good: [
      [{ callerHintTone: 'a.wav' }, { callerHintTone: 'a.wav' }],
      [
        { callerHintTone: 'a.wav', calleeHintTone: 'b.wav' },
        { callerHintTone: 'a.wav', calleeHintTone: 'b.wav' },
      ],
      [{ callerHintTone: '' }, undefined],
      [{}, undefined],
    ],
    bad: ['a.wav', [], true],
  },
  areaMatchMode: {
    good: [
      ['0', undefined],
      ['1', undefined],
      [1, undefined],
    ],
    bad: ['2', 'strict', true],
  },
}

const binds = (parameter: string, { good, bad }: Parameter): readonly Step[] => [
  ...good.flatMap(([wire, shown], n) => [
    bind({ privateNum: X, [parameter]: wire }),
    shows(`subscriptionId=$${n}`, { [parameter]: shown }),
    unbind(`subscriptionId=$${n}`),
  ]),
  ...bad.map((wire) => bind({ privateNum: X, [parameter]: wire }, `1010002 ${parameter}`)),
]

const modifies = (parameter: string, { good, bad }: Parameter): readonly Step[] => [
  bind({ privateNum: X }),
  ...good
    .filter(([wire]) => wire !== '' && wire !== null)
    .flatMap(([wire, shown]) => [
      modify({ subscriptionId: '$0', [parameter]: wire }),
      shows('subscriptionId=$0', { [parameter]: shown }),
    ]),
  ...bad.map((wire) => modify({ subscriptionId: '$0', [parameter]: wire }, `1010002 ${parameter}`)),
]

const PARAMETER_CASES: Readonly<Record<string, readonly Step[]>> = Object.fromEntries([
  ...Object.entries({ ...SETTINGS, ...BIND_ONLY }).map(([name, parameter]) => [
    `[ax.bind.${name}] ${name} of a bind: what is taken, what is refused by name`,
    binds(name, parameter),
  ]),
  ...Object.entries(SETTINGS).map(([name, parameter]) => [
    `[ax.modify.${name}] ${name} of a modify: what is taken, what is refused by name`,
    modifies(name, parameter),
  ]),
])

const fiveOf = (a: string) => ALL_X.slice(0, 5).map((privateNum) => bind({ origNum: a, privateNum }))

const CASES: Readonly<Record<string, readonly Step[]>> = {
  // Section 1.
  '[ax.model.one-a-per-x] [ax.code.1011005] an X that another A has is 1011005': [
    bind({ privateNum: X }),
    bind({ origNum: A2, privateNum: X }, '1011005'),
  ],
  '[ax.model.five-x-per-a] [ax.code.1011003] A has five X at most; the sixth is 1011003, by name and by area':
    [
      ...fiveOf(A),
      bind({ privateNum: ALL_X[5] }, '1011003'),
      bind({ areaCode: '0755' }, '1011003'),
      bind({ areaCode: '0571' }, '1011003'),
      unbind('subscriptionId=$4'),
      bind({ privateNum: ALL_X[5] }),
    ],
  '[ax.model.permanent] a binding lasts for years, whatever `duration` says': [
    bind({ privateNum: X, duration: 1, callerNum: B, calleeNum: B, relationNum: X2 }),
    later(3 * YEAR),
    shows('subscriptionId=$0', { origNum: A, privateNum: X, duration: undefined }),
  ],
  '[ax.model.immediate] [ax.call.unbind-at-arrival] bind and unbind count for the very next call': [
    call(B, '8018 no_permission.wav'),
    bind({ privateNum: X }),
    call(B, `${A} sees ${X}`),
    unbind('subscriptionId=$0'),
    call(B, '8018 no_permission.wav'),
  ],
  '[ax.model.rebind] an X is bound and unbound again and again, to the same A and to others': [
    0, 1, 2, 3,
  ].flatMap((n) => [bind({ origNum: n % 2 ? A : A2, privateNum: X }), unbind(`subscriptionId=$${n}`)]),
  '[ax.model.a-types] A is a mobile or a fixed line; 400, 95, emergency and foreign numbers are refused': [
    bind({ origNum: FIXED, privateNum: X }),
    ...['+864001234567', '+8695588', '+86110', '+86112', '+12025550123', '+85221234567'].map((origNum) =>
      bind({ origNum, privateNum: X2 }, '1010002 origNum'),
    ),
  ],
  '[ax.model.fixed-a] [ax.call.fixed-line] A as a fixed line is called but may not call: 8023': [
    bind({ origNum: FIXED, privateNum: X }),
    callee({ subscriptionId: '$0', calleeNum: B }),
    call(FIXED, '8023 no_permission.wav'),
    call(B, `${FIXED} sees ${X}`),
  ],
  '[ax.model.plus] numbers in a query string: %2B, and the blank that a bare plus decodes to': [
    bind({ privateNum: X }),
    shows(`privateNum=${X}`, { origNum: A }),
    query(`privateNum=%20${X.slice(1)}`, '0'),
    query(`origNum=%20${A.slice(1)}`, '0'),
    unbind(`origNum=%20${A.slice(1)}&privateNum=%20${X.slice(1)}`),
  ],

  // Section 2.
  '[ax.endpoint.bind] [ax.endpoint.query] [ax.endpoint.modify] [ax.endpoint.unbind] [ax.endpoint.headers] POST, GET, PUT and DELETE on one path':
    [
      send('POST', { path: AX_PATH, body: { origNum: A, privateNum: X } }, '0'),
      send('GET', { path: AX_PATH, query: '?subscriptionId=$0' }, '0'),
      send('PUT', { path: AX_PATH, body: { subscriptionId: '$0', userData: 'u' } }, '0'),
      send('DELETE', { path: AX_PATH, query: '?subscriptionId=$0' }, '0'),
    ],
  '[ax.endpoint.callee] PUT sets the temporary callee; POST is taken too': [
    bind({ privateNum: X }),
    send('PUT', { path: CALLEE_PATH, body: { privateNum: X, calleeNum: B } }, '0'),
    call(A, `${B} sees ${X}`, { answered: false }),
    send('POST', { path: CALLEE_PATH, body: { privateNum: X, calleeNum: A2 } }, '0'),
    call(A, `${A2} sees ${X}`),
  ],
  '[ax.lenient.types] flags as JSON booleans, enums and integers as numbers or as their digits': [
    bind({
      privateNum: X,
      recordFlag: true,
      privateSms: false,
      maxDuration: '9',
      callDirection: '0',
      calleeNumDisplay: 0,
      areaMatchMode: 1,
    }),
    shows('subscriptionId=$0', {
      recordFlag: 'true',
      privateSms: 'false',
      maxDuration: 9,
      callDirection: 0,
      calleeNumDisplay: '0',
    }),
    modify({ subscriptionId: '$0', recordFlag: false, privateSms: true, callDirection: '2' }),
    shows('subscriptionId=$0', { recordFlag: 'false', privateSms: 'true', callDirection: 2 }),
    callee({ subscriptionId: '$0', calleeNum: B, duration: '120' }),
  ],
  '[ax.lenient.empty] members that are empty or null are as absent': [
    bind({ privateNum: '', areaCode: '0755', userData: '', recordFlag: '', maxDuration: '', preVoice: null }),
    bind({ privateNum: null, areaCode: '', turnFlag: '', callDirection: '', calleeNumDisplay: '' }),
    shows('subscriptionId=$1', { turnFlag: 'on', callDirection: 0, calleeNumDisplay: undefined }),
    modify({ subscriptionId: '', privateNum: X, userData: 'u', origNum: '', recordFlag: null }),
    modify({ subscriptionId: null, privateNum: X, userData: '' }),
    shows(`subscriptionId=&privateNum=${X}&origNum=`, { origNum: A, userData: 'u' }),
    callee({ subscriptionId: '', privateNum: X, calleeNum: B, duration: '', userData: null }),
    unbind(`subscriptionId=&origNum=&privateNum=${X}`),
  ],
  '[ax.lenient.unknown] parameters that nobody knows are ignored': [
    bind({ privateNum: X, colour: 'red' }),
    modify({ subscriptionId: '$0', colour: 'red' }),
    shows('subscriptionId=$0&colour=red', { colour: undefined }),
    unbind('subscriptionId=$0&colour=red'),
  ],

  // Section 3.
  '[ax.bind.privateNum] [ax.code.1011001] X must be a number of this app: unknown, foreign and malformed are 1011001':
    [
      ...[NO_X, FOREIGN_X, '17000000001', '+86', 'x', 17000000001, long(40)].map((privateNum) =>
        bind({ privateNum }, '1011001'),
      ),
      bind({ privateNum: {} }, '1010002 privateNum'),
      bind({ privateNum: X }),
    ],
  '[ax.bind.privateNum-wins] X wins over the area': [
    bind({ privateNum: GUANGZHOU_X, areaCode: '0755', areaMatchMode: '0' }),
    shows('subscriptionId=$0', { privateNum: GUANGZHOU_X, areaCode: '020' }),
    bind({ privateNum: NO_X, areaCode: '0755' }, '1011001'),
  ],
  '[habit.10.ax] [ax.bind.areaCode] the platform picks a free X of that city, with and without the leading 0':
    [
      bind({ areaCode: '020' }),
      shows('subscriptionId=$0', { privateNum: GUANGZHOU_X }),
      unbind('subscriptionId=$0'),
      bind({ areaCode: '20', privateNumType: 'mobile-virtual' }),
      shows('subscriptionId=$1', { privateNum: GUANGZHOU_X }),
      bind({ areaCode: '010' }),
      shows('subscriptionId=$2', { privateNum: BEIJING_X }),
      bind({ areaCode: long(33) }, '1010002 areaCode'),
      bind({ areaCode: {} }, '1010002 areaCode'),
    ],
  '[ax.code.1011002] [ax.bind.area-strict] strict and by default: no free X in the city is 1011002': [
    bind({ areaCode: '0571' }, '1011002'),
    bind({ areaCode: '020', origNum: A2 }),
    bind({ areaCode: '020' }, '1011002'),
    bind({ areaCode: '020', areaMatchMode: '0' }, '1011002'),
  ],
  '[ax.bind.area-lenient] loose: another city of the province, then any': [
    bind({ areaCode: '020', origNum: A2 }),
    bind({ areaCode: '020', areaMatchMode: '1' }),
    shows('subscriptionId=$1', { areaCode: '0755' }),
    bind({ areaCode: '0571', areaMatchMode: 1 }),
  ],
  '[ax.bind.no-area] neither X nor area: the city of A, strict unless loose is asked for': [
    bind({}),
    shows('subscriptionId=$0', { privateNum: X, areaCode: '0755' }),
    bind({ origNum: STRAY }, '1011002'),
    bind({ origNum: STRAY, areaMatchMode: '1' }),
  ],
  '[ax.bind.only-normal] X numbers that are not in order are never picked': [
    number(GUANGZHOU_X, { areaCode: '020', status: 'suspended' }),
    bind({ areaCode: '020' }, '1011002'),
  ],
  '[ax.bind.privateNumType] privateNumType is taken whatever it is': [
    'mobile-virtual',
    '',
    'fixed',
    7,
    {},
  ].map((privateNumType, n) => bind({ privateNum: ALL_X[n], privateNumType })),
  '[ax.bind.defaults] no recording, X shown, no limit, powered on, both directions': [
    bind({ privateNum: X }),
    shows('subscriptionId=$0', {
      recordFlag: 'false',
      calleeNumDisplay: undefined,
      maxDuration: 0,
      turnFlag: 'on',
      callDirection: 0,
    }),
    call(B, `${A} sees ${X}`),
  ],
  '[ax.bind.privateSms-default] privateSms is true by default, and stays what it is when the app’s own switch changes':
    [
      bind({ privateNum: X }),
      app({ smsEnabled: false }),
      bind({ privateNum: X2 }),
      app({ smsEnabled: true }),
      shows('subscriptionId=$0', { privateSms: 'true' }),
      shows('subscriptionId=$1', { privateSms: 'true' }),
    ],
  '[ax.code.1012012] recordFlag true is 1012012 while the app does not record, on bind and modify': [
    app({ recordingEnabled: false }),
    bind({ privateNum: X, recordFlag: 'true' }, '1012012'),
    bind({ privateNum: X, recordFlag: 'false' }),
    modify({ subscriptionId: '$0', recordFlag: true }, '1012012'),
  ],
  '[ax.bind.recordHintTone] the hint is shown with recordFlag true only; an unknown file is refused': [
    bind({ privateNum: X, recordFlag: true, recordHintTone: 'h.wav' }),
    shows('subscriptionId=$0', { recordHintTone: 'h.wav' }),
    bind({ privateNum: X2, recordHintTone: 'h.wav' }),
    shows('subscriptionId=$1', { recordHintTone: undefined }),
    bind({ privateNum: ALL_X[2], recordFlag: true }),
    ...['h.mp3', wav(129), {}].map((recordHintTone) =>
      bind({ privateNum: ALL_X[3], recordFlag: true, recordHintTone }, '1010002 recordHintTone'),
    ),
  ],
  '[ax.code.1020178] calleeNumDisplay 1 is 1020178 unless the app may show the real caller': [
    bind({ privateNum: X, calleeNumDisplay: '1' }, '1020178'),
    app({ realCallerDisplay: true }),
    bind({ privateNum: X, calleeNumDisplay: 1 }),
    shows('subscriptionId=$0', { calleeNumDisplay: '1' }),
    call(B, `${A} sees ${B}`),
    app({ realCallerDisplay: false }),
    call(B, `${A} sees ${X}`),
  ],
  '[ax.bind.preVoice.callerHintTone] [ax.bind.preVoice.calleeHintTone] the member of preVoice that is wrong is named':
    [
      bind({ privateNum: X, preVoice: { callerHintTone: 'a.mp3' } }, '1010002 preVoice.callerHintTone'),
      bind({ privateNum: X, preVoice: { calleeHintTone: wav(129) } }, '1010002 preVoice.calleeHintTone'),
      bind({ privateNum: X, preVoice: { callerHintTone: wav(128), calleeHintTone: wav(128) } }),
    ],
  '[ax.bind.lastMinVoice-limit] lastMinVoice without a limit is taken, and waits for one': [
    bind({ privateNum: X, lastMinVoice: 'l.wav' }),
    shows('subscriptionId=$0', { lastMinVoice: 'l.wav', maxDuration: 0 }),
    modify({ subscriptionId: '$0', maxDuration: 3 }),
    shows('subscriptionId=$0', { lastMinVoice: 'l.wav', maxDuration: 3 }),
  ],
  '[ax.bind.userData-braces] braces are taken from an app that is known to send them': [
    app({ lenientUserData: true }),
    bind({ privateNum: X, userData: '{"order":7}' }),
    shows('subscriptionId=$0', { userData: '{"order":7}' }),
  ],

  // Section 4.
  '[habit.9.ax] [ax.unbind.subscriptionId] the id wins over X, which is not even read': [
    bind({ privateNum: X }),
    bind({ privateNum: X2 }),
    unbind(`subscriptionId=$0&privateNum=${X2}`),
    shows(`origNum=${A}`, { privateNum: X2 }),
    unbind('subscriptionId=$1&privateNum=rubbish&origNum=rubbish'),
    unbind('subscriptionId=$1', '1016001'),
  ],
  '[habit.9.ax] [ax.unbind.privateNum] by X alone': [
    bind({ privateNum: X }),
    unbind(`privateNum=${X}`),
    unbind(`privateNum=${X}`, '1016001'),
  ],
  '[habit.9.ax] [ax.unbind.origNum] the pair of A and X must be the one that is bound': [
    bind({ privateNum: X }),
    unbind(`origNum=${A2}&privateNum=${X}`, '1016001'),
    unbind(`origNum=rubbish&privateNum=${X}`, '1010002 origNum'),
    unbind(`origNum=${A}&privateNum=${X}`),
  ],
  '[ax.unbind.one-of] neither id nor X is 1010002, with A or without': [
    unbind('', '1010002 subscriptionId'),
    unbind(`origNum=${A}`, '1010002 subscriptionId'),
  ],
  '[ax.code.1011004] unbind of an X that is not this app’s is 1011004': [
    unbind(`privateNum=${FOREIGN_X}`, '1011004'),
    unbind(`privateNum=${NO_X}`, '1011004'),
    unbind('privateNum=17000000001', '1011004'),
  ],
  '[ax.unbind.body] a body beside the query is ignored': [
    bind({ privateNum: X }),
    bind({ privateNum: X2 }),
    send('DELETE', { query: '?subscriptionId=$0', body: { subscriptionId: '$1' } }, '0'),
    query('subscriptionId=$1', '0'),
  ],

  // Section 5.
  '[ax.modify.subscriptionId] the id wins over X; one of them must be there': [
    bind({ privateNum: X }),
    bind({ privateNum: X2 }),
    modify({ subscriptionId: '$0', privateNum: X2, userData: 'u' }),
    shows('subscriptionId=$0', { userData: 'u' }),
    shows('subscriptionId=$1', { userData: undefined }),
    modify({ userData: 'u' }, '1010002 subscriptionId'),
    modify({ subscriptionId: long(65) }, '1010002 subscriptionId'),
  ],
  '[ax.modify.privateNum] X names the binding and stays': [
    bind({ privateNum: X }),
    modify({ privateNum: X, userData: 'u' }),
    shows('subscriptionId=$0', { userData: 'u', privateNum: X }),
    ...[NO_X, FOREIGN_X, '17000000001'].map((privateNum) => modify({ privateNum, userData: 'u' }, '1011001')),
  ],
  '[ax.modify.origNum] origNum is the new A, at once': [
    bind({ privateNum: X }),
    modify({ subscriptionId: '$0', origNum: A2 }),
    shows('subscriptionId=$0', { origNum: A2, privateNum: X }),
    call(B, `${A2} sees ${X}`),
    call(A, `${A2} sees ${X}`),
    query(`origNum=${A}`, '1016001'),
    modify({ subscriptionId: '$0', origNum: A2 }),
    ...['+86110', '+8695588', X, 'rubbish'].map((origNum) =>
      modify({ subscriptionId: '$0', origNum }, '1010002 origNum'),
    ),
  ],
  '[ax.modify.origNum-limit] a new A that has five X already is 1011003': [
    ...fiveOf(A),
    bind({ origNum: A2, privateNum: ALL_X[5] }),
    modify({ subscriptionId: '$5', origNum: A }, '1011003'),
    shows(`origNum=${A2}`, { privateNum: ALL_X[5] }),
    modify({ subscriptionId: '$4', origNum: A, userData: 'u' }),
    unbind('subscriptionId=$0'),
    modify({ subscriptionId: '$5', origNum: A }),
  ],
  '[ax.modify.new-a-forgets] what the old A set and whom it talked with is nothing to the new A': [
    app({ memoryCallback: true }),
    bind({ privateNum: X }),
    call(B, `${A} sees ${X}`),
    callee({ subscriptionId: '$0', calleeNum: B }),
    modify({ subscriptionId: '$0', origNum: A2 }),
    call(A2, '8019 no_permission.wav'),
  ],
  '[ax.modify.recordHintTone] a hint tone can be given later; an unknown file is refused': [
    bind({ privateNum: X, recordFlag: true }),
    modify({ subscriptionId: '$0', recordHintTone: 'h.wav' }),
    shows('subscriptionId=$0', { recordHintTone: 'h.wav' }),
    modify({ subscriptionId: '$0', recordHintTone: 'h.mp3' }, '1010002 recordHintTone'),
  ],
  '[ax.modify.absent] what is absent stays as it is': [
    bind({
      privateNum: X,
      recordFlag: true,
      recordHintTone: 'h.wav',
      privateSms: false,
      maxDuration: 9,
      lastMinVoice: 'l.wav',
      userData: 'u',
      turnFlag: 'off',
      callDirection: 2,
      calleeNumDisplay: '0',
      preVoice: { calleeHintTone: 'w.wav' },
    }),
    modify({ subscriptionId: '$0' }),
    modify({ subscriptionId: '$0', turnFlag: 'on' }),
    shows('subscriptionId=$0', {
      origNum: A,
      privateNum: X,
      recordFlag: 'true',
      recordHintTone: 'h.wav',
      privateSms: 'false',
      maxDuration: 9,
      lastMinVoice: 'l.wav',
      userData: 'u',
      turnFlag: 'on',
      callDirection: 2,
      calleeNumDisplay: '0',
      preVoice: { calleeHintTone: 'w.wav' },
    }),
  ],
  '[ax.modify.ignored] calleeNumDisplay and preVoice are ignored, right or wrong': [
    bind({ privateNum: X, calleeNumDisplay: '0', preVoice: { callerHintTone: 'a.wav' } }),
    modify({ subscriptionId: '$0', calleeNumDisplay: '1', preVoice: { callerHintTone: 'b.wav' } }),
    modify({ subscriptionId: '$0', calleeNumDisplay: 'x', preVoice: 'b.mp3' }),
    shows('subscriptionId=$0', { calleeNumDisplay: '0', preVoice: { callerHintTone: 'a.wav' } }),
  ],
  '[ax.modify.barred-x] an X that is barred keeps its binding, but takes no new A: 1012102': [
    bind({ privateNum: X }),
    number(X, { status: 'binding-frozen' }),
    modify({ subscriptionId: '$0', userData: 'u' }),
    modify({ subscriptionId: '$0', origNum: A2 }, '1012102'),
  ],

  // Section 6.
  '[ax.query.priority] the id wins over A, and A over X; what does not win is not read': [
    bind({ privateNum: X }),
    bind({ origNum: A2, privateNum: X2 }),
    shows(`subscriptionId=$0&origNum=${A2}&privateNum=${X2}`, { privateNum: X }),
    shows('subscriptionId=$0&origNum=rubbish&privateNum=rubbish', { privateNum: X }),
    shows(`origNum=${A2}&privateNum=${X}`, { privateNum: X2 }),
    shows(`origNum=${A2}&privateNum=rubbish`, { privateNum: X2 }),
    query('', '1010002 subscriptionId'),
  ],
  '[ax.query.subscriptionId] by id': [
    bind({ privateNum: X }),
    shows('subscriptionId=$0', { origNum: A, privateNum: X }),
    query(`subscriptionId=${long(65)}`, '1010002 subscriptionId'),
  ],
  '[ax.query.origNum] [ax.query.privateNumList] by A: all of its X, up to five, oldest first': [
    ...fiveOf(A),
    bind({ origNum: A2, privateNum: ALL_X[5] }),
    shows(`origNum=${A}`, ...ALL_X.slice(0, 5).map((privateNum) => ({ origNum: A, privateNum }))),
    query('origNum=13800000021', '1010002 origNum'),
  ],
  '[ax.query.privateNum] by X': [
    bind({ privateNum: X }),
    shows(`privateNum=${X}`, { origNum: A, privateNum: X }),
    ...[NO_X, FOREIGN_X, '17000000001'].map((privateNum) => query(`privateNum=${privateNum}`, '1011001')),
  ],
  '[ax.query.nothing] nothing bound is 1016001, never an empty list': [
    query(`origNum=${A}`, '1016001'),
    query(`privateNum=${X}`, '1016001'),
    query('subscriptionId=none', '1016001'),
  ],

  // Section 7.
  '[ax.callee.calleeNum] mobile, fixed line, 400 and 95 numbers; no short, emergency or foreign ones, not A nor X':
    [
      bind({ privateNum: X }),
      ...[B, FIXED, '+864001234567', '+8695588', '+8695013000'].flatMap((calleeNum) => [
        callee({ subscriptionId: '$0', calleeNum }),
        call(A, `${calleeNum} sees ${X}`),
      ]),
      ...[
        undefined,
        '',
        '13800000022',
        '+86110',
        '+86119',
        '+86120',
        '+86122',
        '+86112',
        '+86911',
        '+86999',
        '+861234',
        '+8612345',
        '+868001234567',
        '+12025550123',
        A,
        X,
        95588,
        {},
      ].map((calleeNum) => callee({ subscriptionId: '$0', calleeNum }, '1010002 calleeNum')),
      call(A, '8013 no_permission.wav'),
    ],
  '[ax.callee.subscriptionId] the id wins over X; one of them must be there': [
    bind({ privateNum: X }),
    bind({ privateNum: X2 }),
    callee({ subscriptionId: '$0', privateNum: X2, calleeNum: B }),
    call(A, `${B} sees ${X}`),
    call(A, '8013 no_permission.wav', { to: X2 }),
    callee({ calleeNum: B }, '1010002 subscriptionId'),
    callee({ origNum: A, calleeNum: B }, '1010002 subscriptionId'),
  ],
  '[ax.callee.privateNum] by X; one that is not this app’s is 1011001': [
    bind({ privateNum: X }),
    callee({ privateNum: X, calleeNum: B }),
    call(A, `${B} sees ${X}`),
    ...[NO_X, FOREIGN_X, '17000000001'].map((privateNum) => callee({ privateNum, calleeNum: B }, '1011001')),
  ],
  '[ax.callee.origNum] origNum is not evaluated': [
    bind({ privateNum: X }),
    ...[A2, 'rubbish', {}, ''].map((origNum) => callee({ origNum, privateNum: X, calleeNum: B })),
    call(A, `${B} sees ${X}`),
  ],
  '[ax.callee.duration] kept for 60 seconds, or as long as is asked for: 1 to 7200': [
    bind({ privateNum: X }),
    callee({ subscriptionId: '$0', calleeNum: B }),
    later(MINUTE - 1),
    call(A, `${B} sees ${X}`, { answered: false }),
    later(1),
    call(A, '8013 no_permission.wav'),
    callee({ subscriptionId: '$0', calleeNum: B, duration: '7200' }),
    later(120 * MINUTE - 1),
    call(A, `${B} sees ${X}`, { answered: false }),
    later(1),
    call(A, '8013 no_permission.wav'),
    callee({ subscriptionId: '$0', calleeNum: B, duration: 1 }),
    ...[0, 7201, -1, 1.5, 'x', {}].map((duration) =>
      callee({ subscriptionId: '$0', calleeNum: B, duration }, '1010002 duration'),
    ),
  ],
  '[ax.callee.calleeHintVoice] a file that exists, or none': [
    bind({ privateNum: X }),
    ...['c.wav', wav(128), ''].map((calleeHintVoice) =>
      callee({ subscriptionId: '$0', calleeNum: B, calleeHintVoice }),
    ),
    ...['c.mp3', wav(129), {}].map((calleeHintVoice) =>
      callee({ subscriptionId: '$0', calleeNum: B, calleeHintVoice }, '1010002 calleeHintVoice'),
    ),
  ],
  '[ax.callee.userData] at most 256 characters, no braces unless the app is known to send them': [
    bind({ privateNum: X }),
    callee({ subscriptionId: '$0', calleeNum: B, userData: long(256) }),
    ...[long(257), 'a{', '}', {}].map((userData) =>
      callee({ subscriptionId: '$0', calleeNum: B, userData }, '1010002 userData'),
    ),
    app({ lenientUserData: true }),
    callee({ subscriptionId: '$0', calleeNum: B, userData: '{"order":7}' }),
  ],
  '[ax.callee.needs-binding] without a binding there is nothing to set, and an unbind takes it away': [
    callee({ privateNum: X, calleeNum: B }, '1016001'),
    callee({ subscriptionId: NO_ID, calleeNum: B }, '1016001'),
    bind({ privateNum: X }),
    callee({ subscriptionId: '$0', calleeNum: B }),
    unbind('subscriptionId=$0'),
    callee({ subscriptionId: '$0', calleeNum: B }, '1016001'),
    bind({ privateNum: X }),
    call(A, '8013 no_permission.wav'),
  ],
  '[ax.callee.replaced] a new one replaces the one before, with its time': [
    bind({ privateNum: X }),
    callee({ subscriptionId: '$0', calleeNum: B, duration: 7200 }),
    callee({ subscriptionId: '$0', calleeNum: A2 }),
    call(A, `${A2} sees ${X}`, { answered: false }),
    later(MINUTE),
    call(A, '8013 no_permission.wav'),
  ],
  '[ax.callee.one-call] it is used up when the callee answers; a redial after no answer still works': [
    bind({ privateNum: X }),
    callee({ subscriptionId: '$0', calleeNum: B }),
    call(A, `${B} sees ${X}`, { answered: false }),
    call(A, `${B} sees ${X}`),
    call(A, '8013 no_permission.wav'),
  ],

  // Section 8.
  '[ax.code.1012102] X in a state that takes no binds is 1012102': (
    ['binding-frozen', 'suspended', 'unusable'] as const
  ).flatMap((status) => [number(X, { status }), bind({ privateNum: X }, '1012102')]),
  '[ax.code.1016002] this A and this X again is 1016002, even when A has five': [
    bind({ privateNum: X }),
    bind({ privateNum: X }, '1016002'),
    ...ALL_X.slice(1, 5).map((privateNum) => bind({ privateNum })),
    bind({ privateNum: X }, '1016002'),
  ],
  '[ax.code.1016001] no such binding is 1016001 on unbind, modify, query and temporary callee': [
    unbind(`subscriptionId=${NO_ID}`, '1016001'),
    unbind(`privateNum=${X}`, '1016001'),
    modify({ subscriptionId: NO_ID, userData: 'u' }, '1016001'),
    modify({ privateNum: X, userData: 'u' }, '1016001'),
    query(`subscriptionId=${NO_ID}`, '1016001'),
    callee({ subscriptionId: NO_ID, calleeNum: B }, '1016001'),
  ],
  '[ax.code.1010002] a body that is no JSON object is 1010002': [
    send('POST', { body: [] }, '1010002 body'),
    send('PUT', { body: [] }, '1010002 body'),
    send('PUT', { path: CALLEE_PATH, body: [] }, '1010002 body'),
    send('POST', { body: {} }, '1010002 origNum'),
  ],
  '[ax.code.1010029] a frozen account is 1010029 on all five': [
    bind({ privateNum: X }),
    app({ accountStatus: 'frozen' }),
    bind({ privateNum: X2 }, '1010029'),
    unbind('subscriptionId=$0', '1010029'),
    modify({ subscriptionId: '$0' }, '1010029'),
    query('subscriptionId=$0', '1010029'),
    callee({ subscriptionId: '$0', calleeNum: B }, '1010029'),
  ],
  '[ax.code.1010040] [ax.model.other-mode] an app of another mode is 1010040 on all five, and an AX app elsewhere':
    [
      send('POST', { path: AXB_PATH, body: { callerNum: A, calleeNum: B, relationNum: X } }, '1010040'),
      app({ mode: 'AXB' }),
      bind({ privateNum: X }, '1010040'),
      unbind('subscriptionId=$0', '1010040'),
      modify({ subscriptionId: '$0' }, '1010040'),
      query('subscriptionId=$0', '1010040'),
      callee({ subscriptionId: '$0', calleeNum: B }, '1010040'),
    ],

  // Section 9, as far as a bind decides it.
  '[ax.model.memory-callback] [ax.call.memory] with the switch on A reaches whom it talked with last, both ways':
    [
      bind({ privateNum: X }),
      call(B, `${A} sees ${X}`),
      call(A, '8013 no_permission.wav'),
      app({ memoryCallback: true }),
      call(A, '8019 no_permission.wav'),
      call(B, `${A} sees ${X}`, { answered: false }),
      call(A, '8019 no_permission.wav'),
      call(B, `${A} sees ${X}`),
      call(A, `${B} sees ${X}`),
      callee({ subscriptionId: '$0', calleeNum: A2 }),
      call(A, `${A2} sees ${X}`),
      call(A, `${A2} sees ${X}`),
      unbind('subscriptionId=$0'),
      bind({ privateNum: X }),
      call(A, '8019 no_permission.wav'),
    ],
}

eachEngine(({ open }) => {
  before(async () => {
    storage = await open({ clock })
    const ax = createAxService({
      store: storage.bindings,
      memory: storage.memory,
      clock,
      areas: areasBy(
        (number) => (number === STRAY ? undefined : { areaCode: '0755', province: 'Guangdong' }),
        (code) => (code === '0755' || code === '020' ? 'Guangdong' : code === '010' ? 'Beijing' : undefined),
      ),
    })
    router = createRouter({
      routes: storage.routes,
      memory: storage.memory,
      modes: { AX: createAxRouting(storage.memory) },
      controls: { admit: () => undefined, check: () => undefined },
      log: silentLog,
    })
    await storage.apps.saveApp(anApp({ key: 'app-key-0002', mode: 'AX', tenantId: 'tenant-2', spId: 'sp-2' }))
    test = await startTestApi({ ax, apps: storage.apps, clock })
  })
  after(async () => {
    await test.close()
    await storage.close()
  })
  beforeEach(async () => {
    hand.now = NOW
    test.app = anAxApp()
    for (const key of ['app-key-0001', 'app-key-0002']) {
      for (const { number } of await storage.numbers.list(key)) await storage.numbers.remove(number)
    }
    await storage.apps.saveApp(test.app)
    await storage.numbers.save([
      ...ALL_X.map((number) => x(number)),
      x(GUANGZHOU_X, { areaCode: '020' }),
      x(BEIJING_X, { areaCode: '010', province: 'Beijing' }),
      x(FOREIGN_X, { appKey: 'app-key-0002' }),
    ])
  })

  describe('AX over the wire (spec/ax.md)', () => {
    for (const [title, steps] of Object.entries({ ...CASES, ...PARAMETER_CASES })) {
      for (const scheme of ['AKSK', 'WSSE'] as const) {
        it(`${title} (${scheme})`, async () => {
          const world: World = { scheme, ids: [] }
          for (const step of steps) await step(world)
        })
      }
    }
  })

  describe('AX answers (spec/ax.md sections 3.1 to 8)', () => {
    const bound = () =>
      test.call('POST', { path: AX_PATH, body: { origNum: A, privateNum: X, userData: 'u' } })

    it('[ax.bind.answer.resultcode] [ax.bind.answer.resultdesc] [ax.bind.answer.origNum] [ax.bind.answer.privateNum] [ax.bind.answer.subscriptionId] a bind answers these in this order', async () => {
      const { status, text, json } = await bound()
      const id = String(json['subscriptionId'])
      assert.equal(status, 200)
      assert.match(id, /^[A-Za-z0-9-]{1,64}$/)
      assert.equal(
        text,
        `{"resultcode":"0","resultdesc":"Success","origNum":"${A}","privateNum":"${X}","subscriptionId":"${id}"}`,
      )
    })

    it('[ax.unbind.answer] [ax.modify.answer] [ax.callee.answer] the others answer resultcode and resultdesc only', async () => {
      const id = String((await bound()).json['subscriptionId'])
      const replies = [
        await test.call('PUT', { path: AX_PATH, body: { subscriptionId: id } }),
        await test.call('PUT', { path: CALLEE_PATH, body: { subscriptionId: id, calleeNum: B } }),
        await test.call('DELETE', { path: AX_PATH, query: `?subscriptionId=${id}` }),
      ]
      for (const { status, text } of replies)
        assert.deepEqual([status, text], [200, '{"resultcode":"0","resultdesc":"Success"}'])
    })

    it('[ax.code.http-403] a refusal is 403 with code and text', async () => {
      await bound()
      const { status, json } = await bound()
      assert.equal(status, 403)
      assert.deepEqual(json, { resultcode: '1016002', resultdesc: 'The record already exists.' })
    })

    const ENTRY = {
      origNum: A,
      privateNum: X,
      privateNumType: 'mobile-virtual',
      areaCode: '0755',
      recordFlag: 'true',
      recordHintTone: 'h.wav',
      preVoice: { callerHintTone: 'a.wav', calleeHintTone: 'b.wav' },
      calleeNumDisplay: '0',
      subscriptionId: '',
      privateSms: 'false',
      maxDuration: 5,
      lastMinVoice: 'l.wav',
      userData: 'u',
      turnFlag: 'off',
      callDirection: 2,
    }
    const entryRows = Object.keys(ENTRY).map((name) => `[ax.query.entry.${name}]`)
    it(`${entryRows.join(' ')} an entry of privateNumList has these members in this order`, async () => {
      const body = { ...ENTRY, subscriptionId: undefined }
      const id = String((await test.call('POST', { path: AX_PATH, body })).json['subscriptionId'])
      const { text } = await test.call('GET', { path: AX_PATH, query: `?subscriptionId=${id}` })
      const privateNumList = [{ ...ENTRY, subscriptionId: id }]
      assert.equal(text, JSON.stringify({ resultcode: '0', resultdesc: 'Success', privateNumList }))
    })

    it('[ax.query.unset] what was never set is left out', async () => {
      await test.call('POST', { path: AX_PATH, body: { origNum: A, privateNum: X } })
      const { json } = await test.call('GET', {
        path: AX_PATH,
        query: `?privateNum=${X.replace('+', '%2B')}`,
      })
      const unset = ['recordHintTone', 'preVoice', 'calleeNumDisplay', 'lastMinVoice', 'userData']
      assert.deepEqual(
        Object.keys((json['privateNumList'] as object[])[0]!),
        Object.keys(ENTRY).filter((name) => !unset.includes(name)),
      )
    })

    it('[ax.code.foreign-id] the binding of another app is 1016001 on all four, and none of its A', async () => {
      const id = String((await bound()).json['subscriptionId'])
      test.app = anApp({ key: 'app-key-0002', mode: 'AX' })
      const replies = [
        await test.call('GET', { path: AX_PATH, query: `?subscriptionId=${id}` }),
        await test.call('PUT', { path: AX_PATH, body: { subscriptionId: id, origNum: A2 } }),
        await test.call('PUT', { path: CALLEE_PATH, body: { subscriptionId: id, calleeNum: B } }),
        await test.call('DELETE', { path: AX_PATH, query: `?subscriptionId=${id}` }),
        await test.call('GET', { path: AX_PATH, query: `?origNum=${A.replace('+', '%2B')}` }),
      ]
      for (const { json } of replies) assert.equal(json['resultcode'], '1016001')
    })
  })
})
