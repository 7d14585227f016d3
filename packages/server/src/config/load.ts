import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { AppError } from '../shared/app-error.ts'
import { isDatabaseUrl, redactDatabaseUrl } from '../shared/database-url.ts'
import { isCidr } from '../shared/ip.ts'
import type { Config, TrunkConfig } from './config.ts'
import { FIELDS, type Field, RULES } from './schema.ts'

type Json = Record<string, unknown>

/**
 * Reads the configuration once: defaults, then the JSON file, then the environment. Refused whole, with every fault
 * listed, as AppError `CONFIG_INVALID`; an unreadable file is `CONFIG_FILE`.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>, file?: string): Config {
  const fromFile = file === undefined ? {} : readConfigFile(file)
  const faults: string[] = []
  const config: Json = {}
  for (const field of FIELDS) {
    const value = valueOf(field, env, fromFile, faults)
    if (value !== undefined) put(config, field.path, value)
  }
  put(config, 'sip.trunks', readTrunks(take(fromFile, 'sip.trunks'), faults))
  for (const path of leftovers(fromFile)) faults.push(`${path} is no setting; remove it or correct its name`)
  if (faults.length === 0)
    for (const rule of RULES) {
      const fault = rule(config as unknown as Config)
      if (fault !== undefined) faults.push(fault)
    }
  if (faults.length > 0)
    throw new AppError('CONFIG_INVALID', `the configuration is refused:\n  - ${faults.join('\n  - ')}`)
  return config as unknown as Config
}

/** The configuration for people: secrets hidden. */
export function printConfig(config: Config): string {
  const redact = (key: string, value: unknown): unknown => {
    if (/password|secret|accessKeyId/i.test(key)) return '***'
    return typeof value === 'string' && isDatabaseUrl(value) ? redactDatabaseUrl(value) : value
  }
  return JSON.stringify(config, redact, 2)
}

function readConfigFile(file: string): Json {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new AppError(
      'CONFIG_FILE',
      `cannot read the configuration file ${file}: ${(cause as Error).message}`,
      { cause },
    )
  }
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Json
  } catch (cause) {
    throw new AppError('CONFIG_FILE', `${file} is no JSON: ${(cause as Error).message}`, { cause })
  }
  throw new AppError('CONFIG_FILE', `${file} must hold one JSON object`)
}

function valueOf(
  field: Field,
  env: Readonly<Record<string, string | undefined>>,
  file: Json,
  faults: string[],
): unknown {
  const given = take(file, field.path)
  const isSet = (name: string | undefined): name is string => name !== undefined && (env[name] ?? '') !== ''
  const variable = [field.env, field.commonEnv].find(isSet)
  const raw: unknown = variable === undefined ? given : env[variable]
  const name = variable === undefined ? field.path : `${variable} (${field.path})`
  if (raw === undefined || raw === null) return field.default
  if (field.type === 'string') {
    if (typeof raw === 'string' && raw !== '') return raw
    faults.push(`${name} must be a text: ${field.about}`)
  } else if (field.type === 'boolean') {
    if (raw === true || raw === 'true') return true
    if (raw === false || raw === 'false') return false
    faults.push(`${name} must be true or false: ${field.about}`)
  } else if (field.type === 'integer') {
    const value = typeof raw === 'number' ? raw : /^-?\d+$/.test(String(raw)) ? Number(raw) : Number.NaN
    if (Number.isInteger(value) && value >= field.min! && value <= field.max!) return value
    faults.push(`${name} must be a whole number from ${field.min} to ${field.max}: ${field.about}`)
  } else {
    if (field.type.includes(raw as string)) return raw
    faults.push(`${name} must be one of ${field.type.join(', ')}: ${field.about}`)
  }
  return undefined
}

const TRUNK_KEYS = new Set([
  'name',
  'peer',
  'allowFrom',
  'username',
  'password',
  'inboundUsername',
  'inboundPassword',
  'numberFormat',
  'collectDigits',
  'releaseCodes',
])

function readTrunks(given: unknown, faults: string[]): readonly TrunkConfig[] {
  if (given === undefined) return []
  if (!Array.isArray(given)) {
    faults.push('sip.trunks must be a list of trunks')
    return []
  }
  const names = new Set<string>()
  return given.map((item: unknown, index): TrunkConfig => {
    const where = `sip.trunks[${index}]`
    const trunk = (typeof item === 'object' && item !== null ? item : {}) as Json
    for (const key of Object.keys(trunk))
      if (!TRUNK_KEYS.has(key)) faults.push(`${where}.${key} is no setting of a trunk`)
    const name = typeof trunk.name === 'string' ? trunk.name : ''
    if (name === '' || names.has(name)) faults.push(`${where}.name must be a text that no other trunk has`)
    names.add(name)
    const allowFrom = trunk.allowFrom === undefined ? [] : trunk.allowFrom
    if (!Array.isArray(allowFrom) || !allowFrom.every((a) => typeof a === 'string' && isCidr(a)))
      faults.push(
        `${where}.allowFrom must be a list of addresses or CIDRs, such as 192.0.2.10 or 192.0.2.0/24`,
      )
    const numberFormat = trunk.numberFormat ?? 'e164'
    if (numberFormat !== 'e164' && numberFormat !== 'national')
      faults.push(`${where}.numberFormat must be e164 or national`)
    const { collectDigits } = trunk
    if (collectDigits !== undefined && collectDigits !== 'answered' && collectDigits !== 'early')
      faults.push(`${where}.collectDigits must be answered or early`)
    for (const [user, password] of [
      ['username', 'password'],
      ['inboundUsername', 'inboundPassword'],
    ] as const)
      if ((trunk[user] === undefined) !== (trunk[password] === undefined))
        faults.push(`${where}.${user} and ${where}.${password} go together`)
    checkReleaseCodes(trunk.releaseCodes, `${where}.releaseCodes`, faults)
    const peer = trunk.peer === undefined ? undefined : readPeer(trunk.peer, `${where}.peer`, faults)
    return { ...trunk, name, allowFrom, numberFormat, ...(peer && { peer }) } as unknown as TrunkConfig
  })
}

function readPeer(given: unknown, where: string, faults: string[]): TrunkConfig['peer'] {
  const peer = (typeof given === 'object' && given !== null ? given : {}) as Json
  const { address, port = 5060, transport = 'udp' } = peer
  if (typeof address !== 'string' || isIP(address) === 0)
    faults.push(`${where}.address must be an IP address`)
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65535)
    faults.push(`${where}.port must be a whole number from 1 to 65535`)
  if (transport !== 'udp' && transport !== 'tcp') faults.push(`${where}.transport must be udp or tcp`)
  return { address, port, transport } as TrunkConfig['peer']
}

/** `{ "byStatus": { "480": 8104 }, "byCause": { "29": 8105 } }`. */
function checkReleaseCodes(given: unknown, where: string, faults: string[]): void {
  if (given === undefined) return
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

function take(tree: Json, path: string): unknown {
  let node: unknown = tree
  for (const key of path.split('.')) {
    if (typeof node !== 'object' || node === null) return undefined
    node = (node as Json)[key]
  }
  return node
}

function put(tree: Json, path: string, value: unknown): void {
  const keys = path.split('.')
  let node = tree
  for (const key of keys.slice(0, -1)) node = (node[key] ??= {}) as Json
  node[keys.at(-1)!] = value
}

function leftovers(file: Json): string[] {
  const known = new Set([...FIELDS.map((f) => f.path), 'sip.trunks'])
  const unknown: string[] = []
  const walk = (node: Json, prefix: string): void => {
    for (const [key, value] of Object.entries(node)) {
      const path = prefix + key
      if (known.has(path)) continue
      if (typeof value === 'object' && value !== null && [...known].some((k) => k.startsWith(`${path}.`)))
        walk(value as Json, `${path}.`)
      else unknown.push(path)
    }
  }
  walk(file, '')
  return unknown
}
