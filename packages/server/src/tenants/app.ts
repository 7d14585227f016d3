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
  /** Announcement file names; absent: no tone (spec/announcements.md section 2). */
  readonly noPermissionTone?: string
  readonly noBindingTone?: string
  readonly exceptionTone?: string
}

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
    ...given,
  }
}

export type AppStore = {
  /** App by APP_Key. Implementations may cache; an edit is visible at once on the node that made it. */
  findApp(key: string): Promise<App | undefined>
}
