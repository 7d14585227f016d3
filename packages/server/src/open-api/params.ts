import { isServiceNumber } from '../bindings/parties.ts'
import { isGlobalForm, parseApiNumber, type E164 } from '../shared/e164.ts'

/**
 * Parameter tables as the spec prints them. A table names each parameter, how to read it and whether it is required;
 * `readParams` gives plain typed values or the name of the first culprit. Both JSON members and query strings go
 * through it, so every reader is lenient about the type that carries a value (spec/client-habits.md 6 and 7).
 */
export type Params = Readonly<Record<string, unknown>>

/** A value that breaks its parameter's rule; `within` names the member of an object that is to blame. */
export class Invalid {
  readonly within: string | undefined
  constructor(within?: string) {
    this.within = within
  }
}
const INVALID = new Invalid()

/**
 * Turns a given value into the wanted one; `undefined` means not given after all (an empty optional text). `schema` is
 * what the OpenAPI document says of it (JSON Schema): the documented form, of which the reader takes more.
 */
export type Reader<T> = {
  (raw: unknown): T | undefined | Invalid
  readonly schema: JsonSchema
}
export type JsonSchema = { readonly [keyword: string]: unknown }

/** A reader with its schema. */
export function reader<T>(schema: JsonSchema, read: (raw: unknown) => T | undefined | Invalid): Reader<T> {
  return Object.assign((raw: unknown) => read(raw), { schema })
}

export type Param<T, Required extends boolean> = { readonly read: Reader<T>; readonly required: Required }

export type Table = Readonly<Record<string, Param<unknown, boolean>>>

export type Values<T extends Table> = {
  readonly [K in keyof T as T[K]['required'] extends true ? K : never]: ValueOf<T[K]>
} & {
  readonly [K in keyof T as T[K]['required'] extends true ? never : K]?: ValueOf<T[K]>
}
type ValueOf<P> = P extends Param<infer V, boolean> ? V : never

export type Read<T extends Table> =
  { readonly ok: true; readonly values: Values<T> } | { readonly ok: false; readonly parameter: string }

export function required<T>(read: Reader<T>): Param<T, true> {
  return { read, required: true }
}

export function optional<T>(read: Reader<T>): Param<T, false> {
  return { read, required: false }
}

/** Reads the parameters of a table in its order. JSON null counts as not given; unknown parameters are ignored. */
export function readParams<T extends Table>(table: T, source: Params): Read<T> {
  const values: Record<string, unknown> = {}
  for (const name in table) {
    const param = table[name]
    const raw = source[name]
    const value = raw === undefined || raw === null ? undefined : param?.read(raw)
    if (value instanceof Invalid) {
      return { ok: false, parameter: value.within === undefined ? name : `${name}.${value.within}` }
    }
    if (value === undefined && param?.required) return { ok: false, parameter: name }
    if (value !== undefined) values[name] = value
  }
  return { ok: true, values: values as Values<T> }
}

/** String(min-max), length in characters. With min 0 an empty text counts as not given. A JSON number is its digits. */
export function text(min: number, max: number): Reader<string> {
  return reader({ type: 'string', minLength: min, maxLength: max }, (raw) => {
    const value = typeof raw === 'number' ? String(raw) : raw
    if (typeof value !== 'string' || value.length < min || value.length > max) return INVALID
    return value === '' ? undefined : value
  })
}

const WHOLE = /^\d{1,15}$/

/** Integer in a closed range, as a JSON number or as its digits. */
export function integer(min: number, max: number): Reader<number> {
  return reader({ type: 'integer', minimum: min, maximum: max }, (raw) => {
    const value = typeof raw === 'string' && WHOLE.test(raw) ? Number(raw) : raw
    return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
      ? value
      : INVALID
  })
}

/** An integer that never fails: absent, no number or out of range gives the default. */
export function integerOr(fallback: number, min: number, max: number): Reader<number> {
  const read = integer(min, max)
  return reader({ ...read.schema, default: fallback }, (raw) => {
    const value = read(raw)
    return value instanceof Invalid ? fallback : value
  })
}

/** String enum with fixed values; a JSON number counts as its digits. */
export function oneOf<const T extends string>(...allowed: readonly T[]): Reader<T> {
  return reader(
    { type: 'string', enum: allowed },
    (raw) =>
      allowed.find((value) => value === raw || (typeof raw === 'number' && value === String(raw))) ?? INVALID,
  )
}

/** The boolean enum `"true"`/`"false"`, any letter case, or a JSON boolean. */
export const flag: Reader<boolean> = reader({ type: 'string', enum: ['true', 'false'] }, (raw) => {
  if (typeof raw === 'boolean') return raw
  const word = typeof raw === 'string' ? raw.toLowerCase() : undefined
  return word === 'true' ? true : word === 'false' ? false : INVALID
})

/** A real number, A or B: mobile or fixed line in global form. */
export const partyNumber: Reader<E164> = reader(
  { type: 'string', pattern: String.raw`^\+\d{5,31}$`, examples: ['+8613800000021', '+8675528000001'] },
  (raw) => (typeof raw === 'string' ? parseApiNumber(raw) : undefined) ?? INVALID,
)

/** Who may be called though nobody can be bound so: A or B, and 400 and 95 numbers. */
export const calleeNumber: Reader<E164> = reader(
  { type: 'string', pattern: String.raw`^\+\d{5,30}$`, examples: ['+8613800000022', '+8695588'] },
  (raw) => {
    if (typeof raw !== 'string' || !isGlobalForm(raw)) return INVALID
    return parseApiNumber(raw) ?? (isServiceNumber(raw) ? raw : INVALID)
  },
)

/** A virtual number in global form. Its length is the number plan's business (client-habits 27: 15-digit X). */
export const virtualNumber: Reader<E164> = reader(
  { type: 'string', pattern: String.raw`^\+\d{5,30}$`, examples: ['+8617000000001'] },
  (raw) => (typeof raw === 'string' && raw.length <= 31 && isGlobalForm(raw) ? raw : INVALID),
)

/** City code: `0755` as documented, `755` as some clients send it. */
export const cityCode: Reader<string> = reader(
  { type: 'string', maxLength: 32, examples: ['0755', '010'] },
  (raw) => {
    const code = text(0, 32)(raw)
    return typeof code === 'string' && /^[1-9]\d{1,3}$/.test(code) ? `0${code}` : code
  },
)

/** A query-string parameter where form decoding may have turned the leading `+` into a blank. */
export function blankAsPlus<T>(read: Reader<T>): Reader<T> {
  return reader(read.schema, (raw) =>
    read(typeof raw === 'string' && raw.startsWith(' ') ? `+${raw.slice(1)}` : raw),
  )
}

/** An empty text counts as not given, whatever the lower bound. Only for reading requests: it widens the answer. */
export function emptyAsAbsent<T>(read: Reader<T>): Reader<T> {
  return reader(read.schema, (raw) => (raw === '' ? undefined : read(raw)))
}

/** A JSON object whose members follow a table; `undefined` when none of them is given. */
export function object<T extends Table>(table: T): Reader<Values<T>> {
  return reader(schemaOf(table), (raw) => {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return INVALID
    const read = readParams(table, raw as Params)
    if (!read.ok) return new Invalid(read.parameter)
    return Object.keys(read.values).length === 0 ? undefined : read.values
  })
}

/** JSON Schema of the object a table describes. */
export function schemaOf(table: Table): JsonSchema {
  const names = Object.keys(table)
  const required = names.filter((name) => table[name]?.required)
  return {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, table[name]!.read.schema])),
    ...(required.length > 0 && { required }),
  }
}

/**
 * The JSON object of a body. An empty body is an object without members; broken UTF-8 is read with replacement
 * characters, because an official sample cuts non-ASCII characters (spec/auth-and-errors.md section 2). Of duplicate
 * keys the last counts.
 */
export function parseJsonObject(bytes: Buffer | undefined): Params | undefined {
  if (bytes === undefined || bytes.length === 0) return {}
  try {
    const value: unknown = JSON.parse(withoutBom(bytes.toString('utf8')))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Params)
      : undefined
  } catch {
    return undefined
  }
}

function withoutBom(json: string): string {
  return json.charCodeAt(0) === 0xfeff ? json.slice(1) : json
}
