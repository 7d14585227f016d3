import { flag, list, members, type Schema, text } from './operation.ts'

/** What an operator may set of an app, by the names of tenants/app.ts (spec/console.md section 3.1). */

const URL_TEXT = { maxLength: 2048 }
const HOUR = String.raw`^([01]\d|2[0-3]):[0-5]\d$`
const NUMBER = String.raw`^\+[1-9]\d{4,30}$`
const tone = (about: string): Schema => text(`announcement file: ${about}`, { maxLength: 128 })
const number = (about: string): Schema => text(about, { pattern: NUMBER, examples: ['+8613800000021'] })
const choice = (about: string, ...values: readonly string[]): Schema => text(about, { enum: values })
const whole = (about: string, minimum: number, maximum: number): Schema => ({
  type: 'integer',
  minimum,
  maximum,
  description: about,
})

const words = (about: string): Schema => ({
  ...list(text('a word', { minLength: 1, maxLength: 64 }), about),
  maxItems: 10_000,
})

const cap = members({
  perMinute: whole('calls a minute', 0, 1_000_000),
  perDay: whole('calls a day', 0, 100_000_000),
})

const AXE = {
  promptTone: tone('asks for the extension; default extension_prompt.wav'),
  wrongTone: tone('after a wrong extension while attempts are left; default the prompt'),
  wrongEndTone: tone('before hanging up after a wrong extension'),
  emptyEndTone: tone('before hanging up when nothing was keyed; default wrongEndTone'),
  waitingTone: tone('to the caller while A is being reached'),
  repeatCount: whole('how often the extension is asked for again (重复收号次数); default 2', 0, 3),
  noCallbackTone: tone('to A without a call-back record, when the binding says nothing'),
  noCallbackNumber: number('whom A reaches then instead'),
}
const CONTROLS = {
  blockedCallees: list(number('number'), 'numbers that may not be called (7004) nor get SMS'),
  blockedCallers: list(number('number'), 'numbers that may not call (7005) nor send SMS'),
  caps: members({ account: cap, app: cap, display: cap, caller: cap, callee: cap, dialled: cap }),
  hours: list(
    members(
      { from: text('HH:MM', { pattern: HOUR }), to: text('HH:MM', { pattern: HOUR }) },
      { required: ['from', 'to'] },
    ),
    'times of day when calls are allowed (8050 outside)',
  ),
  zone: text('time zone of the hours, IANA name; default Asia/Shanghai', { maxLength: 64 }),
}

const SETTINGS = {
  status: choice('suspended: the API and calls are refused', 'normal', 'suspended'),
  accountStatus: choice('of the account with all its apps', 'active', 'frozen'),
  name: text('Chinese, letters, digits, underscore', {
    minLength: 1,
    maxLength: 64,
    pattern: String.raw`^[\p{Script=Han}A-Za-z0-9_]+$`,
  }),
  recordingEnabled: flag('是否开通录音'),
  smsEnabled: flag('是否开通短信'),
  allowFixedLineCaller: flag('fixed lines may call X (8023 otherwise)'),
  lenientUserData: flag('userData may hold braces'),
  ipAllowlist: list(text('address or CIDR'), 'who may call the API; empty: everybody'),
  pushSignature: choice('header of the pushes', 'aksk', 'wsse', 'aksk+x-wsse'),
  verifyPushCertificate: flag('check the certificate of the customer’s server'),
}
const REMOVABLE = {
  statusUrl: text('呼叫状态接收地址', URL_TEXT),
  callinUrl: text('callin events only', URL_TEXT),
  cdrUrl: text('呼叫话单接收地址', URL_TEXT),
  pushNumberStatus: flag('是否推送X号码状态'),
  numberStatusUrl: text('X号码状态接收地址; default statusUrl', URL_TEXT),
  noPermissionTone: tone('业务无权限放音文件'),
  noBindingTone: tone('绑定关系不存在放音文件'),
  exceptionTone: tone('业务异常放音文件'),
  recordingLayout: choice('channels of a recording', 'mixed', 'stereo'),
  realCallerDisplay: flag('a bind may ask to show the real caller'),
  memoryCallback: flag('AX: 记忆回呼'),
  smsNotifyUrl: text('短信通知地址; default: no Notify', URL_TEXT),
  smsControlUrl: text('短信控制地址, for Block in AX and X', URL_TEXT),
  smsContentInNotify: flag('pushes of SMS carry the text (smsContent)'),
  smsAreaCode: flag('pushes of SMS carry the city code of X (areaCode)'),
  smsUserData: flag('pushes of SMS carry the userData of binding or Block answer'),
  smsRequiredWords: words('特征关键词: an SMS must have one of them (12 otherwise)'),
  smsForbiddenWords: words('an SMS may have none of them (13 otherwise)'),
  askTimeoutMs: whole('X mode: the customer’s time for an answer, ms', 100, 60_000),
}

/** As RFC 7396 has it: null removes. */
const orNull = (schema: Schema): Schema => ({
  ...schema,
  type: [schema.type, 'null'],
  ...(Array.isArray(schema.enum) && { enum: [...(schema.enum as unknown[]), null] }),
})
const allOrNull = (schemas: Readonly<Record<string, Schema>>): Readonly<Record<string, Schema>> =>
  Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, orNull(schema)]))

/** Body of a change. */
export const APP_PATCH: Schema = members({
  ...SETTINGS,
  ...allOrNull(REMOVABLE),
  axe: orNull(members(allOrNull(AXE))),
  controls: orNull(members(allOrNull(CONTROLS))),
})

/** Body of a new app. */
export const APP_NEW: Schema = members(
  {
    tenant: text('account; a new one is made', { pattern: '^[A-Za-z0-9_.-]{1,64}$' }),
    mode: choice('业务类型, for good', 'AX', 'AXB', 'AXE', 'AXYB', 'X'),
    key: text('APP_Key; made when left out', { pattern: '^[A-Za-z0-9_-]{1,64}$' }),
    ...SETTINGS,
    ...REMOVABLE,
    axe: members({ extensionLength: whole('digits, for good; default 4', 1, 4), ...AXE }),
    controls: members(CONTROLS),
  },
  { required: ['tenant', 'mode', 'name'] },
)

/** An app as answers show it: real numbers masked, no secret. */
export const APP_VIEW: Schema = members({
  key: text('APP_Key'),
  tenant: text('account'),
  spId: text('account, as CDRs name it'),
  mode: choice('mode', 'AX', 'AXB', 'AXE', 'AXYB', 'X'),
  ...SETTINGS,
  ...REMOVABLE,
  axe: { type: 'object', description: 'as in a change; numbers masked' },
  controls: { type: 'object', description: 'as in a change; numbers masked' },
})
