/** A SIP peer that calls come from or go to, as the configuration describes it. */
export type TrunkConfig = {
  readonly name: string
  /** Where calls to real numbers are sent; the first of `peers`. Neither: inbound only. */
  readonly peer?: TrunkPeer
  readonly peers?: readonly TrunkPeer[]
  /** Among trunks, as in SRV (RFC 2782): the lowest is tried first; default 0. */
  readonly priority?: number
  /** Share of the calls among trunks of one priority; default 1, 0 = only when no other is left. */
  readonly weight?: number
  /** Beginnings of the numbers that this trunk reaches, global form; the longest that fits comes first. Default: every number. */
  readonly serves?: readonly string[]

  /** Addresses or CIDRs that calls may come from. */
  readonly allowFrom: readonly string[]
  /** Names, one of which the peer's verified certificate must bear; `*.` for one label. */
  readonly tlsNames?: readonly string[]
  /** Digest credentials we demand from the peer; absent: the other conditions are enough. */
  readonly inboundUsername?: string
  readonly inboundPassword?: string
  /** Digest credentials we give to the peer's 401/407. */
  readonly username?: string
  readonly password?: string
  readonly register?: TrunkRegistration

  /** Form of numbers sent to the peer, where `numbersOut` says nothing else. */
  readonly numberFormat: NumberFormat
  readonly numbersOut?: { readonly caller?: NumberRuleOut; readonly callee?: NumberRuleOut }
  readonly numbersIn?: { readonly caller?: NumberRuleIn; readonly callee?: NumberRuleIn }
  /** Host part of the Request-URI and To; default: the peer's address. */
  readonly domain?: string
  readonly identity?: IdentityPolicy
  /** Headers that tell who calls, in the order they are asked; default P-Asserted-Identity, From. */
  readonly callerFrom?: readonly CallerHeader[]

  /** Speech codecs allowed with this peer, the preferred first; default: those of the other side. */
  readonly codecs?: readonly string[]
  /** How callers of this trunk key digits: after a 200 (default), or in early media, so that they are not charged yet. */
  readonly collectDigits?: 'answered' | 'early'

  /** Calls at a time and calls a second; a number is the total of both directions. Default: no limit. */
  readonly maxChannels?: TrunkLimit
  readonly maxCallsPerSec?: TrunkLimit
  readonly health?: HealthConfig
  /** How long each address of a peer may say nothing at all to an INVITE before the next address or way is tried, ms; default 4000. */
  readonly answerWithinMs?: number
  /** Statuses upon which the next way is tried; default 408, 500, 502, 503, 504. */
  readonly retryOn?: readonly number[]
  /** What a 3xx of the peer does; default refuse. */
  readonly redirects?: 'refuse' | 'follow'
  /** Release codes for answers that this peer uses in its own way, by SIP status and by Q.850 cause. */
  readonly releaseCodes?: {
    readonly byStatus?: Readonly<Record<number, number>>
    readonly byCause?: Readonly<Record<number, number>>
  }
}

export const TRUNK_TRANSPORTS = ['udp', 'tcp', 'tls'] as const
export type TrunkTransport = (typeof TRUNK_TRANSPORTS)[number]

export type TrunkPeer = {
  /** IP address or host name. */
  readonly address: string
  /** Of an address 5060, or 5061 for TLS; a host name without one is looked up by SRV (RFC 3263 §4.2). */
  readonly port?: number
  /** Of an address UDP; a host name without one is looked up by NAPTR (RFC 3263 §4.1). */
  readonly transport?: TrunkTransport
  /** Among the peers of the trunk, as among trunks. */
  readonly priority?: number
  readonly weight?: number
}

/** `+8613800000021`; `8613800000021`; `008613800000021`; `13800000021`, and of fixed lines `075528000001`. */
export const NUMBER_FORMATS = ['e164', 'digits', 'international', 'national'] as const
export type NumberFormat = (typeof NUMBER_FORMATS)[number]

/** First the format, then `strip` off the beginning where it is there, then `prefix` before the rest. */
export type NumberRuleOut = {
  readonly format?: NumberFormat
  readonly strip?: string
  readonly prefix?: string
}

/** First the longest of `strip` that fits is taken off, then `prefix` is put before the rest, which is read as a number dialled. */
export type NumberRuleIn = {
  readonly strip?: readonly string[]
  readonly prefix?: string
  /** Of national numbers; default `calls.countryCode`. */
  readonly countryCode?: string
}

export const CALLER_HEADERS = [
  'P-Asserted-Identity',
  'P-Preferred-Identity',
  'Remote-Party-ID',
  'From',
] as const
export type CallerHeader = (typeof CALLER_HEADERS)[number]

/** What a callee's side is told of X: never anything of the caller. */
export type IdentityPolicy = {
  /** X, or `Anonymous <sip:anonymous@anonymous.invalid>` (RFC 3323 §4.1.1.3); default number. */
  readonly from?: 'number' | 'anonymous'
  /** Headers that carry X beside From; default P-Asserted-Identity. */
  readonly headers?: readonly Exclude<CallerHeader, 'From'>[]
  /** Privacy header (RFC 3323 §4.2, RFC 3325 §9.3); default none is sent. */
  readonly privacy?: 'id' | 'user' | 'header' | 'none'
  /** Host part of the identity; default `sip.publicHost`. */
  readonly domain?: string
  /** Of the headers beside From; default sip. */
  readonly uri?: 'sip' | 'tel'
  /** `;user=phone` behind every sip URI with a number (RFC 3261 §19.1.1); default false. */
  readonly userPhone?: boolean
  /** Display name before the identity; `number` writes X itself. Default: none. */
  readonly displayName?: string
}

export type TrunkLimit = number | { readonly total?: number; readonly in?: number; readonly out?: number }

export type HealthConfig = {
  /** Seconds between two OPTIONS, give or take a tenth; 0 = none are sent. Default 30 where `health` is there, else 0. */
  readonly optionsSec?: number
  /** Failures in a row that take a peer down; default 3. */
  readonly failures?: number
  /** Successes in a row that bring it back; default 2. */
  readonly successes?: number
  /** How long an OPTIONS may take, ms; default 4000. */
  readonly timeoutMs?: number
  /** Statuses of an OPTIONS that count as alive; default: every one but 408 and 503. */
  readonly alive?: readonly number[]
  /** Without OPTIONS: after how long a peer that is down gets a call again, seconds; default 30. */
  readonly retrySec?: number
}

export type TrunkRegistration = {
  /** Registrar's host; default `domain`, else the first peer. */
  readonly registrar?: string
  /** Address of record, `sip:user@host`; default the username at the registrar. */
  readonly aor?: string
  /** Default: the username. */
  readonly contactUser?: string
  /** Default 3600. */
  readonly expiresSec?: number
}
