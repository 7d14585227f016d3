import { isBlank, isToken, skipBlanks } from './chars.ts'

export type CSeq = { readonly seq: number; readonly method: string }

/** Reads `4711 INVITE`. Undefined unless 0 <= seq < 2^31 and a method follows (RFC 3261 §8.1.1.5, §20.16). */
export function parseCSeq(text: string): CSeq | undefined {
  const length = text.length
  let seq = 0
  let i = 0
  for (; i < length; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) break
    seq = seq * 10 + digit
    if (seq > 0x7fffffff) return undefined
  }
  if (i === 0 || i === length || !isBlank(text.charCodeAt(i))) return undefined
  const methodAt = skipBlanks(text, i)
  if (!isToken(text, methodAt)) return undefined
  return { seq, method: text.slice(methodAt) }
}
