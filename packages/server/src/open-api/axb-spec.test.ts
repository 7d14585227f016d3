import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { App } from '../tenants/app.ts'
import { eachEngine } from '../testkit/engines.ts'
import { A, anApp, B, X } from './api-test-kit.ts'
import {
  type AxbApi,
  BEIJING_X,
  FOREIGN_X,
  FROZEN_X,
  type Members,
  NO_ID,
  NOMAD,
  type Scheme,
  startAxbApi,
  SUSPENDED_X,
  UNKNOWN_X,
  UNUSABLE_X,
  verdictOf,
  X2,
  xNumber,
} from './axb-test-kit.ts'

/** The rows of spec/axb.md that one request shows, header generations in turn. */

const C = '+8613800000023'
const D = '+8613800000024'
const FIXED = '+8675528000001'

type Case = {
  /** Ids of the rows, parted by blanks. */
  readonly rows: string
  readonly what: string
  readonly app?: Partial<App>
  /** Binds that went before, each with success. */
  readonly given?: readonly Members[]
  /** The request; `$id` stands for the subscriptionId of the first binding. A bind starts from A, B and X. */
  readonly bind?: Members
  readonly unbind?: Members
  readonly modify?: Members
  readonly query?: Members
  /** Default `200 0`. */
  readonly verdict?: string
  /** Members that the answer has; undefined: has not. */
  readonly answers?: Members
  /** Members that the query shows afterwards of the first binding, or of the one just made. */
  readonly shows?: Members
}

const long = (length: number): string => 'x'.repeat(length)
const wav = (length: number): string => `${long(length - 4)}.wav`
const other = { callerNum: C, calleeNum: D }
const byArea = { relationNum: undefined, areaCode: '0755' }

/** A parameter refused by name, one case a value. */
const refuses = (rows: string, parameter: string, values: readonly unknown[], more: Members = {}): Case[] =>
  values.map((value) => ({
    rows: `${rows} axb.code.bind.1010002`,
    what: `${parameter} is not ${JSON.stringify(value).slice(0, 40).replaceAll(/[[\]]/g, '')}`,
    bind: { ...more, [parameter]: value },
    verdict: `403 1010002 ${parameter}`,
  }))

/** A parameter that the query shows as given, one case a value. */
const keeps = (
  rows: string,
  parameter: string,
  values: readonly (readonly [wire: unknown, shown: unknown])[],
  more: Members = {},
): Case[] =>
  values.map(([wire, shown]) => ({
    rows,
    what: `${parameter} ${JSON.stringify(wire)?.slice(0, 40) ?? 'absent'} is kept`,
    bind: { ...more, [parameter]: wire },
    shows: { [parameter]: shown },
  }))

const BIND: readonly Case[] = [
  {
    rows:
      'axb.bind.answer.resultcode axb.bind.answer.resultdesc axb.bind.answer.relationNum ' +
      'axb.bind.answer.callDirection axb.bind.answer.duration axb.bind.answer.maxDuration',
    what: 'answers X and the numbers that were given, and no user data that was not',
    bind: { callDirection: 2, duration: 60, maxDuration: 5 },
    answers: {
      resultcode: '0',
      resultdesc: 'Success',
      relationNum: X,
      callDirection: 2,
      duration: 60,
      maxDuration: 5,
      userData: undefined,
    },
    shows: { relationNum: X, callerNum: A, calleeNum: B },
  },
  {
    rows: 'axb.bind.answer.userData auth.rule.status200',
    what: 'answers the user data of the request',
    bind: { userData: 'order 7' },
    answers: { userData: 'order 7' },
  },
  {
    rows:
      'axb.bind.callDirection.default axb.bind.duration.default axb.bind.maxDuration.default ' +
      'axb.bind.recordFlag.default axb.bind.privateSms.default axb.bind.recordHintTone axb.bind.lastMinVoice ' +
      'axb.bind.preVoice',
    what: 'defaults: both ways, for ever, no limit, no recording, SMS, no tones',
    bind: {},
    shows: {
      callDirection: 0,
      duration: 0,
      maxDuration: 0,
      recordFlag: 'false',
      privateSms: 'true',
      recordHintTone: undefined,
      lastMinVoice: undefined,
      preVoice: undefined,
      userData: undefined,
    },
  },
  ...['callerNum', 'calleeNum'].flatMap((party): Case[] => [
    {
      rows: `axb.bind.${party}`,
      what: `${party} is required`,
      bind: { [party]: undefined },
      verdict: `403 1010002 ${party}`,
    },
    ...refuses(`axb.bind.${party} axb.rule.globalForm`, party, [
      '',
      '13800000021',
      '8613800000021',
      '+86138000000210',
      `${A} `,
      ` ${A}`,
      '+86',
      `+1${'0'.repeat(31)}`,
      13_800_000_021,
    ]),
    {
      rows: `axb.bind.${party} axb.rule.landline axb.rule.globalForm`,
      what: `${party} may be a fixed line`,
      bind: { [party]: FIXED },
      shows: { [party]: FIXED },
    },
    ...refuses('axb.rule.realNumbers', party, ['+864001234567', '+8695588', '+12025550123', '+86110']),
    {
      rows: 'axb.rule.distinct',
      what: `${party} is not X`,
      bind: { [party]: X },
      verdict: `403 1010002 ${party}`,
    },
  ]),
  {
    rows: 'axb.rule.distinct',
    what: 'A and B differ',
    bind: { calleeNum: A },
    verdict: '403 1010002 calleeNum',
  },
  {
    rows: 'axb.bind.relationNum axb.choose.relationNum',
    what: 'X is used as given, whatever the area beside it',
    bind: { relationNum: X2, areaCode: '010', areaMatchMode: '0' },
    answers: { relationNum: X2 },
  },
  ...refuses('axb.bind.relationNum axb.rule.globalForm', 'relationNum', [
    '',
    '17000000001',
    `${X} `,
    ` ${X}`,
    `+1${'0'.repeat(31)}`,
  ]),
  {
    rows: 'axb.bind.relationNum axb.code.bind.1012007',
    what: 'X of another app',
    bind: { relationNum: FOREIGN_X },
    verdict: '403 1012007',
    answers: { resultdesc: 'The record does not exist.' },
  },
  {
    rows: 'axb.bind.relationNum axb.code.bind.1012007',
    what: 'X of nobody',
    bind: { relationNum: UNKNOWN_X },
    verdict: '403 1012007',
  },
  {
    rows: 'axb.bind.areaCode axb.choose.areaCode habit.10',
    what: 'an X of the city is picked, which the query tells',
    bind: { relationNum: undefined, areaCode: '020' },
    answers: { relationNum: X2 },
    shows: { areaCode: '020' },
  },
  {
    rows: 'axb.bind.areaCode habit.7',
    what: 'without its leading 0 too',
    bind: { relationNum: undefined, areaCode: '20' },
    answers: { relationNum: X2 },
  },
  {
    rows: 'axb.bind.areaCode axb.choose.home',
    what: 'an empty area is not given: the area of A decides',
    bind: { relationNum: undefined, areaCode: '' },
    answers: { relationNum: X },
  },
  ...refuses('axb.bind.areaCode', 'areaCode', [long(33), true], { relationNum: undefined }),
  ...refuses('axb.bind.areaMatchMode', 'areaMatchMode', ['2', '', 2]),
  {
    rows: 'axb.choose.strict axb.bind.areaMatchMode.default axb.code.bind.1012008',
    what: 'strict is the default: no X of that city',
    bind: { relationNum: undefined, areaCode: '0571' },
    verdict: '403 1012008',
    answers: { resultdesc: 'Insufficient number of resources' },
  },
  {
    rows: 'axb.choose.strict axb.bind.areaMatchMode',
    what: 'strict: an X of the same province does not serve',
    given: [{ relationNum: X }],
    bind: { ...byArea, areaMatchMode: '0' },
    verdict: '403 1012008',
  },
  {
    rows: 'axb.choose.lenient axb.bind.areaMatchMode',
    what: 'lenient takes the province next',
    given: [{ relationNum: X }],
    bind: { ...byArea, areaMatchMode: '1' },
    answers: { relationNum: X2 },
  },
  {
    rows: 'axb.choose.lenient axb.bind.areaMatchMode',
    what: 'and any city in the end',
    given: [{ relationNum: X }, { relationNum: X2 }],
    bind: { ...byArea, areaMatchMode: 1 },
    answers: { relationNum: BEIJING_X },
  },
  {
    rows: 'axb.choose.home',
    what: 'neither X nor area: the area of A',
    bind: { relationNum: undefined },
    answers: { relationNum: X },
  },
  {
    rows: 'axb.choose.home axb.choose.strict',
    what: 'which may have no X left',
    given: [{ relationNum: X }],
    bind: { relationNum: undefined },
    verdict: '403 1012008',
  },
  {
    rows: 'axb.choose.unknownHome',
    what: 'an unknown area of A has no X',
    bind: { relationNum: undefined, callerNum: NOMAD },
    verdict: '403 1012008',
  },
  {
    rows: 'axb.choose.unknownHome',
    what: 'unless any city serves',
    bind: { relationNum: undefined, callerNum: NOMAD, areaMatchMode: '1' },
  },
  {
    rows: 'axb.choose.status',
    what: 'an X that takes no binds is not picked',
    bind: { relationNum: undefined, areaCode: '021' },
    verdict: '403 1012008',
  },
  {
    rows: 'axb.choose.free axb.code.bind.1012008',
    what: 'an X without room is not picked',
    given: [1, 2, 3].map((n) => ({ callerNum: `+861380000010${n}`, calleeNum: `+861380000020${n}` })),
    bind: byArea,
    verdict: '403 1012008',
  },
  {
    rows: 'axb.rule.repeat axb.code.bind.1012008',
    what: 'the same bind by area again ends where X numbers do',
    given: [byArea],
    bind: byArea,
    verdict: '403 1012008',
  },
  {
    rows: 'axb.rule.repeat',
    what: 'the same bind by area again takes another X',
    given: [byArea],
    bind: { ...byArea, areaMatchMode: '1' },
    answers: { relationNum: X2 },
  },
  {
    rows: 'axb.rule.repeat axb.rule.unique axb.code.bind.1012010',
    what: 'the same bind on a given X again',
    given: [{}],
    bind: {},
    verdict: '403 1012010',
    answers: { resultdesc: 'The relation number has been bound.' },
  },
  ...[
    [B, C],
    [A, C],
    [C, A],
    [C, B],
    [B, A],
  ].map(([callerNum, calleeNum]): Case => ({
    rows: 'axb.rule.unique axb.code.bind.1012010',
    what: `a number stands once on X, in either role (${callerNum}, ${calleeNum})`,
    given: [{}],
    bind: { callerNum, calleeNum },
    verdict: '403 1012010',
  })),
  {
    rows: 'axb.rule.pairs',
    what: 'one X carries another pair',
    given: [{}],
    bind: other,
    answers: { relationNum: X },
  },
  {
    rows: 'axb.rule.otherX',
    what: 'A reaches another B through another X',
    given: [{}],
    bind: { calleeNum: C, relationNum: X2 },
  },
  {
    rows: 'axb.rule.capacity axb.code.bind.1012009',
    what: 'a given X with its most pairs',
    given: [1, 2, 3].map((n) => ({ callerNum: `+861380000010${n}`, calleeNum: `+861380000020${n}` })),
    bind: {},
    verdict: '403 1012009',
    answers: { resultdesc: 'Maximum number of resources has been exceeded' },
  },
  ...[FROZEN_X, SUSPENDED_X, UNUSABLE_X].map((relationNum): Case => ({
    rows: 'axb.code.bind.1012102',
    what: `an X in a state that takes no binds (${relationNum})`,
    bind: { relationNum },
    verdict: '403 1012102',
    answers: { resultdesc: 'The number is contained in the blacklist.' },
  })),
  ...keeps('axb.bind.callDirection axb.bind.types', 'callDirection', [
    [0, 0],
    [1, 1],
    ['2', 2],
  ]),
  ...refuses('axb.bind.callDirection', 'callDirection', [3, -1, 1.5, 'one']),
  ...keeps('axb.bind.duration axb.bind.types habit.6', 'duration', [
    [0, 0],
    [7_776_000, 7_776_000],
    ['60', 60],
  ]),
  ...refuses('axb.bind.duration', 'duration', [-1, 7_776_001, '60s']),
  ...keeps('axb.bind.recordFlag axb.bind.types habit.6', 'recordFlag', [
    ['true', 'true'],
    ['false', 'false'],
    [true, 'true'],
    [false, 'false'],
  ]),
  ...refuses('axb.bind.recordFlag', 'recordFlag', ['yes', 1]),
  {
    rows: 'axb.bind.recordFlag.app axb.code.bind.1012012',
    what: 'recording while the app does not record',
    app: { recordingEnabled: false },
    bind: { recordFlag: 'true' },
    verdict: '403 1012012',
    answers: { resultdesc: 'Application does not open recording function' },
  },
  {
    rows: 'axb.bind.recordFlag.app',
    what: 'no recording needs no switch of the app',
    app: { recordingEnabled: false },
    bind: { recordFlag: 'false' },
  },
  ...keeps(
    'axb.bind.recordHintTone',
    'recordHintTone',
    [
      ['h.wav', 'h.wav'],
      [wav(128), wav(128)],
      ['', undefined],
    ],
    { recordFlag: true },
  ),
  ...refuses('axb.bind.recordHintTone axb.bind.tones', 'recordHintTone', [wav(129), 'h.mp3']),
  ...keeps('axb.bind.maxDuration axb.bind.types', 'maxDuration', [
    [0, 0],
    [1440, 1440],
    ['5', 5],
  ]),
  ...refuses('axb.bind.maxDuration', 'maxDuration', [-1, 1441, '7200']),
  ...keeps(
    'axb.bind.lastMinVoice',
    'lastMinVoice',
    [
      ['l.wav', 'l.wav'],
      [wav(128), wav(128)],
      ['', undefined],
    ],
    { maxDuration: 1 },
  ),
  ...refuses('axb.bind.lastMinVoice axb.bind.tones', 'lastMinVoice', [wav(129), 'l.mp3'], {
    maxDuration: 1,
  }),
  ...refuses('axb.bind.lastMinVoice.needsMaxDuration', 'lastMinVoice', ['l.wav']),
  ...refuses('axb.bind.lastMinVoice.needsMaxDuration', 'lastMinVoice', ['m.wav'], { maxDuration: 0 }),
  ...keeps('axb.bind.privateSms axb.bind.types', 'privateSms', [
    ['true', 'true'],
    ['false', 'false'],
    [false, 'false'],
  ]),
  ...refuses('axb.bind.privateSms', 'privateSms', ['no', 0]),
  ...keeps(
    'axb.bind.preVoice axb.bind.preVoice.callerHintTone axb.bind.preVoice.calleeHintTone',
    'preVoice',
    [
      [{ callerHintTone: 'a.wav' }, { callerHintTone: 'a.wav' }],
      [{ calleeHintTone: wav(128) }, { calleeHintTone: wav(128) }],
      [
        { callerHintTone: 'a.wav', calleeHintTone: 'b.wav' },
        { callerHintTone: 'a.wav', calleeHintTone: 'b.wav' },
      ],
      [{ callerHintTone: '', calleeHintTone: '' }, undefined],
    ],
  ),
  ...refuses('axb.bind.preVoice', 'preVoice', ['a.wav', true]),
  ...['callerHintTone', 'calleeHintTone'].flatMap((tone) =>
    [wav(129), 'a.mp3'].map((file): Case => ({
      rows: `axb.bind.preVoice.${tone} axb.bind.tones`,
      what: `${tone} is not ${file.slice(0, 20)}`,
      bind: { preVoice: { [tone]: file } },
      verdict: `403 1010002 preVoice.${tone}`,
    })),
  ),
  ...keeps('axb.bind.userData', 'userData', [
    ['u', 'u'],
    [long(256), long(256)],
    ['5rWL6K+V', '5rWL6K+V'],
  ]),
  ...refuses('axb.bind.userData', 'userData', ['', long(257)]),
  ...refuses('axb.bind.userData.braces', 'userData', ['a{', 'b}', '{"order":7}']),
  {
    rows: 'axb.bind.userData.lenient habit.11',
    what: 'braces in userData of an app that is known to send them',
    app: { lenientUserData: true },
    bind: { userData: '{"order":7}' },
    shows: { userData: '{"order":7}' },
  },
  {
    rows: 'axb.bind.unknown',
    what: 'unknown parameters are ignored',
    bind: { colour: 'red', callerHintTone: 'x.mp3' },
  },
  {
    rows: 'axb.bind.null habit.6',
    what: 'null is not given',
    bind: { duration: null, recordHintTone: null, preVoice: null, userData: null, callDirection: null },
    shows: { duration: 0, callDirection: 0, recordHintTone: undefined, userData: undefined },
  },
]

const UNBIND: readonly Case[] = (
  [
    {
      rows: 'axb.unbind.subscriptionId axb.unbind.answer habit.9 auth.rule.status200',
      what: 'by id, and answers only the envelope',
      unbind: { subscriptionId: '$id' },
      answers: { resultcode: '0', resultdesc: 'Success', subscriptionId: undefined },
    },
    {
      rows: 'axb.unbind.relationNum habit.9 auth.rule.plus faq.71',
      what: 'by X with its plus as %2B',
      unbind: { relationNum: X },
    },
    {
      rows: 'axb.unbind.subscriptionId-wins',
      what: 'a wrong id beside a right X removes nothing',
      unbind: { subscriptionId: NO_ID, relationNum: X },
      verdict: '403 1012007',
      shows: { relationNum: X },
    },
    {
      rows: 'axb.unbind.one-of axb.code.unbind.1010002',
      what: 'nothing given',
      unbind: {},
      verdict: '403 1010002 subscriptionId',
    },
    {
      rows: 'axb.unbind.subscriptionId axb.code.unbind.1010002',
      what: 'an empty id does not unbind the whole X beside it',
      unbind: { subscriptionId: '', relationNum: X },
      verdict: '403 1010002 subscriptionId',
      shows: { relationNum: X },
    },
    {
      rows: 'axb.unbind.subscriptionId axb.code.unbind.1010002',
      what: 'an id has at most 64 characters',
      unbind: { subscriptionId: long(65) },
      verdict: '403 1010002 subscriptionId',
    },
    {
      rows: 'axb.unbind.relationNum axb.code.unbind.1010002',
      what: 'X must be in global form',
      unbind: { relationNum: '17000000001' },
      verdict: '403 1010002 relationNum',
    },
    {
      rows: 'axb.code.unbind.1012001',
      what: 'X of another app',
      unbind: { relationNum: FOREIGN_X },
      verdict: '403 1012001',
      answers: { resultdesc: 'Resource of number is not to be applied.' },
    },
    {
      rows: 'axb.code.unbind.1012001',
      what: 'X of nobody',
      unbind: { relationNum: UNKNOWN_X },
      verdict: '403 1012001',
    },
    {
      rows: 'axb.code.unbind.1012007',
      what: 'an id of nobody',
      unbind: { subscriptionId: NO_ID },
      verdict: '403 1012007',
      answers: { resultdesc: 'The record does not exist.' },
    },
    {
      rows: 'axb.unbind.emptyX axb.code.unbind.1012007',
      what: 'an X of the app without bindings',
      unbind: { relationNum: X2 },
      verdict: '403 1012007',
    },
  ] satisfies Case[]
).map((one) => ({ given: [{}], ...one }))

/** A new value that the query shows afterwards. */
const changes = (parameter: string, values: readonly (readonly [wire: unknown, shown: unknown])[]): Case[] =>
  values.map(([wire, shown]) => ({
    rows: `axb.modify.${parameter}`,
    what: `${parameter} becomes ${JSON.stringify(wire).slice(0, 40)}`,
    modify: { subscriptionId: '$id', [parameter]: wire },
    shows: { [parameter]: shown },
  }))

const refusesChange = (parameter: string, values: readonly unknown[], rows = ''): Case[] =>
  values.map((value) => ({
    rows: `axb.modify.${parameter} axb.code.modify.1010002 ${rows}`.trim(),
    what: `${parameter} does not become ${JSON.stringify(value).slice(0, 40)}`,
    modify: { subscriptionId: '$id', [parameter]: value },
    verdict: `403 1010002 ${parameter}`,
  }))

const ALL_SET = {
  callDirection: 1,
  duration: 600,
  maxDuration: 5,
  lastMinVoice: 'l.wav',
  recordFlag: 'true',
  recordHintTone: 'h.wav',
  privateSms: 'false',
  preVoice: { callerHintTone: 'a.wav', calleeHintTone: 'b.wav' },
  userData: 'order 7',
}

const MODIFY: readonly Case[] = (
  [
    {
      rows: 'axb.modify.subscriptionId axb.modify.answer axb.modify.absent habit.15 auth.rule.status200',
      what: 'what is absent stays, and the answer is only the envelope',
      given: [ALL_SET],
      modify: { subscriptionId: '$id' },
      answers: { resultcode: '0', resultdesc: 'Success', subscriptionId: undefined },
      shows: { ...ALL_SET, subscriptionId: '$id', relationNum: X, callerNum: A, calleeNum: B },
    },
    {
      rows: 'axb.modify.subscriptionId axb.code.modify.1010002',
      what: 'the id is required',
      modify: { duration: 1 },
      verdict: '403 1010002 subscriptionId',
    },
    {
      rows: 'axb.modify.subscriptionId axb.code.modify.1010002',
      what: 'the id is not empty',
      modify: { subscriptionId: '' },
      verdict: '403 1010002 subscriptionId',
    },
    {
      rows: 'axb.modify.relationNum',
      what: 'X cannot change: one in the body is ignored',
      modify: { subscriptionId: '$id', relationNum: X2, areaCode: '020' },
      shows: { relationNum: X },
    },
    ...changes('callerNum', [
      [C, C],
      [FIXED, FIXED],
      [A, A],
    ]),
    ...changes('calleeNum', [
      [C, C],
      [B, B],
    ]),
    ...refusesChange('callerNum', ['13800000023', '', '+864001234567', X]),
    ...refusesChange('calleeNum', ['13800000023', '+12025550123', A, X]),
    {
      rows: 'axb.modify.ownParties',
      what: 'A and B of one binding may change places',
      modify: { subscriptionId: '$id', callerNum: B, calleeNum: A },
      shows: { callerNum: B, calleeNum: A },
    },
    ...['callerNum', 'calleeNum'].map((party): Case => ({
      rows: `axb.modify.${party} axb.code.modify.1012010`,
      what: `${party} of another binding of X`,
      given: [{}, other],
      modify: { subscriptionId: '$id', [party]: C },
      verdict: '403 1012010',
      answers: { resultdesc: 'The relation number has been bound.' },
      shows: { callerNum: A, calleeNum: B },
    })),
    ...changes('callDirection', [
      [1, 1],
      ['2', 2],
    ]),
    ...refusesChange('callDirection', [3]),
    ...changes('duration', [
      [7_776_000, 7_776_000],
      ['60', 60],
    ]),
    ...refusesChange('duration', [-1, 7_776_001]),
    ...changes('maxDuration', [[1440, 1440]]),
    ...refusesChange('maxDuration', [-1, 1441]),
    {
      rows: 'axb.modify.lastMinVoice',
      what: 'lastMinVoice goes with the limit that is there',
      given: [{ maxDuration: 5 }],
      modify: { subscriptionId: '$id', lastMinVoice: 'l.wav' },
      shows: { lastMinVoice: 'l.wav' },
    },
    {
      rows: 'axb.modify.lastMinVoice',
      what: 'or with one that comes along',
      modify: { subscriptionId: '$id', maxDuration: 5, lastMinVoice: 'l.wav' },
      shows: { lastMinVoice: 'l.wav', maxDuration: 5 },
    },
    ...refusesChange('lastMinVoice', ['l.wav', 'l.mp3', wav(129)]),
    ...changes('privateSms', [
      ['false', 'false'],
      [false, 'false'],
    ]),
    ...refusesChange('privateSms', ['no']),
    ...changes('recordFlag', [
      ['true', 'true'],
      [true, 'true'],
    ]),
    ...refusesChange('recordFlag', ['yes']),
    {
      rows: 'axb.modify.recordFlag axb.code.modify.1012012',
      what: 'recording while the app does not record',
      app: { recordingEnabled: false },
      modify: { subscriptionId: '$id', recordFlag: 'true' },
      verdict: '403 1012012',
    },
    ...changes('preVoice', [[{ callerHintTone: 'a.wav' }, { callerHintTone: 'a.wav' }]]),
    {
      rows: 'axb.modify.preVoice',
      what: 'one tone of preVoice leaves the other as it is',
      given: [{ preVoice: { callerHintTone: 'a.wav', calleeHintTone: 'b.wav' } }],
      modify: { subscriptionId: '$id', preVoice: { calleeHintTone: 'c.wav' } },
      shows: { preVoice: { callerHintTone: 'a.wav', calleeHintTone: 'c.wav' } },
    },
    {
      rows: 'axb.modify.preVoice axb.code.modify.1010002',
      what: 'a tone that is not approved',
      modify: { subscriptionId: '$id', preVoice: { callerHintTone: 'a.mp3' } },
      verdict: '403 1010002 preVoice.callerHintTone',
    },
    ...changes('userData', [['order 8', 'order 8']]),
    ...refusesChange('userData', ['{', long(257)]),
    ...changes('recordHintTone', [['h.wav', 'h.wav']]),
    ...refusesChange('recordHintTone', ['h.mp3']),
    {
      rows: 'axb.code.modify.1012007',
      what: 'an id of nobody',
      modify: { subscriptionId: NO_ID },
      verdict: '403 1012007',
      answers: { resultdesc: 'The record does not exist.' },
    },
  ] satisfies Case[]
).map((one) => ({ given: [{}], ...one }))

const QUERY: readonly Case[] = (
  [
    {
      rows:
        'axb.query.answer.resultcode axb.query.answer.resultdesc axb.query.answer.app_key ' +
        'axb.query.answer.totalCount axb.query.answer.pageIndex axb.query.answer.pageSize ' +
        'axb.query.relationNum axb.query.pageIndex.default axb.query.pageSize.default',
      what: 'by X: the envelope, the app, how many there are and the page',
      given: [{}, other],
      query: { relationNum: X },
      answers: {
        resultcode: '0',
        resultdesc: 'Success',
        app_key: 'app-key-0001',
        totalCount: 2,
        pageIndex: 1,
        pageSize: 50,
      },
    },
    ...(
      [
        ['subscriptionId', '$id'],
        ['relationNum', X],
        ['callerNum', A],
        ['calleeNum', B],
        ['subscribeTime', '2026-02-12 15:30:20'],
        ...Object.entries(ALL_SET),
      ] as [string, unknown][]
    ).map(([name, value]): Case => ({
      rows: `axb.query.info.${name}`,
      what: `the query shows ${name}`,
      given: [ALL_SET],
      query: { subscriptionId: '$id' },
      shows: { [name]: value },
    })),
    {
      rows: 'axb.query.info.areaCode',
      what: 'and the area by which X was chosen',
      given: [byArea],
      query: { subscriptionId: '$id' },
      shows: { areaCode: '0755' },
    },
    {
      rows: 'axb.query.unset',
      what: 'what was never set is not shown',
      query: { subscriptionId: '$id' },
      shows: {
        recordHintTone: undefined,
        preVoice: undefined,
        lastMinVoice: undefined,
        areaCode: undefined,
        userData: undefined,
      },
    },
    {
      rows: 'axb.query.subscriptionId axb.query.one habit.9 auth.rule.status200',
      what: 'by id: exactly one',
      given: [{}, other],
      query: { subscriptionId: '$id' },
      answers: { totalCount: 1 },
    },
    {
      rows: 'axb.query.subscriptionId-wins',
      what: 'the id wins over X and the numbers',
      given: [{}, other],
      query: { subscriptionId: '$id', relationNum: FOREIGN_X, callerNum: C },
      answers: { totalCount: 1 },
    },
    {
      rows: 'axb.query.callerNum',
      what: 'the binding of an A on X',
      given: [{}, other],
      query: { relationNum: X, callerNum: A },
      answers: { totalCount: 1 },
    },
    {
      rows: 'axb.query.callerNum axb.code.query.1012007',
      what: 'B is no A',
      query: { relationNum: X, callerNum: B },
      verdict: '403 1012007',
    },
    {
      rows: 'axb.query.calleeNum',
      what: 'the binding of a B on X',
      given: [{}, other],
      query: { relationNum: X, calleeNum: B },
      answers: { totalCount: 1 },
    },
    {
      rows: 'axb.query.exact habit.9',
      what: 'A, X and B exactly',
      given: [{}, other],
      query: { relationNum: X, callerNum: A, calleeNum: B },
      answers: { totalCount: 1 },
    },
    {
      rows: 'axb.query.exact axb.code.query.1012007',
      what: 'A of one and B of another are no binding',
      given: [{}, other],
      query: { relationNum: X, callerNum: A, calleeNum: D },
      verdict: '403 1012007',
    },
    ...(['callerNum', 'calleeNum'] as const).map((party): Case => ({
      rows: `axb.query.${party} axb.code.query.1010002`,
      what: `${party} must be in global form`,
      query: { relationNum: X, [party]: '13800000021' },
      verdict: `403 1010002 ${party}`,
    })),
    {
      rows: 'axb.query.one-of axb.code.query.1010002',
      what: 'nothing given',
      query: {},
      verdict: '403 1010002 subscriptionId',
    },
    {
      rows: 'axb.query.one-of axb.code.query.1010002',
      what: 'a number without X',
      query: { callerNum: A },
      verdict: '403 1010002 subscriptionId',
    },
    {
      rows: 'axb.query.relationNum axb.code.query.1010002',
      what: 'X must be in global form',
      query: { relationNum: '17000000001' },
      verdict: '403 1010002 relationNum',
    },
    {
      rows: 'axb.query.pageIndex axb.query.pageSize',
      what: 'a page behind the last is empty',
      query: { relationNum: X, pageIndex: '2', pageSize: '10' },
      answers: { relationNumList: [], totalCount: 1, pageIndex: 2, pageSize: 10 },
    },
    {
      rows: 'axb.query.pageIndex axb.code.query.1010002',
      what: 'pages begin at 1',
      query: { relationNum: X, pageIndex: '0' },
      verdict: '403 1010002 pageIndex',
    },
    {
      rows: 'axb.query.pageIndex.ignored',
      what: 'a page is ignored beside an id',
      query: { subscriptionId: '$id', pageIndex: '9' },
      answers: { totalCount: 1 },
      shows: { callerNum: A },
    },
    {
      rows: 'axb.query.pageSize',
      what: 'at most 100',
      query: { relationNum: X, pageSize: '100' },
      answers: { pageSize: 100 },
    },
    ...['9', '101', 'many'].map((pageSize): Case => ({
      rows: 'axb.query.pageSize.range axb.query.pageSize.default',
      what: `a page of ${pageSize} is one of 50`,
      query: { relationNum: X, pageSize },
      answers: { pageSize: 50 },
    })),
    {
      rows: 'axb.code.query.1012007 habit.16',
      what: 'an X of the app without bindings',
      query: { relationNum: X2 },
      verdict: '403 1012007',
      answers: { resultdesc: 'The record does not exist.', relationNumList: undefined },
    },
    {
      rows: 'axb.code.query.1012007',
      what: 'an id of nobody',
      query: { subscriptionId: NO_ID },
      verdict: '403 1012007',
    },
    ...[FOREIGN_X, UNKNOWN_X].map((relationNum): Case => ({
      rows: 'axb.code.query.1012001',
      what: `X that is not of this app (${relationNum})`,
      query: { relationNum },
      verdict: '403 1012001',
      answers: { resultdesc: 'Resource of number is not to be applied.' },
    })),
  ] satisfies Case[]
).map((one) => ({ given: [{}], ...one }))

async function run(api: AxbApi, one: Case, scheme: Scheme): Promise<void> {
  await api.reset(one.app)
  let first: string | undefined
  for (const members of one.given ?? []) {
    const id = await api.bound(members)
    first ??= id
  }
  const named = (members: Members): Members =>
    Object.fromEntries(
      Object.entries(members).map(([name, value]) => [name, value === '$id' ? first : value]),
    )
  const operation = (['bind', 'unbind', 'modify', 'query'] as const).find((name) => one[name])!
  const members = named(one[operation]!)
  const reply = await (operation === 'bind'
    ? api.bind(members, scheme)
    : api.call(operation, members, scheme))
  assert.equal(verdictOf(reply), one.verdict ?? '200 0')
  for (const [name, value] of Object.entries(one.answers ?? {}))
    assert.deepEqual(reply.json[name], value, name)
  if (!one.shows) return
  const info = await api.infoOf(operation === 'bind' ? String(reply.json['subscriptionId']) : first!)
  for (const [name, value] of Object.entries(named(one.shows))) assert.deepEqual(info[name], value, name)
}

const titleOf = ({ rows, what }: Case): string => `${rows.replace(/\S+/g, '[$&]')} ${what}`

eachEngine(({ name, open }) => {
  let api: AxbApi
  before(async () => {
    api = await startAxbApi(open)
  })
  after(() => api.close())

  for (const [operation, cases] of Object.entries({ BIND, UNBIND, MODIFY, QUERY })) {
    describe(`AXB ${operation.toLowerCase()} (spec/axb.md)`, () => {
      for (const [n, one] of cases.entries())
        it(titleOf(one), () => run(api, one, n % 2 === 0 ? 'AKSK' : 'WSSE'))
    })
  }

  describe('AXB over several requests (spec/axb.md)', () => {
    it('[axb.bind.body] a body that is no JSON object is refused', async () => {
      await api.reset()
      for (const body of ['[]', '{', '"x"', 'null']) {
        const { status, json } = await api.test.call('POST', { body })
        assert.deepEqual([status, json['resultcode']], [403, '1010002'], body)
      }
    })

    it('[axb.bind.answer.subscriptionId] subscriptionId has 1 to 64 letters, digits and dashes, and is the binding', async () => {
      await api.reset()
      const id = await api.bound()
      assert.match(id, /^[A-Za-z0-9-]{1,64}$/)
      assert.equal((await api.infoOf(id))['callerNum'], A)
    })

    it('[habit.27] an X of 15 digits with prefix 700 is a number like any other', async () => {
      await api.reset()
      const x700 = '+86700123456789012'
      await api.storage.numbers.save([xNumber(x700)])
      const id = await api.bound({ relationNum: x700 })
      assert.equal((await api.infoOf(id))['relationNum'], x700)
      assert.equal(await api.verdict('unbind', { relationNum: x700 }), '200 0')
    })

    it('[auth.rule.frozen.keepsBindings] [auth.rule.editsAtOnce] a frozen account is refused from the next request on and has its bindings when it is back', async () => {
      await api.reset()
      const id = await api.bound()
      await api.storage.apps.saveApp(anApp({ accountStatus: 'frozen' }))
      for (const operation of ['query', 'unbind', 'modify', 'bind'] as const)
        assert.equal(await api.verdict(operation, { subscriptionId: id }), '403 1010029', operation)
      await api.storage.apps.saveApp(anApp())
      assert.equal((await api.infoOf(id))['callerNum'], A)
    })

    it('[axb.rule.noLimitOfX] A may have more than five X', async () => {
      await api.reset()
      const many = Array.from({ length: 7 }, (_, n) => `+861700000020${n}`)
      await api.storage.numbers.save(many.map((number) => xNumber(number)))
      for (const relationNum of many) await api.bound({ relationNum })
    })

    it('[axb.choose.spread] of the X numbers of a city the one with the fewest bindings is picked', async () => {
      await api.reset()
      await api.storage.numbers.save([xNumber('+8617000000201')])
      await api.bound({ ...other, relationNum: X })
      const { json } = await api.bind(byArea)
      assert.equal(json['relationNum'], '+8617000000201')
    })

    it('[axb.rule.atOnce] [axb.unbind.subscriptionId] an unbind counts at once: id gone, A and B free', async () => {
      await api.reset()
      const id = await api.bound()
      assert.equal(await api.verdict('unbind', { subscriptionId: id }), '200 0')
      assert.equal(await api.verdict('unbind', { subscriptionId: id }), '403 1012007')
      assert.equal(await api.verdict('query', { subscriptionId: id }), '403 1012007')
      await api.bound()
    })

    it('[axb.unbind.relationNum] an unbind by X removes every binding on it, and no other', async () => {
      await api.reset()
      const ids = [await api.bound(), await api.bound(other)]
      const kept = await api.bound({ relationNum: X2 })
      assert.equal(await api.verdict('unbind', { relationNum: X }), '200 0')
      for (const id of ids) assert.equal(await api.verdict('query', { subscriptionId: id }), '403 1012007')
      assert.equal((await api.infoOf(kept))['relationNum'], X2)
    })

    it('[axb.unbind.subscriptionId-wins] of id and X the id wins: the other bindings of X stay', async () => {
      await api.reset()
      const id = await api.bound()
      const kept = await api.bound(other)
      assert.equal(await api.verdict('unbind', { subscriptionId: id, relationNum: X }), '200 0')
      assert.equal((await api.infoOf(kept))['callerNum'], C)
    })

    it('[axb.code.unbind.1012007] [axb.code.modify.1012007] [axb.code.query.1012007] [axb.query.foreignId] a binding of another app is as one that does not exist', async () => {
      await api.reset()
      const id = await api.bound()
      api.test.app = anApp({ key: 'app-key-0002' })
      for (const operation of ['unbind', 'modify', 'query'] as const)
        assert.equal(await api.verdict(operation, { subscriptionId: id }), '403 1012007', operation)
    })

    it('[axb.modify.sameIdAndX] [axb.query.info.subscribeTime] a modify keeps id and X; subscribeTime becomes the time of the change, in UTC', async () => {
      await api.reset()
      const id = await api.bound()
      api.hand.now += 60_000
      assert.equal(await api.verdict('modify', { subscriptionId: id, calleeNum: C }), '200 0')
      const info = await api.infoOf(id)
      assert.deepEqual(
        [info['subscriptionId'], info['relationNum'], info['subscribeTime']],
        [id, X, '2026-02-12 15:31:20'],
      )
    })

    it('[axb.code.modify.1012102] a new party on an X that takes no binds is refused, other changes are not', async () => {
      await api.reset()
      const id = await api.bound()
      await api.storage.numbers.save([xNumber(X, { status: 'binding-frozen' })])
      assert.equal(await api.verdict('modify', { subscriptionId: id, calleeNum: C }), '403 1012102')
      assert.equal(await api.verdict('modify', { subscriptionId: id, callDirection: 1 }), '200 0')
    })

    it('[axb.bind.duration] [axb.expiry.start] [axb.expiry.end] a lifetime counts from the bind; at its end the binding is gone for every request and its parties are free', async () => {
      await api.reset()
      const id = await api.bound({ duration: 60 })
      api.hand.now += 59_999
      assert.equal(await api.verdict('query', { subscriptionId: id }), '200 0')
      api.hand.now += 1
      for (const operation of ['query', 'unbind', 'modify'] as const)
        assert.equal(await api.verdict(operation, { subscriptionId: id }), '403 1012007', operation)
      assert.equal(await api.verdict('query', { relationNum: X }), '403 1012007')
      await api.bound()
    })

    it('[axb.bind.duration.zero] a duration of 0 never expires', async () => {
      await api.reset()
      const id = await api.bound({ duration: 0 })
      api.hand.now += 10 * 365 * 86_400_000
      assert.equal(await api.verdict('query', { subscriptionId: id }), '200 0')
    })

    it('[axb.modify.duration.restart] [axb.modify.duration.zero] a modify counts the lifetime anew from the change; 0 makes it endless', async () => {
      await api.reset()
      const id = await api.bound({ duration: 60 })
      api.hand.now += 50_000
      assert.equal(await api.verdict('modify', { subscriptionId: id, duration: 60 }), '200 0')
      api.hand.now += 50_000
      assert.equal(await api.verdict('modify', { subscriptionId: id, userData: 'u' }), '200 0')
      api.hand.now += 9_999
      assert.equal(await api.verdict('query', { subscriptionId: id }), '200 0')
      api.hand.now += 1
      assert.equal(await api.verdict('query', { subscriptionId: id }), '403 1012007')
      const endless = await api.bound({ duration: 60 })
      assert.equal(await api.verdict('modify', { subscriptionId: endless, duration: 0 }), '200 0')
      api.hand.now += 90 * 86_400_000
      assert.equal(await api.verdict('query', { subscriptionId: endless }), '200 0')
    })

    it('[axb.query.pageIndex] [axb.query.pageSize] [axb.query.relationNum] [axb.query.answer.relationNumList] pages of ten give every binding of X once', async () => {
      const large = await startAxbApi(open, { maxPairsPerX: 25 })
      try {
        await large.reset()
        const ids: string[] = []
        for (let n = 10; n < 33; n++)
          ids.push(await large.bound({ callerNum: `+86138000001${n}`, calleeNum: `+86138000002${n}` }))
        const pages = await Promise.all(
          ['1', '2', '3'].map(async (pageIndex) => {
            const { json } = await large.call('query', { relationNum: X, pageIndex, pageSize: '10' })
            assert.equal(json['totalCount'], 23)
            return (json['relationNumList'] as { subscriptionId: string }[]).map(
              (info) => info.subscriptionId,
            )
          }),
        )
        assert.deepEqual(
          pages.map((page) => page.length),
          [10, 10, 3],
        )
        assert.deepEqual(pages.flat().toSorted(), ids.toSorted())
      } finally {
        await large.close()
      }
    })

    it('[axb.code.bind.1020182] a number that reached its binds of the day is refused until the next', async () => {
      const strict = await startAxbApi(open, { maxBindsPerDay: 2 })
      try {
        await strict.reset()
        await strict.bound()
        await strict.bound({ relationNum: X2 })
        const reply = await strict.bind({ relationNum: BEIJING_X })
        assert.equal(verdictOf(reply), '403 1020182')
        assert.equal(reply.json['resultdesc'], 'The number succeeds the max bind times per day')
        strict.hand.now += 86_400_000
        await strict.bound({ relationNum: BEIJING_X })
      } finally {
        await strict.close()
      }
    })

    // The number is a setting, the same for every engine; one that fills up quickly shows it.
    if (name === 'SQLite')
      it('[axb.rule.capacity.default] an X carries 5000 pairs unless configured otherwise', async () => {
        const whole = await startAxbApi(open, {})
        try {
          await whole.reset()
          const pair = (n: number) => ({
            callerNum: `+8613800${10_000 + n}0`,
            calleeNum: `+8613800${10_000 + n}1`,
          })
          for (let n = 0; n < 5000; n += 250)
            await Promise.all(Array.from({ length: 250 }, (_, i) => whole.bound(pair(n + i))))
          assert.equal(verdictOf(await whole.bind(pair(5000))), '403 1012009')
        } finally {
          await whole.close()
        }
      })
  })
})
