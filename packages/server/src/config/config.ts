import type { PushSignature } from '../tenants/app.ts'
import type { AggregatorConfig, SmscConfig } from './sms-config.ts'
import type { TrunkConfig } from './trunk-config.ts'

export type * from './sms-config.ts'
export type * from './trunk-config.ts'

/** The whole configuration, read once at start; nothing else reads the environment. */
export type Config = {
  readonly dataDir: string
  readonly hostName: string
  readonly sip: {
    readonly host: string
    readonly port: number
    readonly publicHost?: string
    /** A larger request goes by TCP when the peer takes the connection (RFC 3261 §18.1.1). */
    readonly udpMaxBytes: number
    readonly tls: {
      readonly enabled: boolean
      readonly port: number
      /** Chain and key; absent: those of the API. */
      readonly certFile?: string
      readonly keyFile?: string
      /** Who may sign the certificates of peers; absent: the public roots. */
      readonly caFile?: string
      readonly clientCert: 'none' | 'optional' | 'required'
      readonly verifyServers: boolean
      /** Without files a self-signed certificate is made. */
      readonly selfSigned: boolean
    }
    readonly ws: {
      readonly enabled: boolean
      readonly port: number
      readonly path: string
      /** With commas between them; absent: pages of any origin. */
      readonly origins?: string
    }
    readonly wss: { readonly enabled: boolean; readonly port: number }
    readonly trunks: readonly TrunkConfig[]
    /** Realm and switch of the lab registrar: registered subscribers stand in for the carrier. */
    readonly registrar: boolean
    /** Algorithms of our digest challenges; baresip 1.0 gives up when SHA-256 is offered at all. */
    readonly digest: 'md5' | 'sha-256' | 'sha-256+md5'
    /** Session-Expires that we ask for (RFC 4028), seconds; 0: none. */
    readonly sessionExpiresSec: number
    /** Min-SE. */
    readonly minSessionSec: number
    /** Messages a second of one address that is no trunk's, and of all strangers together; 0: any. */
    readonly ratePerSource: number
    readonly rateOfStrangers: number
    /** The first ban of a source; 0: none. */
    readonly banSec: number
    readonly maxCalls: number
    /** New calls are refused when messages may wait longer to be read; 0: never. */
    readonly overloadMs: number
  }
  readonly api: {
    readonly host: string
    readonly httpPort: number
    readonly httpsPort: number
    /** Base of the addresses that we hand out; absent: scheme and host of the request at hand. */
    readonly publicUrl?: string
    readonly tlsCertFile?: string
    readonly tlsKeyFile?: string
    /** Every connection is closed after its answer; else those are kept whose client asks for it. */
    readonly shortConnections: boolean
    /** Allowed distance of `Created` from now, hours (spec/auth-and-errors.md 3.3; default 24). */
    readonly createdSkewHours: number
    readonly rejectReplayedNonce: boolean
    /** Token buckets, requests per second; 0 = none. */
    readonly appRatePerSec: number
    readonly platformRatePerSec: number
    readonly lockoutFailures: number
    readonly lockoutWindowMin: number
    readonly lockoutMin: number
  }
  /** The operator's own API and command line (admin-api). */
  readonly admin: {
    readonly enabled: boolean
    readonly host: string
    /** 0 = a free one. */
    readonly port: number
  }
  readonly announcements: {
    /** Of the built-in prompts; `zh+en` says each in Chinese, then in English. */
    readonly language: 'zh' | 'en' | 'zh+en'
    /** Whether an uploaded file may be used without a review. */
    readonly autoApprove: boolean
  }
  readonly media: {
    readonly host: string
    readonly publicHost?: string
    readonly portMin: number
    readonly portMax: number
    /** Milliseconds a port rests after a call. */
    readonly portRestMs: number
    readonly timeoutSec: number
  }
  readonly calls: {
    /** Whether a 183 of the callee counts as ringing. */
    readonly alertOn183: boolean
    /** Platform's own connection time-out, seconds (8035; default 90). */
    readonly connectTimeoutSec: number
    readonly countryCode: string
  }
  readonly numbers: {
    /** Country codes with commas between them. */
    readonly countryCodes: string
    /** Binds of one A a day, 0 = any number. */
    readonly maxBindsPerDay: number
  }
  readonly recordings: {
    /** `recordDomain` of CDRs; default hostName. */
    readonly domain?: string
    readonly keepDays: number
    readonly linkHours: number
    readonly linkRatePerMin: number
    /** An S3-compatible store when `endpoint` is there; then bucket and keys are too. */
    readonly s3: {
      readonly endpoint?: string
      readonly region: string
      readonly bucket?: string
      readonly prefix?: string
      readonly accessKeyId?: string
      readonly secretAccessKey?: string
    }
  }
  readonly sms: {
    /** `event` of the pushes (spec/sms.md section 3). */
    readonly event: string
    /** Segments as they are sent, or as the vendor's documents count them (spec/sms.md section 7). */
    readonly countRule: 'wire' | 'document'
    /** The customer's time for the answer to a Block, ms. */
    readonly askTimeoutMs: number
    /** How long the parts of a text are waited for, seconds. */
    readonly gatherSec: number
    /** How long one is known that comes again because its acknowledgement got lost, seconds. */
    readonly repeatSec: number
    /** How long what cannot be sent is tried again, minutes. */
    readonly retryMin: number
    /** Messages with the carriers at a time. */
    readonly maxSending: number
    /** Words that no SMS may have, one a line. */
    readonly forbiddenWordsFile?: string
    /** Where aggregators hand in what came; listens only when there are any. */
    readonly http: { readonly host: string; readonly port: number }
    readonly smscs: readonly SmscConfig[]
    readonly aggregators: readonly AggregatorConfig[]
  }
  readonly axb: { readonly maxPairsPerX: number }
  /** Life of an AXE binding that names none, hours; 0 = never expires. */
  readonly axe: { readonly defaultBindHours: number }
  readonly defaults: { readonly pushSignature: PushSignature }
  readonly storage: {
    /** A PostgreSQL database to use instead of SQLite in the data folder. Holds a password. */
    readonly databaseUrl?: string
    /** SQLite: `process`: survives a crash of the process; `power`: also of the machine (fsync per commit group). */
    readonly durability: 'process' | 'power'
    /** Commit group interval for journal and outbox, ms. */
    readonly groupCommitMs: number
    /** Days that the records of ended calls are kept (spec/console.md: 31). */
    readonly cdrDays: number
  }
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
}
