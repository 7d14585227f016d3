import { isDatabaseUrl } from '../shared/database-url.ts'
import type { Config } from './config.ts'

/**
 * Every setting once: where it stands in the file (`sip.port`), its environment variable, type, unit, default and
 * bounds. The reference page, the loader and the redacted print are made from this table.
 */
export type Field = {
  readonly path: string
  readonly env: string
  /** A variable that other programs use too, read when `env` is not set. */
  readonly commonEnv?: string
  readonly type: 'string' | 'integer' | 'boolean' | readonly string[]
  readonly default?: string | number | boolean
  readonly min?: number
  readonly max?: number
  readonly about: string
}

export const FIELDS: readonly Field[] = [
  {
    path: 'dataDir',
    env: 'MASKLINE_DATA',
    type: 'string',
    default: './data',
    about: 'folder of database, keys, certificate and recordings',
  },
  {
    path: 'hostName',
    env: 'MASKLINE_HOST_NAME',
    type: 'string',
    default: 'maskline.local',
    about: 'name of this host in session ids and CDRs',
  },
  {
    path: 'sip.host',
    env: 'MASKLINE_SIP_HOST',
    type: 'string',
    default: '0.0.0.0',
    about: 'address that SIP listens on, UDP and TCP',
  },
  {
    path: 'sip.port',
    env: 'MASKLINE_SIP_PORT',
    type: 'integer',
    default: 5060,
    min: 0,
    max: 65535,
    about: 'SIP port, UDP and TCP',
  },
  {
    path: 'sip.publicHost',
    env: 'MASKLINE_SIP_PUBLIC_HOST',
    type: 'string',
    about: 'address that peers reach us at, when it differs from sip.host',
  },
  {
    path: 'sip.udpMaxBytes',
    env: 'MASKLINE_SIP_UDP_MAX_BYTES',
    type: 'integer',
    default: 1300,
    min: 500,
    max: 65535,
    about: 'larger requests go by TCP instead of UDP when the peer takes the connection, bytes',
  },
  {
    path: 'sip.tls.enabled',
    env: 'MASKLINE_SIP_TLS',
    type: 'boolean',
    default: false,
    about: 'listen for SIP over TLS',
  },
  {
    path: 'sip.tls.port',
    env: 'MASKLINE_SIP_TLS_PORT',
    type: 'integer',
    default: 5061,
    min: 0,
    max: 65535,
    about: 'SIP port, TLS',
  },
  {
    path: 'sip.tls.certFile',
    env: 'MASKLINE_SIP_TLS_CERT',
    type: 'string',
    about: 'PEM certificate chain of SIP; default: that of the API. SIGHUP reads it again',
  },
  {
    path: 'sip.tls.keyFile',
    env: 'MASKLINE_SIP_TLS_KEY',
    type: 'string',
    about: 'PEM private key of that certificate',
  },
  {
    path: 'sip.tls.caFile',
    env: 'MASKLINE_SIP_TLS_CA',
    type: 'string',
    about: 'PEM certificates that may sign those of SIP peers; default: the public authorities',
  },
  {
    path: 'sip.tls.clientCert',
    env: 'MASKLINE_SIP_TLS_CLIENT_CERT',
    type: ['none', 'optional', 'required'],
    default: 'none',
    about: 'whether peers that connect are asked for a certificate, and let in without one',
  },
  {
    path: 'sip.tls.verifyServers',
    env: 'MASKLINE_SIP_TLS_VERIFY',
    type: 'boolean',
    default: true,
    about: 'connect only to peers with a trusted certificate of their domain',
  },
  {
    path: 'sip.tls.selfSigned',
    env: 'MASKLINE_SIP_TLS_SELF_SIGNED',
    type: 'boolean',
    default: false,
    about: 'without certificate files use one that this platform signed itself; for a lab',
  },
  {
    path: 'sip.ws.enabled',
    env: 'MASKLINE_SIP_WS',
    type: 'boolean',
    default: false,
    about: 'listen for SIP over WebSocket, for browsers',
  },
  {
    path: 'sip.ws.port',
    env: 'MASKLINE_SIP_WS_PORT',
    type: 'integer',
    default: 5080,
    min: 0,
    max: 65535,
    about: 'SIP port, WebSocket',
  },
  {
    path: 'sip.ws.path',
    env: 'MASKLINE_SIP_WS_PATH',
    type: 'string',
    default: '/',
    about: 'path of WebSocket addresses, secured ones too',
  },
  {
    path: 'sip.ws.origins',
    env: 'MASKLINE_SIP_WS_ORIGINS',
    type: 'string',
    about:
      'origins whose pages may open WebSockets, with commas between them, such as https://app.example; others are refused; default: any',
  },
  {
    path: 'sip.wss.enabled',
    env: 'MASKLINE_SIP_WSS',
    type: 'boolean',
    default: false,
    about: 'listen for SIP over secured WebSocket, with the certificate of sip.tls',
  },
  {
    path: 'sip.wss.port',
    env: 'MASKLINE_SIP_WSS_PORT',
    type: 'integer',
    default: 5443,
    min: 0,
    max: 65535,
    about: 'SIP port, secured WebSocket',
  },
  {
    path: 'sip.registrar',
    env: 'MASKLINE_SIP_REGISTRAR',
    type: 'boolean',
    default: true,
    about: 'let lab subscribers register as phones',
  },
  {
    path: 'sip.digest',
    env: 'MASKLINE_SIP_DIGEST',
    type: ['md5', 'sha-256', 'sha-256+md5'],
    default: 'md5',
    about:
      'digest algorithms offered to phones and trunks; phones built on older libraries fail when SHA-256 is among them',
  },
  {
    path: 'sip.sessionExpiresSec',
    env: 'MASKLINE_SIP_SESSION_EXPIRES',
    type: 'integer',
    default: 1800,
    min: 0,
    max: 86400,
    about:
      'seconds after which a talk that nobody refreshes ends (RFC 4028); 0: only where the other side asks for it',
  },
  {
    path: 'sip.minSessionSec',
    env: 'MASKLINE_SIP_MIN_SESSION',
    type: 'integer',
    default: 90,
    min: 90,
    max: 86400,
    about: 'least such time that a peer may ask for; less is answered 422',
  },
  {
    path: 'sip.ratePerSource',
    env: 'MASKLINE_SIP_RATE_PER_SOURCE',
    type: 'integer',
    default: 50,
    min: 0,
    max: 1000000,
    about:
      'SIP messages per second of one address, or one registered phone; addresses of trunks have no limit; 0 = any number',
  },
  {
    path: 'sip.rateOfStrangers',
    env: 'MASKLINE_SIP_RATE_OF_STRANGERS',
    type: 'integer',
    default: 1000,
    min: 0,
    max: 1000000,
    about:
      'SIP messages per second of all addresses together that are neither trunks nor registered phones; 0 = any number',
  },
  {
    path: 'sip.banSec',
    env: 'MASKLINE_SIP_BAN_SEC',
    type: 'integer',
    default: 300,
    min: 0,
    max: 86400,
    about: 'seconds that a scanner or guesser of passwords is not listened to, doubled each time; 0 = never',
  },
  {
    path: 'sip.maxCalls',
    env: 'MASKLINE_SIP_MAX_CALLS',
    type: 'integer',
    default: 20000,
    min: 1,
    max: 1000000,
    about: 'calls at once; more are refused with 503',
  },
  {
    path: 'sip.overloadMs',
    env: 'MASKLINE_SIP_OVERLOAD_MS',
    type: 'integer',
    default: 20,
    min: 0,
    max: 10000,
    about: 'new calls are refused with 503 while messages wait longer to be read, milliseconds; 0 = never',
  },
  {
    path: 'api.host',
    env: 'MASKLINE_API_HOST',
    type: 'string',
    default: '0.0.0.0',
    about: 'address that the API listens on',
  },
  {
    path: 'api.httpPort',
    env: 'MASKLINE_HTTP_PORT',
    type: 'integer',
    default: 8080,
    min: 0,
    max: 65535,
    about: 'API port, HTTP',
  },
  {
    path: 'api.httpsPort',
    env: 'MASKLINE_HTTPS_PORT',
    type: 'integer',
    default: 8443,
    min: 0,
    max: 65535,
    about: 'API port, HTTPS',
  },
  {
    path: 'api.publicUrl',
    env: 'MASKLINE_PUBLIC_URL',
    type: 'string',
    about:
      'address that customers reach the API at, such as https://api.example; default: as each request names it',
  },
  {
    path: 'api.tlsCertFile',
    env: 'MASKLINE_TLS_CERT',
    type: 'string',
    about: 'PEM certificate chain; without it a self-signed one is made',
  },
  {
    path: 'api.tlsKeyFile',
    env: 'MASKLINE_TLS_KEY',
    type: 'string',
    about: 'PEM private key of the certificate',
  },
  {
    path: 'api.shortConnections',
    env: 'MASKLINE_SHORT_CONNECTIONS',
    type: 'boolean',
    default: false,
    about: 'close each API connection after its answer, also for clients that ask to keep it',
  },
  {
    path: 'api.createdSkewHours',
    env: 'MASKLINE_CREATED_SKEW_HOURS',
    type: 'integer',
    default: 24,
    min: 0,
    max: 876000,
    about: 'allowed distance of Created from now, hours',
  },
  {
    path: 'api.rejectReplayedNonce',
    env: 'MASKLINE_REJECT_REPLAYED_NONCE',
    type: 'boolean',
    default: false,
    about: 'refuse a nonce that was used before',
  },
  {
    path: 'api.appRatePerSec',
    env: 'MASKLINE_APP_RATE',
    type: 'integer',
    default: 50,
    min: 0,
    max: 1000000,
    about: 'API requests per second and app; 0 = no limit',
  },
  {
    path: 'api.platformRatePerSec',
    env: 'MASKLINE_PLATFORM_RATE',
    type: 'integer',
    default: 500,
    min: 0,
    max: 1000000,
    about: 'API requests per second in all; 0 = no limit',
  },
  {
    path: 'api.lockoutFailures',
    env: 'MASKLINE_LOCKOUT_FAILURES',
    type: 'integer',
    default: 20,
    min: 0,
    max: 1000000,
    about: 'authentication failures that lock an address out; 0 = never',
  },
  {
    path: 'api.lockoutWindowMin',
    env: 'MASKLINE_LOCKOUT_WINDOW_MIN',
    type: 'integer',
    default: 5,
    min: 1,
    max: 1440,
    about: 'minutes in which failures are counted',
  },
  {
    path: 'api.lockoutMin',
    env: 'MASKLINE_LOCKOUT_MIN',
    type: 'integer',
    default: 30,
    min: 1,
    max: 10080,
    about: 'minutes that a lockout lasts',
  },
  {
    path: 'admin.enabled',
    env: 'MASKLINE_ADMIN',
    type: 'boolean',
    default: true,
    about: 'serve the admin API, which the command line talks to',
  },
  {
    path: 'admin.host',
    env: 'MASKLINE_ADMIN_HOST',
    type: 'string',
    default: '127.0.0.1',
    about:
      'address that the admin API listens on; it speaks HTTP, so keep it on this machine or behind a proxy',
  },
  {
    path: 'admin.port',
    env: 'MASKLINE_ADMIN_PORT',
    type: 'integer',
    default: 8081,
    min: 0,
    max: 65535,
    about: 'admin API port; 0 = a free one',
  },
  {
    path: 'announcements.language',
    env: 'MASKLINE_ANNOUNCEMENT_LANGUAGE',
    type: ['zh', 'en', 'zh+en'],
    default: 'zh+en',
    about: 'language of the built-in prompts; zh+en says each in Chinese, then in English',
  },
  {
    path: 'announcements.autoApprove',
    env: 'MASKLINE_AUTO_APPROVE',
    type: 'boolean',
    default: false,
    about: 'approve announcement files as they are uploaded, without a review',
  },
  {
    path: 'media.host',
    env: 'MASKLINE_MEDIA_HOST',
    type: 'string',
    default: '0.0.0.0',
    about: 'address that RTP is received on',
  },
  {
    path: 'media.publicHost',
    env: 'MASKLINE_MEDIA_PUBLIC_HOST',
    type: 'string',
    about: 'address written into SDP, when it differs from media.host',
  },
  {
    path: 'media.portMin',
    env: 'MASKLINE_RTP_PORT_MIN',
    type: 'integer',
    default: 20000,
    min: 1024,
    max: 65534,
    about: 'first RTP port',
  },
  {
    path: 'media.portMax',
    env: 'MASKLINE_RTP_PORT_MAX',
    type: 'integer',
    default: 29999,
    min: 1025,
    max: 65535,
    about: 'last RTP port; four ports a call',
  },
  {
    path: 'media.portRestMs',
    env: 'MASKLINE_RTP_PORT_REST_MS',
    type: 'integer',
    default: 2000,
    min: 0,
    max: 600000,
    about: 'milliseconds a port rests after a call',
  },
  {
    path: 'media.timeoutSec',
    env: 'MASKLINE_RTP_TIMEOUT_SEC',
    type: 'integer',
    default: 300,
    min: 0,
    max: 86400,
    about: 'seconds without RTP from either side that end a call; 0 = never',
  },
  {
    path: 'calls.connectTimeoutSec',
    env: 'MASKLINE_CONNECT_TIMEOUT_SEC',
    type: 'integer',
    default: 90,
    min: 1,
    max: 180,
    about: 'seconds a callee may take to answer (release code 8035)',
  },
  {
    path: 'calls.alertOn183',
    env: 'MASKLINE_ALERT_ON_183',
    type: 'boolean',
    default: false,
    about: 'count a 183 of the callee as ringing',
  },
  {
    path: 'calls.countryCode',
    env: 'MASKLINE_COUNTRY_CODE',
    type: 'string',
    default: '86',
    about: 'country code of numbers dialled in national form',
  },
  {
    path: 'numbers.countryCodes',
    env: 'MASKLINE_COUNTRIES',
    type: 'string',
    default: '86',
    about: 'country codes, with commas, whose numbers may be bound, call and be called (8042, 8043)',
  },
  {
    path: 'numbers.maxBindsPerDay',
    env: 'MASKLINE_MAX_BINDS_PER_DAY',
    type: 'integer',
    default: 0,
    min: 0,
    max: 1000000,
    about: 'binds of one A in one day (UTC), result code 1020182; 0 = any number',
  },
  {
    path: 'sms.event',
    env: 'MASKLINE_SMS_EVENT',
    type: 'string',
    default: 'Text SMS ',
    about: 'event of SMS pushes; the blank behind it belongs to it',
  },
  {
    path: 'sms.countRule',
    env: 'MASKLINE_SMS_COUNT_RULE',
    type: ['wire', 'document'],
    default: 'wire',
    about: 'long English SMS count 153 characters a segment, as they are sent, or 154, as the documents say',
  },
  {
    path: 'sms.askTimeoutMs',
    env: 'MASKLINE_SMS_ASK_TIMEOUT_MS',
    type: 'integer',
    default: 5000,
    min: 100,
    max: 60000,
    about: 'a customer’s time to say where an SMS goes (Block), milliseconds',
  },
  {
    path: 'sms.gatherSec',
    env: 'MASKLINE_SMS_GATHER_SEC',
    type: 'integer',
    default: 60,
    min: 1,
    max: 3600,
    about: 'seconds that the parts of a long SMS are waited for',
  },
  {
    path: 'sms.repeatSec',
    env: 'MASKLINE_SMS_REPEAT_SEC',
    type: 'integer',
    default: 300,
    min: 0,
    max: 86400,
    about:
      'seconds after a lost acknowledgement in which the same SMS that comes again is known as a repeat; 0 = never',
  },
  {
    path: 'sms.retryMin',
    env: 'MASKLINE_SMS_RETRY_MIN',
    type: 'integer',
    default: 60,
    min: 1,
    max: 4320,
    about: 'minutes that an SMS is tried again while no carrier takes it',
  },
  {
    path: 'sms.maxSending',
    env: 'MASKLINE_SMS_MAX_SENDING',
    type: 'integer',
    default: 200,
    min: 1,
    max: 10000,
    about: 'SMS that are with the carriers at a time; of so many at most a crash leaves the outcome unknown',
  },
  {
    path: 'sms.forbiddenWordsFile',
    env: 'MASKLINE_SMS_FORBIDDEN_WORDS',
    type: 'string',
    about: 'file of words that no SMS may have, one a line; read at start',
  },
  {
    path: 'sms.http.host',
    env: 'MASKLINE_SMS_HTTP_HOST',
    type: 'string',
    default: '0.0.0.0',
    about: 'address where aggregators hand in SMS; listens only when there are any',
  },
  {
    path: 'sms.http.port',
    env: 'MASKLINE_SMS_HTTP_PORT',
    type: 'integer',
    default: 8082,
    min: 0,
    max: 65535,
    about: 'port for that; 0 = a free one',
  },
  {
    path: 'axb.maxPairsPerX',
    env: 'MASKLINE_AXB_MAX_PAIRS',
    type: 'integer',
    default: 5000,
    min: 1,
    max: 1000000,
    about: 'bindings on one X of an AXB app',
  },
  {
    path: 'axe.defaultBindHours',
    env: 'MASKLINE_AXE_DEFAULT_BIND_HOURS',
    type: 'integer',
    default: 0,
    min: 0,
    max: 720,
    about: 'hours that an AXE binding lives when the bind names no time; 0 = never expires',
  },
  {
    path: 'defaults.pushSignature',
    env: 'MASKLINE_PUSH_SIGNATURE',
    type: ['aksk', 'wsse', 'aksk+x-wsse'],
    default: 'aksk',
    about: 'how pushes of a new app are signed',
  },
  {
    path: 'storage.databaseUrl',
    env: 'MASKLINE_DATABASE_URL',
    commonEnv: 'DATABASE_URL',
    type: 'string',
    about: 'PostgreSQL database to use instead of SQLite, such as postgres://user:password@host:5432/name',
  },
  {
    path: 'recordings.domain',
    env: 'MASKLINE_RECORD_DOMAIN',
    type: 'string',
    about: 'recordDomain of CDRs; default: hostName',
  },
  {
    path: 'recordings.keepDays',
    env: 'MASKLINE_RECORD_DAYS',
    type: 'integer',
    default: 7,
    min: 1,
    max: 3650,
    about: 'days that a recording is kept',
  },
  {
    path: 'recordings.linkHours',
    env: 'MASKLINE_RECORD_LINK_HOURS',
    type: 'integer',
    default: 72,
    min: 1,
    max: 87600,
    about: 'hours that a download link works, at most as long as the recording is kept',
  },
  {
    path: 'recordings.linkRatePerMin',
    env: 'MASKLINE_RECORD_LINK_RATE',
    type: 'integer',
    default: 600,
    min: 0,
    max: 1000000,
    about: 'download links per minute for one source address, and for one app; 0 = no limit',
  },
  {
    path: 'recordings.s3.endpoint',
    env: 'MASKLINE_S3_ENDPOINT',
    type: 'string',
    about:
      'S3-compatible store of recordings, such as https://s3.example; without it they lie in the data folder',
  },
  {
    path: 'recordings.s3.region',
    env: 'MASKLINE_S3_REGION',
    type: 'string',
    default: 'us-east-1',
    about: 'region that requests to the store are signed for',
  },
  {
    path: 'recordings.s3.bucket',
    env: 'MASKLINE_S3_BUCKET',
    type: 'string',
    about: 'bucket of the store; it must exist',
  },
  {
    path: 'recordings.s3.prefix',
    env: 'MASKLINE_S3_PREFIX',
    type: 'string',
    about: 'put before every key, such as recordings/',
  },
  {
    path: 'recordings.s3.accessKeyId',
    env: 'MASKLINE_S3_ACCESS_KEY_ID',
    type: 'string',
    about: 'access key of the store; it may put, get and delete objects',
  },
  {
    path: 'recordings.s3.secretAccessKey',
    env: 'MASKLINE_S3_SECRET_ACCESS_KEY',
    type: 'string',
    about: 'secret of the access key',
  },
  {
    path: 'storage.durability',
    env: 'MASKLINE_DURABILITY',
    type: ['process', 'power'],
    default: 'process',
    about:
      'what a commit survives: a crash of the process, or of the machine; PostgreSQL goes by its own settings',
  },
  {
    path: 'storage.groupCommitMs',
    env: 'MASKLINE_GROUP_COMMIT_MS',
    type: 'integer',
    default: 20,
    min: 0,
    max: 1000,
    about: 'milliseconds over which call facts are committed together',
  },
  {
    path: 'storage.cdrDays',
    env: 'MASKLINE_CDR_DAYS',
    type: 'integer',
    default: 31,
    min: 1,
    max: 3650,
    about: 'days that the records of ended calls are kept',
  },
  {
    path: 'logLevel',
    env: 'MASKLINE_LOG_LEVEL',
    type: ['debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    about: 'least level that is logged',
  },
]

/** Cross-field rules: each returns a sentence when broken. */
export const RULES: readonly ((config: Config) => string | undefined)[] = [
  ({ sip }) => {
    const trunk = sip.trunks.find(({ peer, peers = [peer] }) =>
      peers.some((each) => isOff(sip, each?.transport)),
    )
    return (
      trunk &&
      `sip.trunks: ${trunk.name} has a peer over a transport that is off; set sip.tls.enabled, sip.ws.enabled or sip.wss.enabled`
    )
  },
  ({ sip: { tls, wss, trunks } }) => {
    if (tls.clientCert !== 'none' && (tls.enabled || wss.enabled)) return undefined
    // Calls for what we registered come back on the connection that we opened, where the peer showed its certificate.
    const trunk = trunks.find(({ tlsNames, register }) => tlsNames && !(register && tls.enabled))
    return (
      trunk &&
      `sip.trunks: ${trunk.name} has tlsNames, and no caller is asked for a certificate; set sip.tls.enabled, and sip.tls.clientCert to optional or required`
    )
  },
  (c) =>
    c.media.portMax - c.media.portMin < 7
      ? `media.portMin ${c.media.portMin} to media.portMax ${c.media.portMax} holds less than two calls; widen the range (four ports a call)`
      : undefined,
  ({ sip: { sessionExpiresSec: asked, minSessionSec: least } }) =>
    asked !== 0 && asked < least
      ? `sip.sessionExpiresSec ${asked} is less than sip.minSessionSec ${least}; raise it, or set it to 0`
      : undefined,
  (c) => {
    const inMedia = sipPorts(c).find(([, port]) => port >= c.media.portMin && port <= c.media.portMax)
    return inMedia === undefined
      ? undefined
      : `${inMedia[0]} ${inMedia[1]} lies among the RTP ports, media.portMin ${c.media.portMin} to media.portMax ${c.media.portMax}; choose one outside`
  },
  (c) =>
    (c.sip.tls.certFile === undefined) !== (c.sip.tls.keyFile === undefined)
      ? 'sip.tls.certFile and sip.tls.keyFile go together; set both or neither'
      : undefined,
  (c) =>
    (c.sip.tls.enabled || c.sip.wss.enabled) &&
    c.sip.tls.certFile === undefined &&
    c.api.tlsCertFile === undefined &&
    !c.sip.tls.selfSigned
      ? 'SIP over TLS needs a certificate: set sip.tls.certFile and sip.tls.keyFile (or those of the API), or for a lab sip.tls.selfSigned'
      : undefined,
  (c) =>
    /^\/[\w./~-]*$/.test(c.sip.ws.path)
      ? undefined
      : 'sip.ws.path must be the path of an address, such as / or /sip',
  (c) =>
    (c.sip.ws.origins ?? '').split(',').every((origin) => origin === '' || isOrigin(origin.trim()))
      ? undefined
      : 'sip.ws.origins must be origins with commas between them, such as https://app.example,https://desk.example',
  (c) =>
    (c.api.tlsCertFile === undefined) !== (c.api.tlsKeyFile === undefined)
      ? 'api.tlsCertFile and api.tlsKeyFile go together; set both or neither'
      : undefined,
  (c) =>
    c.storage.databaseUrl === undefined || isDatabaseUrl(c.storage.databaseUrl)
      ? undefined
      : 'storage.databaseUrl (MASKLINE_DATABASE_URL, DATABASE_URL) must be the address of a PostgreSQL database, such as postgres://user:password@host:5432/name',
  (c) =>
    /^\d{1,3}$/.test(c.calls.countryCode) ? undefined : 'calls.countryCode must be 1 to 3 digits, such as 86',
  (c) =>
    /^\d{1,3}(?:,\d{1,3})*$/.test(c.numbers.countryCodes)
      ? undefined
      : 'numbers.countryCodes must be country codes with commas between them, such as 86,852',
  (c) =>
    c.api.publicUrl === undefined || isBaseUrl(c.api.publicUrl)
      ? undefined
      : 'api.publicUrl must be an http or https address without a query, such as https://api.example',
  (c) =>
    c.recordings.domain === undefined || /^[A-Za-z0-9.-]{1,128}$/.test(c.recordings.domain)
      ? undefined
      : 'recordings.domain must be 1 to 128 letters, digits, dots and dashes',
  ({ recordings: { s3 } }) =>
    s3.endpoint === undefined || isBaseUrl(s3.endpoint)
      ? undefined
      : 'recordings.s3.endpoint must be an http or https address, such as https://s3.example',
  ({ recordings: { s3 } }) => {
    const parts = [s3.endpoint, s3.bucket, s3.accessKeyId, s3.secretAccessKey]
    return parts.every((part) => part === undefined) || parts.every((part) => part !== undefined)
      ? undefined
      : 'recordings.s3.endpoint, bucket, accessKeyId and secretAccessKey go together; set all four or none'
  },
  ({ recordings: { s3 } }) =>
    /^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(s3.bucket ?? 'x') && /^[A-Za-z0-9._/-]*$/.test(s3.prefix ?? '')
      ? undefined
      : 'recordings.s3.bucket and prefix may hold letters, digits, dots and dashes, the prefix slashes too',
  (c) =>
    /^[A-Za-z0-9.-]{1,80}$/.test(c.hostName)
      ? undefined
      : 'hostName must be 1 to 80 letters, digits, dots and dashes: it becomes part of every session id',
]

/** The ports that SIP listens on, by setting. */
function sipPorts({ sip }: Config): readonly (readonly [string, number])[] {
  const ports: [string, number][] = [['sip.port', sip.port]]
  for (const name of ['tls', 'ws', 'wss'] as const) {
    if (sip[name].enabled) ports.push([`sip.${name}.port`, sip[name].port])
  }
  return ports
}

function isOrigin(text: string): boolean {
  return URL.parse(text)?.origin === text
}

/** A call leaves from the listener of its transport. */
const isOff = (sip: Config['sip'], transport: string | undefined): boolean =>
  (transport === 'tls' || transport === 'ws' || transport === 'wss') && !sip[transport].enabled

function isBaseUrl(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === ''
}
