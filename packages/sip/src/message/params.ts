import {
  COMMA,
  EQUALS,
  GREATER,
  LESS,
  QUOTE,
  SEMICOLON,
  SP,
  endOfQuoted,
  skipBlanks,
  trimmed,
  unquote,
} from './chars.ts'

/**
 * Parameters after `;`, names in lower case. A flag (`;lr`) is there with the value undefined: test with `'lr' in params`.
 * Has no prototype, so a peer's `;toString=x` is only a key.
 */
export type Params = Readonly<Record<string, string | undefined>>

export const NO_PARAMS: Params = Object.freeze(Object.create(null) as Record<string, string | undefined>)

/**
 * Reads `;name=value;flag` from `from`, which must be at a `;`, a blank or the end. Quoted values come unquoted. Of a name
 * that comes twice, the first counts. Undefined when a name is empty, a quote never closes, or an unquoted part has blanks,
 * commas, quotes or angle brackets in it.
 */
export function parseParams(text: string, from: number, to = text.length): Params | undefined {
  let i = skipBlanks(text, from, to)
  if (i === to) return NO_PARAMS
  const params = Object.create(null) as Record<string, string | undefined>
  while (i < to) {
    if (text.charCodeAt(i) !== SEMICOLON) return undefined
    const nameAt = i + 1
    i = nameAt
    let equalsAt = -1
    let value: string | undefined
    for (; i < to; i++) {
      const code = text.charCodeAt(i)
      if (code === SEMICOLON) break
      if (code === EQUALS && equalsAt < 0) {
        equalsAt = i
        const valueAt = skipBlanks(text, i + 1, to)
        if (text.charCodeAt(valueAt) === QUOTE && valueAt < to) {
          const end = endOfQuoted(text, valueAt, to)
          if (end < 0) return undefined
          value = unquote(text.slice(valueAt, end))
          i = skipBlanks(text, end, to)
          break
        }
      }
    }
    const name = trimmed(text, nameAt, equalsAt < 0 ? i : equalsAt).toLowerCase()
    if (name === '' || !isPlain(name)) return undefined
    if (equalsAt >= 0 && value === undefined) {
      value = trimmed(text, equalsAt + 1, i)
      if (!isPlain(value)) return undefined
    }
    if (!(name in params)) params[name] = value
  }
  return params
}

function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code <= SP || code === QUOTE || code === COMMA || code === LESS || code === GREATER) return false
  }
  return true
}

/** `;name=value;flag`, values as they are. */
export function formatParams(params: Params): string {
  let text = ''
  for (const name in params) {
    const value = params[name]
    text += value === undefined ? `;${name}` : `;${name}=${value}`
  }
  return text
}
