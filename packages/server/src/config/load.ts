import { readFileSync } from 'node:fs'
import { AppError } from '../shared/app-error.ts'
import { isDatabaseUrl, redactDatabaseUrl } from '../shared/database-url.ts'
import type { Config } from './config.ts'
import { readAggregators, readSmscs } from './read-sms-carriers.ts'
import { readTrunks } from './read-trunks.ts'
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
  const carriers = new Set<unknown>()
  put(config, 'sms.smscs', readSmscs(take(fromFile, 'sms.smscs'), faults, carriers))
  put(config, 'sms.aggregators', readAggregators(take(fromFile, 'sms.aggregators'), faults, carriers))
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
    if (/password|secret|token|accessKeyId/i.test(key)) return '***'
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
  const known = new Set([...FIELDS.map((f) => f.path), 'sip.trunks', 'sms.smscs', 'sms.aggregators'])
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
