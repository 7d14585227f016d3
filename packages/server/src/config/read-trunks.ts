import { isIP } from 'node:net'
import { SPEECH_CODECS } from '@maskline/media'
import { isCidr } from '../shared/ip.ts'
import {
  asObject,
  type Check,
  checkMembers,
  choicesOf,
  isObject,
  isText,
  isWhole,
  type Json,
  listOf,
  must,
  object,
  oneOf,
  whole,
} from './checks.ts'
import {
  CALLER_HEADERS,
  NUMBER_FORMATS,
  TRUNK_TRANSPORTS,
  type TrunkConfig,
  type TrunkPeer,
} from './trunk-config.ts'

/** Reads `sip.trunks`: every fault of every member in a sentence of its own. */
export function readTrunks(given: unknown, faults: string[]): readonly TrunkConfig[] {
  if (given === undefined) return []
  if (!Array.isArray(given)) {
    faults.push('sip.trunks must be a list of trunks')
    return []
  }
  const names = new Set<unknown>()
  return given.map((item: unknown, index) => {
    const where = `sip.trunks[${index}]`
    const trunk = asObject(item)
    for (const key of Object.keys(trunk))
      if (!(key in TRUNK)) faults.push(`${where}.${key} is no setting of a trunk`)
    checkMembers(trunk, TRUNK, where, faults)
    if (typeof trunk.name !== 'string' || trunk.name === '' || names.has(trunk.name))
      faults.push(`${where}.name must be a text that no other trunk has`)
    names.add(trunk.name)
    checkTogether(trunk, where, faults)
    const { peer, peers, allowFrom = [], numberFormat = 'e164' } = trunk
    return {
      ...trunk,
      allowFrom,
      numberFormat,
      ...(peer !== undefined && { peer: withDefaults(peer) }),
      ...(Array.isArray(peers) && { peers: peers.map(withDefaults) }),
    } as unknown as TrunkConfig
  })
}

/** What an address needs no DNS for: its port and transport. */
function withDefaults(given: unknown): TrunkPeer {
  const peer = asObject(given) as unknown as TrunkPeer
  if (isIP(String(peer.address)) === 0) return peer
  const { transport = 'udp' } = peer
  return { ...peer, port: peer.port ?? defaultPort(transport), transport }
}

const defaultPort = (transport: string): number => (transport === 'tls' ? 5061 : 5060)

/** Members that make sense only beside others. */
function checkTogether(trunk: Json, where: string, faults: string[]): void {
  for (const [user, password] of [
    ['username', 'password'],
    ['inboundUsername', 'inboundPassword'],
  ] as const)
    if ((trunk[user] === undefined) !== (trunk[password] === undefined))
      faults.push(`${where}.${user} and ${where}.${password} go together`)
  if (trunk.peer !== undefined && trunk.peers !== undefined)
    faults.push(`${where}.peer and ${where}.peers exclude each other; put the peer into the list`)
  if (trunk.register === undefined) return
  const { registrar } = asObject(trunk.register)
  if (trunk.username === undefined) faults.push(`${where}.register needs ${where}.username and password`)
  if (registrar === undefined && trunk.peer === undefined && trunk.peers === undefined)
    faults.push(`${where}.register needs a registrar, or a peer of the trunk`)
}

const isHostName = (value: unknown): boolean =>
  typeof value === 'string' &&
  value.length <= 253 &&
  /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\.?$/.test(value) &&
  // `10.0.0` is an address with a part missing.
  !/^[\d.]+$/.test(value)
const isHost = (value: unknown): boolean => isHostName(value) || isIP(String(value)) !== 0
const isTlsName = (value: unknown): boolean =>
  typeof value === 'string' && isHostName(value.startsWith('*.') ? value.slice(2) : value)

/** What may stand before a number: digits, and the signs of a telephone. */
const isPrefix = (value: unknown): boolean =>
  typeof value === 'string' && /^[+\d*#A-Za-z-]{1,20}$/.test(value)
const PREFIX = must(isPrefix, 'a prefix such as 9# or 00')

/** A text that is written into headers. */
const isPlain = (value: unknown): boolean =>
  isText(value) && value.length <= 80 && !/[\p{Cc}"\\]/u.test(value)

/** Answers of the callee: another way would ring him twice, or be told the same (403, 404, 486 …). */
const CALLEE_SAYS: ReadonlySet<unknown> = new Set([401, 403, 404, 407, 410, 484, 485, 486, 487])

const text = must(isText, 'a text')
const host = must(isHost, 'a host name or an IP address')
const limit: Check = (value, where, faults) =>
  typeof value === 'number'
    ? whole(1, 1_000_000)(value, where, faults)
    : object({ total: whole(1, 1_000_000), in: whole(1, 1_000_000), out: whole(1, 1_000_000) })(
        value,
        where,
        faults,
      )

const PEER: Readonly<Record<string, Check>> = {
  address: must(isHost, 'an IP address or a host name'),
  port: whole(1, 65535),
  transport: oneOf(TRUNK_TRANSPORTS),
  priority: whole(0, 65535),
  weight: whole(0, 65535),
}
const peer: Check = (value, where, faults) => {
  object(PEER)(value, where, faults)
  if (isObject(value) && value.address === undefined) PEER.address!(undefined, `${where}.address`, faults)
}

const ruleOut = object({ format: oneOf(NUMBER_FORMATS), strip: PREFIX, prefix: PREFIX })
const ruleIn = object({
  strip: listOf(isPrefix, 'prefixes, such as 9# or 0086'),
  prefix: PREFIX,
  countryCode: must(
    (value) => typeof value === 'string' && /^\d{1,3}$/.test(value),
    '1 to 3 digits, such as 86',
  ),
})

/** `{ "byStatus": { "480": 8104 }, "byCause": { "29": 8105 } }`. */
const releaseCodes: Check = (given, where, faults) => {
  const tables = Object.entries((typeof given === 'object' ? given : null) ?? { '': 0 })
  const bounds: Record<string, readonly [number, number]> = { byStatus: [300, 699], byCause: [1, 127] }
  for (const [name, table] of tables) {
    const [low = 0, high = 0] = bounds[name] ?? []
    const rows = Object.entries((typeof table === 'object' ? table : null) ?? { '': 0 })
    const right = ([key, code]: [string, unknown]): boolean =>
      Number(key) >= low && Number(key) <= high && Number.isInteger(code) && (code as number) > 0
    if (high === 0 || !rows.every(right))
      faults.push(
        `${where} must hold byStatus (SIP statuses 300 to 699) or byCause (Q.850 causes 1 to 127), each with release codes`,
      )
  }
}

const CODEC_NAMES: ReadonlySet<string> = new Set(SPEECH_CODECS.map((name) => name.toLowerCase()))
const isSpeechCodec = (item: string): boolean => CODEC_NAMES.has(item.split('/', 1)[0]!.toLowerCase())

/** Every member of a trunk and what it must be. */
const TRUNK: Readonly<Record<keyof TrunkConfig, Check>> = {
  name: text,
  peer,
  peers(value, where, faults) {
    if (!Array.isArray(value) || value.length === 0) faults.push(`${where} must be a list of peers`)
    else for (const [index, item] of value.entries()) peer(item, `${where}[${index}]`, faults)
  },
  priority: whole(0, 65535),
  weight: whole(0, 65535),
  serves: listOf(
    (item) => typeof item === 'string' && /^\+\d{0,15}$/.test(item),
    'beginnings of numbers in global form, such as +86 or +86755',
  ),
  allowFrom: must(
    (value) => Array.isArray(value) && value.every((item) => typeof item === 'string' && isCidr(item)),
    'a list of addresses or CIDRs, such as 192.0.2.10 or 192.0.2.0/24',
  ),
  tlsNames: listOf(
    isTlsName,
    'host names of a certificate, such as sip.carrier.example or *.carrier.example',
  ),
  inboundUsername: text,
  inboundPassword: text,
  username: text,
  password: text,
  register: object({
    registrar: host,
    aor: must(
      (value) => typeof value === 'string' && /^sips?:[^@\s<>]+@[^@\s<>]+$/.test(value),
      'sip:user@host',
    ),
    contactUser: must((value) => typeof value === 'string' && /^[\w.+-]+$/.test(value), 'a user name'),
    expiresSec: whole(60, 86_400),
  }),
  numberFormat: oneOf(NUMBER_FORMATS),
  numbersOut: object({ caller: ruleOut, callee: ruleOut }),
  numbersIn: object({ caller: ruleIn, callee: ruleIn }),
  domain: host,
  identity: object({
    from: oneOf(['number', 'anonymous']),
    headers: must(
      (value) =>
        Array.isArray(value) &&
        value.every((item) => item !== 'From' && (CALLER_HEADERS as readonly unknown[]).includes(item)),
      `a list of ${choicesOf(CALLER_HEADERS.filter((name) => name !== 'From'))}`,
    ),
    privacy: oneOf(['id', 'user', 'header', 'none']),
    domain: host,
    uri: oneOf(['sip', 'tel']),
    userPhone: must((value) => typeof value === 'boolean', 'true or false'),
    displayName: must(isPlain, 'a text of at most 80 characters without quotes'),
  }),
  callerFrom: listOf(
    (item) => (CALLER_HEADERS as readonly unknown[]).includes(item),
    `headers: ${choicesOf(CALLER_HEADERS)}`,
  ),
  codecs: listOf(
    (item) => typeof item === 'string' && /^[^/]+(?:\/\d+)?$/.test(item) && isSpeechCodec(item),
    `codec names, with a clock rate where it matters (AMR-WB/16000): ${SPEECH_CODECS.join(', ')}`,
  ),
  collectDigits: oneOf(['answered', 'early']),
  maxChannels: limit,
  maxCallsPerSec: limit,
  health: object({
    optionsSec: whole(0, 3600),
    failures: whole(1, 100),
    successes: whole(1, 100),
    timeoutMs: whole(100, 32_000),
    alive: listOf((item) => isWhole(item, 200, 699), 'SIP statuses from 200 to 699'),
    retrySec: whole(1, 3600),
  }),
  answerWithinMs: whole(500, 32_000),
  retryOn: must(
    (value) =>
      Array.isArray(value) && value.every((item) => isWhole(item, 400, 599) && !CALLEE_SAYS.has(item)),
    `a list of SIP statuses from 400 to 599, none of which is the callee's answer (${[...CALLEE_SAYS].join(', ')})`,
  ),
  redirects: oneOf(['refuse', 'follow']),
  releaseCodes,
}

/** For the guide, which lists them all. */
export const TRUNK_MEMBERS: readonly string[] = Object.keys(TRUNK)
