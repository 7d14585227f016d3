import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { App, AxeSettings } from '../tenants/app.ts'
import { eachEngine } from '../testkit/engines.ts'
import { A, B, X } from './api-test-kit.ts'
import {
  type AxeApi,
  BEIJING_X,
  FOREIGN_X,
  FROZEN_X,
  type Members,
  NO_ID,
  type Scheme,
  startAxeApi,
  SUSPENDED_X,
  UNKNOWN_X,
  UNUSABLE_X,
  verdictOf,
  X2,
} from './axe-test-kit.ts'

/** The rows of spec/axe.md sections 1 to 6 and 8 that one request shows, under both header generations. */

const C = '+8613800000023'
const FIXED = '+8675528000001'

const withAxe = (axe: AxeSettings): Partial<App> => ({ axe })
const ONE_DIGIT = withAxe({ extensionLength: 1 })

type Case = {
  /** Ids of the rows, parted by blanks. */
  readonly rows: string
  readonly what: string
  readonly app?: Partial<App>
  /** Binds that went before, each with success. */
  readonly given?: readonly Members[]
  /** The request; `$id` stands for the subscriptionId of the first binding. A bind starts from X and A. */
  readonly bind?: Members
  readonly unbind?: Members
  readonly modify?: Members
  readonly query?: Members
  readonly list?: Members
  /** Default `200 0`. */
  readonly verdict?: string
  /** Members that the answer has; undefined: has not. */
  readonly answers?: Members
  /** Members that the query shows afterwards of the first binding, or of the one just made. */
  readonly shows?: Members
}

const both = { callbackTone: 't.wav', callbackNum: B }
const onPair = { virtualNum: X, extendNum: '0001' }

const BIND: readonly Case[] = [
  {
    rows: 'axe.bind.answer.subscriptionId axe.bind.answer.virtualNum axe.bind.answer.extendNum axe.bind.answer.resultcode',
    what: 'answers id, X and extension, and nothing else',
    bind: {},
    answers: { resultcode: '0', resultdesc: 'Success', virtualNum: X, extendNum: '0001', bindNum: undefined },
    shows: { bindNum: A, virtualNum: X, extendNum: '0001' },
  },
  {
    rows: 'axe.bind.virtualNum',
    what: 'X is used as given',
    bind: { virtualNum: X2 },
    answers: { virtualNum: X2 },
  },
  {
    rows: 'axe.bind.virtualNum',
    what: 'X must be in global form',
    bind: { virtualNum: '17000000001' },
    verdict: '403 1010002 virtualNum',
  },
  {
    rows: 'axe.bind.virtualNum',
    what: 'X has at most 32 characters',
    bind: { virtualNum: `+${'1'.repeat(32)}` },
    verdict: '403 1010002 virtualNum',
  },
  {
    rows: 'axe.bind.virtualNum-or-areaCode',
    what: 'one of X and area must be given',
    bind: { virtualNum: undefined },
    verdict: '403 1010002 virtualNum',
  },
  {
    rows: 'axe.bind.virtualNum-or-areaCode',
    what: 'empty ones count as not given',
    bind: { virtualNum: '', areaCode: '' },
    verdict: '403 1010002 virtualNum',
  },
  {
    rows: 'axe.bind.areaCode',
    what: 'an X of the city is picked',
    bind: { virtualNum: undefined, areaCode: '020' },
    answers: { virtualNum: X2 },
  },
  {
    rows: 'axe.bind.areaCode',
    what: 'without its leading 0 too',
    bind: { virtualNum: undefined, areaCode: '20' },
    answers: { virtualNum: X2 },
  },
  {
    rows: 'axe.bind.areaCode',
    what: 'has at most 32 characters',
    bind: { virtualNum: undefined, areaCode: '0'.repeat(33) },
    verdict: '403 1010002 areaCode',
  },
  {
    rows: 'axe.bind.areaCode.virtualNum-wins',
    what: 'X wins over the area',
    bind: { virtualNum: X2, areaCode: '0755' },
    answers: { virtualNum: X2 },
  },
  {
    rows: 'axe.bind.areaMatchMode.strict axe.error.1012008',
    what: 'strict is the default: no X of that city',
    bind: { virtualNum: undefined, areaCode: '0571' },
    verdict: '403 1012008',
  },
  {
    rows: 'axe.bind.areaMatchMode.strict',
    what: '0 is strict: an X of the same province does not serve',
    bind: { virtualNum: undefined, areaCode: '0755', areaMatchMode: '0' },
    given: [{ bindNum: A }],
    verdict: '403 1012008',
  },
  {
    rows: 'axe.bind.areaMatchMode.lenient',
    what: '1 takes the province next',
    given: [{ bindNum: A }],
    bind: { virtualNum: undefined, areaCode: '0755', areaMatchMode: '1' },
    answers: { virtualNum: X2 },
  },
  {
    rows: 'axe.bind.areaMatchMode.lenient',
    what: '1 takes any X in the end',
    given: [{ bindNum: A }, { virtualNum: X2 }],
    bind: { virtualNum: undefined, areaCode: '0755', areaMatchMode: 1 },
    answers: { virtualNum: BEIJING_X },
  },
  {
    rows: 'axe.bind.areaMatchMode.values',
    what: 'is 0 or 1',
    bind: { areaMatchMode: '2' },
    verdict: '403 1010002 areaMatchMode',
  },
  {
    rows: 'axe.bind.area.status',
    what: 'an X that takes no binds is not picked',
    bind: { virtualNum: undefined, areaCode: '021' },
    verdict: '403 1012008',
  },
  {
    rows: 'axe.bind.bindNum',
    what: 'A is required',
    bind: { bindNum: undefined },
    verdict: '403 1010002 bindNum',
  },
  {
    rows: 'axe.bind.bindNum',
    what: 'A is not empty',
    bind: { bindNum: '' },
    verdict: '403 1010002 bindNum',
  },
  {
    rows: 'axe.bind.bindNum',
    what: 'A must be in global form',
    bind: { bindNum: '13800000021' },
    verdict: '403 1010002 bindNum',
  },
  { rows: 'axe.bind.bindNum.fixed', what: 'A may be a fixed line', bind: { bindNum: FIXED } },
  {
    rows: 'axe.bind.bindNum.bindable',
    what: 'A is no service number',
    bind: { bindNum: '+864001234567' },
    verdict: '403 1010002 bindNum',
  },
  {
    rows: 'axe.bind.bindNum.bindable',
    what: 'A is of an allowed country',
    bind: { bindNum: '+12025550123' },
    verdict: '403 1010002 bindNum',
  },
  {
    rows: 'axe.bind.bindNum.not-x',
    what: 'A is not X',
    bind: { bindNum: X },
    verdict: '403 1010002 bindNum',
  },
  {
    rows: 'axe.bind.extendNum axe.ext.wanted axe.ext.leading-zeros',
    what: 'the customer may choose the extension',
    bind: { extendNum: '0042' },
    answers: { extendNum: '0042' },
    shows: { extendNum: '0042' },
  },
  {
    rows: 'axe.bind.extendNum axe.ext.platform-chooses',
    what: 'an empty one is the platform’s choice',
    bind: { extendNum: '' },
    answers: { extendNum: '0001' },
  },
  {
    rows: 'axe.ext.type axe.ext.wrong-length',
    what: 'has at most four digits',
    bind: { extendNum: '00001' },
    verdict: '403 1010002 extendNum',
  },
  {
    rows: 'axe.ext.wrong-length',
    what: 'has exactly the digits of the app',
    bind: { extendNum: '001' },
    verdict: '403 1010002 extendNum',
  },
  {
    rows: 'axe.ext.wrong-length',
    what: 'is not longer than the app says',
    app: withAxe({ extensionLength: 2 }),
    bind: { extendNum: '001' },
    verdict: '403 1010002 extendNum',
  },
  {
    rows: 'axe.ext.digits',
    what: 'is digits alone',
    bind: { extendNum: '12a4' },
    verdict: '403 1010002 extendNum',
  },
  {
    rows: 'axe.ext.range-1',
    what: 'one digit',
    app: ONE_DIGIT,
    bind: {},
    answers: { extendNum: '1' },
  },
  {
    rows: 'axe.ext.range-2',
    what: 'two digits',
    app: withAxe({ extensionLength: 2 }),
    bind: {},
    answers: { extendNum: '01' },
  },
  {
    rows: 'axe.ext.range-3',
    what: 'three digits',
    app: withAxe({ extensionLength: 3 }),
    bind: {},
    answers: { extendNum: '001' },
  },
  {
    rows: 'axe.ext.range-4 axe.ext.default-length',
    what: 'four digits unless the app says otherwise',
    app: withAxe({}),
    bind: {},
    answers: { extendNum: '0001' },
  },
  {
    rows: 'axe.ext.zeros-on-request',
    what: 'all zeros is given to who asks for it',
    bind: { extendNum: '0000' },
    answers: { extendNum: '0000' },
  },
  {
    rows: 'axe.ext.taken axe.error.1020167',
    what: 'an extension that is in use',
    given: [{ extendNum: '0007' }],
    bind: { bindNum: B, extendNum: '0007' },
    verdict: '403 1020167',
    answers: { resultdesc: 'No idle extend Number.' },
  },
  {
    rows: 'axe.ext.taken axe.bind.extendNum.area',
    what: 'in use on every X of the area',
    given: [{ extendNum: '0007' }],
    bind: { virtualNum: undefined, areaCode: '0755', bindNum: B, extendNum: '0007' },
    verdict: '403 1020167',
  },
  {
    rows: 'axe.bind.extendNum.area',
    what: 'an X of the area where it is free',
    given: [{ extendNum: '0007' }],
    bind: { virtualNum: undefined, areaCode: '0755', areaMatchMode: '1', bindNum: B, extendNum: '0007' },
    answers: { virtualNum: X2, extendNum: '0007' },
  },
  {
    rows: 'axe.bind.displayNumMode',
    what: 'nothing is shown of what was never set',
    bind: {},
    shows: { displayNumMode: undefined },
  },
  {
    rows: 'axe.bind.displayNumMode',
    what: '0 as text',
    bind: { displayNumMode: '0' },
    shows: { displayNumMode: '0' },
  },
  {
    rows: 'axe.bind.displayNumMode',
    what: '0 as a number',
    bind: { displayNumMode: 0 },
    shows: { displayNumMode: '0' },
  },
  {
    rows: 'axe.bind.displayNumMode',
    what: 'is 0 or 1',
    bind: { displayNumMode: '2' },
    verdict: '403 1010002 displayNumMode',
  },
  {
    rows: 'axe.bind.displayNumMode.real axe.error.1020178',
    what: '1 is refused',
    bind: { displayNumMode: '1' },
    verdict: '403 1020178',
    answers: { resultdesc: 'The transparent mode is not allowed.' },
  },
  {
    rows: 'axe.bind.displayNumMode.real',
    what: '1 is taken when the app may show the real caller',
    app: { realCallerDisplay: true },
    bind: { displayNumMode: '1' },
    shows: { displayNumMode: '1' },
  },
  {
    rows: 'axe.bind.recordFlag',
    what: 'is false by default',
    bind: {},
    shows: { recordFlag: 'false' },
  },
  { rows: 'axe.bind.recordFlag', what: 'true', bind: { recordFlag: 'true' }, shows: { recordFlag: 'true' } },
  {
    rows: 'axe.bind.recordFlag',
    what: 'a JSON boolean',
    bind: { recordFlag: true },
    shows: { recordFlag: 'true' },
  },
  {
    rows: 'axe.bind.recordFlag',
    what: 'true or false',
    bind: { recordFlag: 'yes' },
    verdict: '403 1010002 recordFlag',
  },
  {
    rows: 'axe.bind.recordFlag.app axe.error.1012012',
    what: 'true while the app does not record',
    app: { recordingEnabled: false },
    bind: { recordFlag: 'true' },
    verdict: '403 1012012',
  },
  {
    rows: 'axe.bind.recordFlag.app',
    what: 'false needs no recording',
    app: { recordingEnabled: false },
    bind: { recordFlag: 'false' },
  },
  {
    rows: 'axe.bind.recordHintTone',
    what: 'a file of the account',
    bind: { recordFlag: true, recordHintTone: 'hint.wav' },
    shows: { recordHintTone: 'hint.wav' },
  },
  {
    rows: 'axe.bind.recordHintTone axe.error.tone',
    what: 'a file that is not approved',
    bind: { recordFlag: true, recordHintTone: 'hint.mp3' },
    verdict: '403 1010002 recordHintTone',
  },
  {
    rows: 'axe.bind.recordHintTone',
    what: 'at most 128 characters',
    bind: { recordHintTone: `${'h'.repeat(125)}.wav` },
    verdict: '403 1010002 recordHintTone',
  },
  {
    rows: 'axe.bind.callbackTone',
    what: 'a file of the account',
    bind: { callbackTone: 'back.wav' },
    shows: { callbackTone: 'back.wav' },
  },
  {
    rows: 'axe.bind.callbackTone axe.error.tone',
    what: 'a file that is not approved',
    bind: { callbackTone: 'back.mp3' },
    verdict: '403 1010002 callbackTone',
  },
  {
    rows: 'axe.bind.callbackTone',
    what: 'at most 128 characters',
    bind: { callbackTone: `${'b'.repeat(125)}.wav` },
    verdict: '403 1010002 callbackTone',
  },
  {
    rows: 'axe.bind.callbackNum',
    what: 'a number in global form',
    bind: { callbackNum: FIXED },
    shows: { callbackNum: FIXED },
  },
  {
    rows: 'axe.bind.callbackNum',
    what: 'no other form',
    bind: { callbackNum: '075528000001' },
    verdict: '403 1010002 callbackNum',
  },
  {
    rows: 'axe.bind.callbackNum',
    what: 'neither A nor X itself',
    bind: { callbackNum: A },
    verdict: '403 1010002 callbackNum',
  },
  {
    rows: 'axe.bind.callback-both',
    what: 'tone and number must not come together',
    bind: both,
    verdict: '403 1010002 callbackTone',
  },
  {
    rows: 'axe.bind.callback-both',
    what: 'an empty one is not there',
    bind: { callbackTone: 't.wav', callbackNum: '' },
    shows: { callbackTone: 't.wav', callbackNum: undefined },
  },
  {
    rows: 'axe.bind.timeUnit axe.query.timeUnit',
    what: 'hours unless said otherwise',
    bind: { bindExpiredTime: 24 },
    shows: { timeUnit: '0', bindExpiredTime: 24 },
  },
  {
    rows: 'axe.bind.timeUnit',
    what: 'minutes',
    bind: { timeUnit: '1', bindExpiredTime: 90 },
    shows: { timeUnit: '1', bindExpiredTime: 90 },
  },
  {
    rows: 'axe.bind.timeUnit',
    what: 'is 0 or 1',
    bind: { timeUnit: '2' },
    verdict: '403 1010002 timeUnit',
  },
  {
    rows: 'axe.bind.bindExpiredTime.range',
    what: 'to 720 hours',
    bind: { bindExpiredTime: 720 },
    shows: { bindExpiredTime: 720 },
  },
  {
    rows: 'axe.bind.bindExpiredTime.range',
    what: 'not 721 hours',
    bind: { bindExpiredTime: 721 },
    verdict: '403 1010002 bindExpiredTime',
  },
  {
    rows: 'axe.bind.bindExpiredTime.range',
    what: 'to 43200 minutes, as text too',
    bind: { timeUnit: 1, bindExpiredTime: '43200' },
    shows: { timeUnit: '1', bindExpiredTime: 43_200 },
  },
  {
    rows: 'axe.bind.bindExpiredTime.range',
    what: 'not 43201 minutes',
    bind: { timeUnit: '1', bindExpiredTime: 43_201 },
    verdict: '403 1010002 bindExpiredTime',
  },
  {
    rows: 'axe.bind.bindExpiredTime.range',
    what: 'not below 0',
    bind: { bindExpiredTime: -1 },
    verdict: '403 1010002 bindExpiredTime',
  },
  {
    rows: 'axe.bind.bindExpiredTime.range',
    what: 'whole',
    bind: { bindExpiredTime: 1.5 },
    verdict: '403 1010002 bindExpiredTime',
  },
  {
    rows: 'axe.bind.bindExpiredTime.default',
    what: 'what was never set is not shown',
    bind: {},
    shows: { timeUnit: undefined, bindExpiredTime: undefined },
  },
  {
    rows: 'axe.bind.bindExpiredTime.zero',
    what: '0 is shown as given',
    bind: { bindExpiredTime: 0 },
    shows: { bindExpiredTime: 0 },
  },
  {
    rows: 'axe.bind.callbackExpiredTime.range',
    what: 'to 720 hours',
    bind: { callbackExpiredTime: 720 },
    shows: { timeUnit: '0', callbackExpiredTime: 720 },
  },
  {
    rows: 'axe.bind.callbackExpiredTime.range',
    what: 'not 721 hours',
    bind: { callbackExpiredTime: 721 },
    verdict: '403 1010002 callbackExpiredTime',
  },
  {
    rows: 'axe.bind.callbackExpiredTime.range',
    what: 'not 43201 minutes',
    bind: { timeUnit: '1', callbackExpiredTime: 43_201 },
    verdict: '403 1010002 callbackExpiredTime',
  },
  {
    rows: 'axe.bind.userData',
    what: 'is kept',
    bind: { userData: 'order-7' },
    shows: { userData: 'order-7' },
  },
  {
    rows: 'axe.bind.userData',
    what: 'at most 256 characters',
    bind: { userData: 'u'.repeat(257) },
    verdict: '403 1010002 userData',
  },
  {
    rows: 'axe.bind.userData.braces',
    what: 'no braces',
    bind: { userData: '{"a":1}' },
    verdict: '403 1010002 userData',
  },
  {
    rows: 'axe.bind.userData.braces',
    what: 'unless the app is known to send them',
    app: { lenientUserData: true },
    bind: { userData: '{"a":1}' },
    shows: { userData: '{"a":1}' },
  },
  { rows: 'axe.bind.null', what: 'JSON null is not given', bind: { callbackNum: null, extendNum: null } },
  {
    rows: 'axe.bind.unknown',
    what: 'unknown members are ignored',
    bind: { maxDuration: 5, privateSms: 'true', lastMinVoice: 'l.wav' },
    shows: { maxDuration: undefined, privateSms: undefined, lastMinVoice: undefined },
  },
  {
    rows: 'axe.bind.same-a axe.error.1016002 axe.model.one-extension-per-x',
    what: 'the same A on the same X',
    given: [{}],
    bind: {},
    verdict: '403 1016002',
    answers: { resultdesc: 'The record already exists.' },
  },
  {
    rows: 'axe.bind.same-a',
    what: 'whatever extension it asks for',
    given: [{}],
    bind: { extendNum: '0009' },
    verdict: '403 1016002',
  },
  {
    rows: 'axe.model.one-extension-per-x',
    what: 'another extension of A needs another X',
    given: [{}],
    bind: { virtualNum: X2 },
    answers: { extendNum: '0001' },
  },
  {
    rows: 'axe.model.shared-x',
    what: 'many A share one X',
    given: [{}, { bindNum: B }],
    bind: { bindNum: C },
    answers: { virtualNum: X, extendNum: '0003' },
  },
  {
    rows: 'axe.error.1012001',
    what: 'X of another app',
    bind: { virtualNum: FOREIGN_X },
    verdict: '403 1012001',
    answers: { resultdesc: 'Resource of number is not to be applied.' },
  },
  {
    rows: 'axe.error.1012001',
    what: 'X of nobody',
    bind: { virtualNum: UNKNOWN_X },
    verdict: '403 1012001',
  },
  {
    rows: 'axe.error.1012102',
    what: 'X whose binding is frozen',
    bind: { virtualNum: FROZEN_X },
    verdict: '403 1012102',
  },
  {
    rows: 'axe.error.1012102',
    what: 'X that is suspended',
    bind: { virtualNum: SUSPENDED_X },
    verdict: '403 1012102',
  },
  {
    rows: 'axe.error.1012102',
    what: 'X that cannot be used',
    bind: { virtualNum: UNUSABLE_X },
    verdict: '403 1012102',
  },
  {
    rows: 'axe.mode',
    what: 'an app of another mode may not call',
    app: { mode: 'AXB' },
    bind: {},
    verdict: '403 1010040',
  },
]

const UNBIND: readonly Case[] = [
  { rows: 'axe.unbind.subscriptionId axe.unbind.answer', what: 'by id', unbind: { subscriptionId: '$id' } },
  { rows: 'axe.unbind.virtualNum axe.unbind.extendNum', what: 'by X and extension', unbind: onPair },
  {
    rows: 'axe.unbind.virtualNum',
    what: 'a blank counts as the + that form decoding took',
    unbind: { ...onPair, virtualNum: X.replace('+', ' ') },
  },
  {
    rows: 'axe.unbind.empty habit.9.axe',
    what: 'by id with the rest empty',
    unbind: { subscriptionId: '$id', virtualNum: '', extendNum: '' },
  },
  {
    rows: 'axe.unbind.empty habit.9.axe',
    what: 'by X and extension with an empty id',
    unbind: { subscriptionId: '', ...onPair },
  },
  {
    rows: 'axe.unbind.subscriptionId-wins',
    what: 'the id wins, whatever stands beside it',
    unbind: { subscriptionId: '$id', virtualNum: 'nonsense', extendNum: 'x' },
  },
  {
    rows: 'axe.unbind.subscriptionId-wins',
    what: 'a wrong id with a right pair',
    unbind: { subscriptionId: NO_ID, ...onPair },
    verdict: '403 1016001',
  },
  {
    rows: 'axe.unbind.key-required',
    what: 'nothing given',
    unbind: {},
    verdict: '403 1010002 subscriptionId',
  },
  {
    rows: 'axe.unbind.key-required',
    what: 'everything empty',
    unbind: { subscriptionId: '', virtualNum: '', extendNum: '' },
    verdict: '403 1010002 subscriptionId',
  },
  {
    rows: 'axe.unbind.virtualNum',
    what: 'X needs an extension',
    unbind: { virtualNum: X },
    verdict: '403 1010002 extendNum',
  },
  {
    rows: 'axe.unbind.extendNum',
    what: 'an extension needs X',
    unbind: { extendNum: '0001', virtualNum: '' },
    verdict: '403 1010002 virtualNum',
  },
  {
    rows: 'axe.unbind.extendNum',
    what: 'of the length of the app',
    unbind: { virtualNum: X, extendNum: '1' },
    verdict: '403 1010002 extendNum',
  },
  {
    rows: 'axe.unbind.subscriptionId',
    what: 'at most 64 characters',
    unbind: { subscriptionId: 'i'.repeat(65) },
    verdict: '403 1010002 subscriptionId',
  },
  {
    rows: 'axe.unbind.not-found axe.error.1016001',
    what: 'an extension that nobody has',
    unbind: { virtualNum: X, extendNum: '0002' },
    verdict: '403 1016001',
    answers: { resultdesc: 'The record does not exist.' },
  },
  {
    rows: 'axe.error.1012001.key',
    what: 'X of another app',
    unbind: { virtualNum: FOREIGN_X, extendNum: '0001' },
    verdict: '403 1012001',
  },
].map((one) => ({ given: [{}], ...one }))

const MODIFY: readonly Case[] = [
  {
    rows: 'axe.modify.subscriptionId axe.modify.answer',
    what: 'by id',
    modify: { subscriptionId: '$id', userData: 'u' },
    shows: { userData: 'u' },
  },
  {
    rows: 'axe.modify.virtualNum axe.modify.extendNum',
    what: 'by X and extension',
    modify: { ...onPair, userData: 'u' },
    shows: { userData: 'u', extendNum: '0001' },
  },
  {
    rows: 'axe.modify.subscriptionId-wins',
    what: 'the id wins over the pair',
    given: [{}, { bindNum: B }],
    modify: { subscriptionId: '$id', virtualNum: X, extendNum: '0002', userData: 'u' },
    shows: { userData: 'u', extendNum: '0001' },
  },
  {
    rows: 'axe.modify.subscriptionId',
    what: 'an empty or null id is not given',
    modify: { ...onPair, subscriptionId: null, userData: 'u' },
    shows: { userData: 'u' },
  },
  {
    rows: 'axe.modify.key-required',
    what: 'nothing given',
    modify: { userData: 'u' },
    verdict: '403 1010002 subscriptionId',
  },
  {
    rows: 'axe.modify.virtualNum',
    what: 'X needs an extension',
    modify: { virtualNum: X },
    verdict: '403 1010002 extendNum',
  },
  {
    rows: 'axe.modify.extendNum',
    what: 'an extension needs X',
    modify: { extendNum: '0001' },
    verdict: '403 1010002 virtualNum',
  },
  {
    rows: 'axe.modify.absent-unchanged',
    what: 'what is absent stays',
    given: [
      {
        recordFlag: true,
        recordHintTone: 'h.wav',
        callbackNum: C,
        displayNumMode: '0',
        timeUnit: '1',
        bindExpiredTime: 60,
        callbackExpiredTime: 30,
        userData: 'u',
      },
    ],
    modify: { subscriptionId: '$id' },
    shows: {
      recordFlag: 'true',
      recordHintTone: 'h.wav',
      callbackNum: C,
      displayNumMode: '0',
      timeUnit: '1',
      bindExpiredTime: 60,
      callbackExpiredTime: 30,
      userData: 'u',
    },
  },
  {
    rows: 'axe.modify.displayNumMode',
    what: '0',
    modify: { subscriptionId: '$id', displayNumMode: '0' },
    shows: { displayNumMode: '0' },
  },
  {
    rows: 'axe.modify.displayNumMode axe.error.1020178',
    what: '1 is refused',
    modify: { subscriptionId: '$id', displayNumMode: '1' },
    verdict: '403 1020178',
  },
  {
    rows: 'axe.modify.displayNumMode',
    what: '1 when the app may',
    app: { realCallerDisplay: true },
    modify: { subscriptionId: '$id', displayNumMode: 1 },
    shows: { displayNumMode: '1' },
  },
  {
    rows: 'axe.modify.recordFlag',
    what: 'a new value',
    modify: { subscriptionId: '$id', recordFlag: 'true' },
    shows: { recordFlag: 'true' },
  },
  {
    rows: 'axe.modify.recordFlag axe.error.1012012',
    what: 'true while the app does not record',
    app: { recordingEnabled: false },
    modify: { subscriptionId: '$id', recordFlag: 'true' },
    verdict: '403 1012012',
  },
  {
    rows: 'axe.modify.recordHintTone',
    what: 'a new file',
    given: [{ recordHintTone: 'h.wav' }],
    modify: { subscriptionId: '$id', recordHintTone: 'i.wav' },
    shows: { recordHintTone: 'i.wav' },
  },
  {
    rows: 'axe.modify.recordHintTone',
    what: 'an empty one changes nothing',
    given: [{ recordHintTone: 'h.wav' }],
    modify: { subscriptionId: '$id', recordHintTone: '' },
    shows: { recordHintTone: 'h.wav' },
  },
  {
    rows: 'axe.modify.recordHintTone axe.error.tone',
    what: 'a file that is not approved',
    modify: { subscriptionId: '$id', recordHintTone: 'i.mp3' },
    verdict: '403 1010002 recordHintTone',
  },
  {
    rows: 'axe.modify.callbackTone',
    what: 'a new file',
    modify: { subscriptionId: '$id', callbackTone: 't.wav' },
    shows: { callbackTone: 't.wav' },
  },
  {
    rows: 'axe.modify.callbackTone',
    what: 'empty clears',
    given: [{ callbackTone: 't.wav' }],
    modify: { subscriptionId: '$id', callbackTone: '' },
    shows: { callbackTone: undefined },
  },
  {
    rows: 'axe.modify.callbackTone axe.error.tone',
    what: 'a file that is not approved',
    modify: { subscriptionId: '$id', callbackTone: 't.mp3' },
    verdict: '403 1010002 callbackTone',
  },
  {
    rows: 'axe.modify.callbackNum',
    what: 'a new number',
    modify: { subscriptionId: '$id', callbackNum: C },
    shows: { callbackNum: C },
  },
  {
    rows: 'axe.modify.callbackNum',
    what: 'empty clears, and a tone may come instead',
    given: [{ callbackNum: C }],
    modify: { subscriptionId: '$id', callbackNum: '', callbackTone: 't.wav' },
    shows: { callbackNum: undefined, callbackTone: 't.wav' },
  },
  {
    rows: 'axe.modify.callbackNum',
    what: 'neither A nor X itself',
    modify: { subscriptionId: '$id', callbackNum: X },
    verdict: '403 1010002 callbackNum',
  },
  {
    rows: 'axe.modify.callbackNum-wins',
    what: 'of both the number counts',
    modify: { subscriptionId: '$id', ...both },
    shows: { callbackNum: B, callbackTone: undefined },
  },
  {
    rows: 'axe.modify.timeUnit',
    what: 'is 0 or 1',
    modify: { subscriptionId: '$id', timeUnit: '3' },
    verdict: '403 1010002 timeUnit',
  },
  {
    rows: 'axe.modify.timeUnit',
    what: 'the unit of the binding when absent',
    given: [{ timeUnit: '1', bindExpiredTime: 5 }],
    modify: { subscriptionId: '$id', bindExpiredTime: 43_200 },
  },
  {
    rows: 'axe.modify.bindExpiredTime axe.modify.timeUnit',
    what: 'not above 720 hours',
    modify: { subscriptionId: '$id', bindExpiredTime: 721 },
    verdict: '403 1010002 bindExpiredTime',
  },
  {
    rows: 'axe.modify.quirk axe.query.bindExpiredTime axe.query.timeUnit',
    what: 'the query goes on to show what the bind gave',
    given: [{ bindExpiredTime: 24 }],
    modify: { subscriptionId: '$id', timeUnit: '1', bindExpiredTime: 90 },
    shows: { timeUnit: '0', bindExpiredTime: 24 },
  },
  {
    rows: 'axe.modify.quirk',
    what: 'and what the modify gave when the bind gave nothing',
    modify: { subscriptionId: '$id', timeUnit: '1', bindExpiredTime: 90 },
    shows: { timeUnit: '1', bindExpiredTime: 90 },
  },
  {
    rows: 'axe.modify.callbackExpiredTime',
    what: 'a new life of records',
    given: [{ callbackExpiredTime: 24 }],
    modify: { subscriptionId: '$id', callbackExpiredTime: 48 },
    shows: { callbackExpiredTime: 48 },
  },
  {
    rows: 'axe.modify.callbackExpiredTime',
    what: 'not above 720 hours',
    modify: { subscriptionId: '$id', callbackExpiredTime: 721 },
    verdict: '403 1010002 callbackExpiredTime',
  },
  {
    rows: 'axe.modify.userData',
    what: 'no braces',
    modify: { subscriptionId: '$id', userData: 'a}' },
    verdict: '403 1010002 userData',
  },
  {
    rows: 'axe.modify.userData',
    what: 'no ^ either',
    modify: { subscriptionId: '$id', userData: 'a^b' },
    verdict: '403 1010002 userData',
  },
  {
    rows: 'axe.modify.bindNum',
    what: 'A stays',
    modify: { subscriptionId: '$id', bindNum: B },
    shows: { bindNum: A },
  },
  {
    rows: 'axe.modify.not-found axe.error.1016001',
    what: 'an id of nobody',
    modify: { subscriptionId: NO_ID },
    verdict: '403 1016001',
  },
  {
    rows: 'axe.error.1012001.key',
    what: 'X of another app',
    modify: { virtualNum: FOREIGN_X, extendNum: '0001' },
    verdict: '403 1012001',
  },
].map((one) => ({ given: [{}], ...one }))

const FULL = {
  displayNumMode: '0',
  recordFlag: 'true',
  recordHintTone: 'h.wav',
  callbackTone: 't.wav',
  timeUnit: '1',
  bindExpiredTime: 600,
  callbackExpiredTime: 30,
  userData: 'u',
}

const QUERY: readonly Case[] = [
  {
    rows:
      'axe.query.subscriptionId axe.query.answer.resultcode axe.query.answer.subscriptionId axe.query.answer.virtualNum ' +
      'axe.query.answer.extendNum axe.query.answer.bindNum axe.query.answer.displayNumMode axe.query.answer.recordFlag ' +
      'axe.query.answer.recordHintTone axe.query.answer.callbackTone axe.query.answer.timeUnit ' +
      'axe.query.answer.bindExpiredTime axe.query.answer.callbackExpiredTime axe.query.answer.userData axe.query.flat',
    what: 'every field, flat',
    given: [FULL],
    query: { subscriptionId: '$id' },
    answers: {
      resultcode: '0',
      resultdesc: 'Success',
      subscriptionId: '$id',
      virtualNum: X,
      extendNum: '0001',
      bindNum: A,
      ...FULL,
      callbackNum: undefined,
    },
  },
  {
    rows: 'axe.query.answer.callbackNum',
    what: 'the number called back',
    given: [{ callbackNum: C }],
    query: { subscriptionId: '$id' },
    answers: { callbackNum: C },
  },
  {
    rows: 'axe.query.omit',
    what: 'what was never set is left out',
    query: { subscriptionId: '$id' },
    answers: {
      displayNumMode: undefined,
      recordHintTone: undefined,
      callbackTone: undefined,
      callbackNum: undefined,
      timeUnit: undefined,
      bindExpiredTime: undefined,
      callbackExpiredTime: undefined,
      userData: undefined,
    },
  },
  {
    rows: 'axe.query.virtualNum axe.query.extendNum',
    what: 'by X and extension',
    query: onPair,
    answers: { subscriptionId: '$id' },
  },
  {
    rows: 'axe.query.empty habit.9.axe',
    what: 'unused members may be empty',
    query: { subscriptionId: '', ...onPair },
    answers: { subscriptionId: '$id' },
  },
  {
    rows: 'axe.query.subscriptionId-wins',
    what: 'the id wins',
    given: [{}, { bindNum: B }],
    query: { subscriptionId: '$id', virtualNum: X, extendNum: '0002' },
    answers: { extendNum: '0001' },
  },
  {
    rows: 'axe.query.key-required',
    what: 'nothing given',
    query: {},
    verdict: '403 1010002 subscriptionId',
  },
  {
    rows: 'axe.query.virtualNum',
    what: 'X needs an extension: one binding, no list',
    query: { virtualNum: X },
    verdict: '403 1010002 extendNum',
  },
  {
    rows: 'axe.query.not-found axe.error.1016001',
    what: 'an id of nobody',
    query: { subscriptionId: NO_ID },
    verdict: '403 1016001',
  },
  {
    rows: 'axe.error.1012001.key',
    what: 'X of another app',
    query: { virtualNum: FOREIGN_X, extendNum: '0001' },
    verdict: '403 1012001',
  },
].map((one) => ({ given: [{}], ...one }))

const LIST: readonly Case[] = [
  {
    rows: 'axe.list.virtualNum',
    what: 'X is required for a list',
    list: {},
    verdict: '403 1010002 subscriptionId',
  },
  {
    rows: 'axe.list.virtualNum axe.error.1012001.key',
    what: 'X of another app',
    list: { virtualNum: FOREIGN_X },
    verdict: '403 1012001',
  },
  {
    rows: 'axe.list.not-found',
    what: 'X without bindings',
    list: { virtualNum: X2 },
    verdict: '403 1016001',
  },
  {
    rows: 'axe.list.extendNum',
    what: 'an extension that nobody has',
    list: { virtualNum: X, extendNum: '0002' },
    verdict: '403 1016001',
  },
  {
    rows: 'axe.list.cursor.pattern',
    what: 'thirteen digits, _, and up to twenty',
    list: { virtualNum: X, cursor: '0000000000000' },
    verdict: '403 1010002 cursor',
  },
  {
    rows: 'axe.list.cursor.pattern',
    what: 'not twenty-one',
    list: { virtualNum: X, cursor: `0000000000000_${'1'.repeat(21)}` },
    verdict: '403 1010002 cursor',
  },
  {
    rows: 'axe.list.cursor.end',
    what: 'behind the last there is nothing, which is no fault',
    list: { virtualNum: X, cursor: `0000000000000_${'9'.repeat(20)}` },
    answers: { bindings: [], nextCursor: undefined, nextCusor: undefined },
  },
  {
    rows: 'axe.list.limit',
    what: 'at least 1',
    list: { virtualNum: X, limit: '0' },
    verdict: '403 1010002 limit',
  },
  {
    rows: 'axe.list.limit',
    what: 'at most 100',
    list: { virtualNum: X, limit: '101' },
    verdict: '403 1010002 limit',
  },
  {
    rows: 'axe.list.limit',
    what: 'empty counts as absent',
    list: { virtualNum: X, limit: '', cursor: '', extendNum: '', subscriptionId: '' },
  },
].map((one) => ({ given: [{}], ...one }))

async function run(api: AxeApi, one: Case, scheme: Scheme): Promise<void> {
  await api.reset(one.app)
  let first: string | undefined
  for (const members of one.given ?? [])
    first = [first, (await api.bound(members)).subscriptionId].find(Boolean)
  const named = (members: Members): Members =>
    Object.fromEntries(
      Object.entries(members).map(([name, value]) => [name, value === '$id' ? first : value]),
    )
  const operation = (['bind', 'unbind', 'modify', 'query', 'list'] as const).find((name) => one[name])!
  const members = named(one[operation]!)
  const reply = await (operation === 'bind'
    ? api.bind(members, scheme)
    : api.call(operation, members, scheme))
  assert.equal(verdictOf(reply), one.verdict ?? '200 0')
  for (const [name, value] of Object.entries(named(one.answers ?? {})))
    assert.deepEqual(reply.json[name], value, name)
  if (!one.shows) return
  const info = await api.infoOf(operation === 'bind' ? String(reply.json['subscriptionId']) : first!)
  for (const [name, value] of Object.entries(one.shows)) assert.deepEqual(info[name], value, name)
}

const titleOf = ({ rows, what }: Case): string => `${rows.replace(/\S+/g, '[$&]')} ${what}`

eachEngine(({ name, open }) => {
  /** How a request is signed has nothing to do with the engine. */
  const schemes: readonly Scheme[] = name === 'SQLite' ? ['AKSK', 'WSSE'] : ['AKSK']
  let api: AxeApi
  before(async () => {
    api = await startAxeApi(open)
  })
  after(() => api.close())

  for (const [operation, cases] of Object.entries({ BIND, UNBIND, MODIFY, QUERY, LIST })) {
    describe(`AXE ${operation.toLowerCase()} (spec/axe.md)`, () => {
      for (const one of cases) {
        it(titleOf(one), async () => {
          for (const scheme of schemes) await run(api, one, scheme)
        })
      }
    })
  }
})
