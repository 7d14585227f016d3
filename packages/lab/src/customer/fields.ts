/** A member of an object in a push, and what its value must be. */
export type FieldType =
  'text' | 'any-text' | 'integer' | 'number' | 'time' | 'time-or-empty' | 'instant' | 'extras'
export type Field = { readonly name: string; readonly type: FieldType; readonly required: boolean }

export const must = (type: FieldType, ...names: string[]): Field[] =>
  names.map((name) => ({ name, type, required: true }))
export const may = (type: FieldType, ...names: string[]): Field[] =>
  names.map((name) => ({ name, type, required: false }))

/** Throws an Error unless the members are these, in this order, and fit; it names the one that does not. */
export function checkFields(value: unknown, fields: readonly Field[]): void {
  if (!isObject(value)) throw new Error('not an object')
  const names = Object.keys(value)
  let at = 0
  for (const field of fields) {
    if (names[at] === field.name) {
      if (!FITS[field.type](value[field.name])) throw new Error(`${field.name} is not a valid ${field.type}`)
      at++
    } else if (field.required) {
      throw new Error(`${field.name} is missing or out of order`)
    }
  }
  if (at < names.length) throw new Error(`${names[at]} is unknown or out of order`)
}

/** The keys of `extParas` of an SMS; each value is text. */
const EXTRAS: Readonly<Record<string, RegExp>> = { splitNum: /^\d{1,3}$/, direction: /^[012]$/ }

const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/

const FITS: Readonly<Record<FieldType, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string' && value !== '',
  'any-text': (value) => typeof value === 'string',
  integer: Number.isInteger,
  /** Global form; empty for a caller who withholds the number. */
  number: (value) => typeof value === 'string' && /^(?:\+[1-9]\d{4,30})?$/.test(value),
  time: (value) => typeof value === 'string' && TIME.test(value),
  'time-or-empty': (value) => value === '' || (typeof value === 'string' && TIME.test(value)),
  /** UTC with milliseconds. */
  instant: (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value),
  /** `{"extParas":[{"key":"splitNum","value":"1"},{"key":"direction","value":"1"}]}`. */
  extras(value) {
    const list = isObject(value) && Object.keys(value).join() === 'extParas' ? value['extParas'] : undefined
    if (!Array.isArray(list) || list.map(keyOf).join() !== Object.keys(EXTRAS).join()) return false
    return list.every(
      (extra: { key: string; value: unknown }) =>
        typeof extra.value === 'string' && EXTRAS[extra.key]!.test(extra.value),
    )
  },
}

const keyOf = (extra: unknown): unknown =>
  isObject(extra) && Object.keys(extra).join() === 'key,value' ? extra['key'] : undefined

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
