import {
  asObject,
  type Check,
  checkMembers,
  isText,
  isWhole,
  listOf,
  must,
  object,
  oneOf,
  whole,
} from './checks.ts'
import {
  type AggregatorConfig,
  ALPHABETS,
  LONG_TEXTS,
  MESSAGE_IDS,
  NUMBER_FORMS,
  SMSC_DEFAULTS,
  type SmscConfig,
  UNKNOWN_NUMBERS,
} from './sms-config.ts'

const text = must(isText, 'a text')
const flag = must((value) => typeof value === 'boolean', 'true or false')
/** A text of SMPP, which has a most of its own for each. */
const ascii = (most: number): Check =>
  must(
    (value) => typeof value === 'string' && value.length <= most && /^[\x20-\x7e]*$/.test(value),
    `a text of at most ${most} ASCII characters`,
  )

/** What carriers of every kind have. */
const COMMON: Readonly<Record<'name' | 'serves' | 'priority', Check>> = {
  name: must(
    (value) => typeof value === 'string' && /^[\w.-]{1,64}$/.test(value),
    'letters, digits, dots, dashes and underscores, at most 64',
  ),
  serves: listOf(
    (item) => typeof item === 'string' && /^\+\d{0,15}$/.test(item),
    'beginnings of numbers in global form, such as +86 or +86170',
  ),
  priority: whole(0, 65535),
}

/** Every member of an aggregator and what it must be. */
const AGGREGATOR: Readonly<Record<keyof AggregatorConfig, Check>> = {
  ...COMMON,
  url: must(
    (value) => typeof value === 'string' && /^https?:/.test(value) && URL.canParse(value),
    'an http or https address',
  ),
  token: text,
  inboundToken: must((value) => isText(value) && value.length >= 16, 'a text of at least 16 characters'),
  timeoutMs: whole(100, 120_000),
}

/** Every member of an SMSC and what it must be. */
const SMSC: Readonly<Record<keyof SmscConfig, Check>> = {
  ...COMMON,
  hosts: listOf((item) => {
    const { host, port, ...rest } = asObject(item)
    return isText(host) && isWhole(port, 1, 65535) && Object.keys(rest).length === 0
  }, 'addresses such as { "host": "smsc.example", "port": 2775 }'),
  systemId: ascii(15),
  password: ascii(8),
  systemType: ascii(12),
  addressRange: ascii(40),
  serviceType: ascii(5),
  bind: oneOf(['transceiver', 'separate']),
  connections: whole(1, 100),
  window: whole(1, 1000),
  maxPerSecond: whole(1, 100_000),
  tls: object({ caFile: text, certFile: text, keyFile: text, serverName: text, verify: flag }),
  numbers: object({
    countryCode: must(
      (value) => typeof value === 'string' && /^\d{1,3}$/.test(value),
      '1 to 3 digits, such as 86',
    ),
    source: oneOf(NUMBER_FORMS),
    destination: oneOf(NUMBER_FORMS),
    unknown: oneOf(UNKNOWN_NUMBERS),
  }),
  defaultAlphabet: oneOf(ALPHABETS),
  messageIds: object({ response: oneOf(MESSAGE_IDS), receipt: oneOf(MESSAGE_IDS) }),
  longTexts: oneOf(LONG_TEXTS),
  receipts: flag,
  validitySec: whole(60, 8_553_600),
  responseTimeoutMs: whole(100, 600_000),
  enquireLinkMs: whole(1_000, 600_000),
  patienceMs: whole(100, 600_000),
}

/** For the guides, which list them all. */
export const AGGREGATOR_MEMBERS: readonly string[] = Object.keys(AGGREGATOR)
export const SMSC_MEMBERS: readonly string[] = Object.keys(SMSC)

/** Names of SMS carriers that were given so far. */
export type CarrierNames = Set<unknown>

/** Reads `sms.aggregators`: every fault of every member in a sentence of its own. */
export const readAggregators = (
  given: unknown,
  faults: string[],
  names: CarrierNames,
): readonly AggregatorConfig[] =>
  readList('aggregator', given, faults, {
    checks: AGGREGATOR,
    needed: ['name', 'url', 'inboundToken'],
    defaults: { priority: 0, timeoutMs: 10_000 },
    names,
  })

/** Reads `sms.smscs` in the same way. */
export const readSmscs = (given: unknown, faults: string[], names: CarrierNames): readonly SmscConfig[] =>
  readList('smsc', given, faults, {
    checks: SMSC,
    needed: ['name', 'hosts', 'systemId', 'password'],
    defaults: SMSC_DEFAULTS,
    names,
  })

function readList<T>(
  kind: string,
  given: unknown,
  faults: string[],
  {
    checks,
    needed,
    defaults,
    names,
  }: {
    readonly checks: Readonly<Record<string, Check>>
    readonly needed: readonly string[]
    readonly defaults: object
    readonly names: CarrierNames
  },
): readonly T[] {
  if (given === undefined) return []
  if (!Array.isArray(given)) {
    faults.push(`sms.${kind}s must be a list`)
    return []
  }
  return given.map((item: unknown, index) => {
    const where = `sms.${kind}s[${index}]`
    const carrier = asObject(item)
    for (const key of Object.keys(carrier))
      if (!(key in checks)) faults.push(`${where}.${key} is no setting of an ${kind}`)
    checkMembers(carrier, checks, where, faults)
    for (const member of needed)
      if (carrier[member] === undefined) faults.push(`${where}.${member} is missing`)
    if (names.has(carrier.name)) faults.push(`${where}.name must be one that no other SMS carrier has`)
    names.add(carrier.name)
    return { ...defaults, ...carrier } as T
  })
}
