/** An aggregator that carries SMS over HTTP, as the configuration describes it (docs/reference/sms-http.md). */
export type AggregatorConfig = {
  readonly name: string
  /** Where it takes texts. */
  readonly url: string
  /** Bearer token that it wants of us; absent: none. */
  readonly token?: string
  /** Bearer token that it shows when it hands in what came. */
  readonly inboundToken: string
  /** Beginnings of the X that it sends from, global form; absent: every X. */
  readonly serves?: readonly string[]
  /** The lowest is tried first. */
  readonly priority: number
  /** For the whole exchange. */
  readonly timeoutMs: number
}

/** An SMSC that SMS come from and go to over SMPP 3.4, as the configuration describes it (docs/guides/sms.md). */
export type SmscConfig = {
  readonly name: string
  /** Tried in turn by every connection. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[]
  readonly systemId: string
  readonly password: string
  readonly systemType?: string
  readonly addressRange?: string
  readonly serviceType?: string
  readonly bind?: 'transceiver' | 'separate'
  readonly connections?: number
  readonly window?: number
  readonly maxPerSecond?: number
  readonly tls?: {
    readonly caFile?: string
    readonly certFile?: string
    readonly keyFile?: string
    readonly serverName?: string
    readonly verify?: boolean
  }
  /** How numbers are written, and read where the SMSC names no type. */
  readonly numbers?: {
    readonly countryCode?: string
    readonly source?: (typeof NUMBER_FORMS)[number]
    readonly destination?: (typeof NUMBER_FORMS)[number]
    readonly unknown?: (typeof UNKNOWN_NUMBERS)[number]
  }
  readonly defaultAlphabet?: (typeof ALPHABETS)[number]
  readonly messageIds?: {
    readonly response?: (typeof MESSAGE_IDS)[number]
    readonly receipt?: (typeof MESSAGE_IDS)[number]
  }
  readonly longTexts: (typeof LONG_TEXTS)[number]
  readonly receipts: boolean
  readonly validitySec?: number
  readonly responseTimeoutMs?: number
  readonly enquireLinkMs?: number
  readonly patienceMs?: number
  readonly serves?: readonly string[]
  readonly priority: number
}

/** What an SMSC has that the configuration does not say. */
export const SMSC_DEFAULTS = {
  priority: 0,
  longTexts: 'udh8',
  receipts: true,
} as const satisfies Partial<SmscConfig>

export const NUMBER_FORMS = ['international', 'plus', 'national', 'bare'] as const
export const UNKNOWN_NUMBERS = ['international', 'national', 'as-is'] as const
export const ALPHABETS = ['gsm7', 'latin1', 'ucs2'] as const
export const LONG_TEXTS = ['udh8', 'udh16', 'sar'] as const
export const MESSAGE_IDS = ['as-is', 'decimal', 'hex'] as const
