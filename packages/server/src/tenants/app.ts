import type { E164 } from '../shared/e164.ts'

/** The five modes of an application (业务类型); the mode never changes (spec/auth-and-errors.md section 1). */
export type Mode = 'AX' | 'AXB' | 'AXE' | 'AXYB' | 'X'

/** Header generation used to sign pushes (spec/notifications.md section 2). */
export type PushSignature = 'aksk' | 'wsse' | 'aksk+x-wsse'

/** An application (应用) of a customer: credentials, mode, switches, addresses. `key` is the APP_Key. */
export type App = {
  readonly key: string
  /** APP_Secret in clear; sealed in storage. */
  readonly secret: string
  readonly tenantId: string
  /** Customer account, `spId` of the CDR. */
  readonly spId: string
  readonly name: string
  readonly mode: Mode
  readonly status: 'normal' | 'suspended'
  readonly accountStatus: 'active' | 'frozen'
  readonly recordingEnabled: boolean
  readonly smsEnabled: boolean
  readonly allowFixedLineCaller: boolean
  readonly lenientUserData: boolean
  /** Source addresses or CIDRs that may call the API; empty allows all. */
  readonly ipAllowlist: readonly string[]
  readonly statusUrl?: string
  readonly callinUrl?: string
  readonly cdrUrl?: string
  readonly pushSignature: PushSignature
  readonly verifyPushCertificate: boolean
  /** 是否推送X号码状态; where to, when not to `statusUrl` (spec/number-status.md section 2). Default no push. */
  readonly pushNumberStatus?: boolean
  readonly numberStatusUrl?: string
  /** Announcement file names; absent: no tone (spec/announcements.md section 2). */
  readonly noPermissionTone?: string
  readonly noBindingTone?: string
  readonly exceptionTone?: string
  /** Channels of a recording: one with both parties (default), or one for each. */
  readonly recordingLayout?: 'mixed' | 'stereo'
  /** Whether a bind may ask to show the real caller (1020178 otherwise). Default no. */
  readonly realCallerDisplay?: boolean
  /** AX 记忆回呼: A dialling X without a temporary callee reaches whom it talked with last. Default no. */
  readonly memoryCallback?: boolean
  readonly axe?: AxeSettings
  /** 短信通知地址, for Notify; absent: no Notify (spec/sms.md section 1). */
  readonly smsNotifyUrl?: string
  /** 短信控制地址, for Block in AX and X. */
  readonly smsControlUrl?: string
  /** Whether pushes of SMS carry the text (`smsContent`), the city code of X (`areaCode`), the binding's `userData`. Default no. */
  readonly smsContentInNotify?: boolean
  readonly smsAreaCode?: boolean
  readonly smsUserData?: boolean
  /** 特征关键词: a text must have one of them (12); none: no such rule. */
  readonly smsRequiredWords?: readonly string[]
  /** A text may have none of them (13). */
  readonly smsForbiddenWords?: readonly string[]
  /** X mode: the customer's time for the answer to a callin, ms. Default 5000. */
  readonly askTimeoutMs?: number
  readonly controls?: Controls
}

/** App fields of AXE (spec/console.md section 3.1, announcements.md 3.4). */
export type AxeSettings = {
  /** Digits of an extension, fixed for the app's life. Default 4. */
  readonly extensionLength?: 1 | 2 | 3 | 4
  /** Asks for the extension; default the built-in prompt. */
  readonly promptTone?: string
  /** After a wrong extension while attempts are left; default the prompt. */
  readonly wrongTone?: string
  /** Before hanging up after a wrong extension. */
  readonly wrongEndTone?: string
  /** Before hanging up when nothing was keyed; default `wrongEndTone`. */
  readonly emptyEndTone?: string
  /** To the caller while A is being reached. */
  readonly waitingTone?: string
  /** 重复收号次数, 0 to 3. Default 2. */
  readonly repeatCount?: number
  /** What A hears, or whom A reaches, without a call-back record, when the binding has neither. */
  readonly noCallbackTone?: string
  readonly noCallbackNumber?: E164
}

/** What an operator forbids an application's calls, and how often they may come (spec/codes.md section 2.6). */
export type Controls = {
  /** Numbers that may not be called (7004) and may not call (7005), nor get or send SMS (`sendResult` 8). */
  readonly blockedCallees?: readonly E164[]
  readonly blockedCallers?: readonly E164[]
  /** Calls per minute and per day by kind: 7001 account, 7002 app, 7003 X shown, 8047 caller, 8048 callee, 8049 X dialled. */
  readonly caps?: Partial<Record<CapKind, { readonly perMinute?: number; readonly perDay?: number }>>
  /** Times of day when calls are allowed, local time of `zone` (IANA name, default Asia/Shanghai); outside: 8050. */
  readonly hours?: readonly { readonly from: string; readonly to: string }[]
  readonly zone?: string
}
export type CapKind = 'account' | 'app' | 'display' | 'caller' | 'callee' | 'dialled'

type GivenOfApp = Pick<App, 'key' | 'secret' | 'tenantId' | 'mode'> & Partial<App>

/**
 * A new app as the console makes it: normal, no recording, no SMS, no addresses, and the built-in tones for callers that
 * are refused. What is given wins.
 */
export function newApp(given: GivenOfApp): App {
  return {
    spId: given.tenantId,
    name: given.key,
    status: 'normal',
    accountStatus: 'active',
    recordingEnabled: false,
    smsEnabled: false,
    allowFixedLineCaller: false,
    lenientUserData: false,
    ipAllowlist: [],
    pushSignature: 'aksk',
    verifyPushCertificate: true,
    noBindingTone: 'no_binding.wav',
    noPermissionTone: 'no_permission.wav',
    exceptionTone: 'business_exception.wav',
    ...(given.mode === 'AXE' && { axe: { wrongEndTone: 'extension_wrong_end.wav' } }),
    ...given,
  }
}

export type AppStore = {
  /** App by APP_Key. Implementations may cache; an edit is visible at once on the node that made it. */
  findApp(key: string): Promise<App | undefined>
}
