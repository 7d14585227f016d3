/**
 * A telephone number in global form: `+`, country code, national number; digits only after the `+`
 * (spec/numbers-and-rules.md section 1). The only form that is stored, compared, pushed or signalled inside.
 */
export type E164 = string & { readonly brand: 'E164' }

const GLOBAL_FORM = /^\+[1-9]\d{4,30}$/
const CHINA_MOBILE = /^\+861[3-9]\d{9}$/
/**
 * Area code without its leading 0 and 7 or 8 digits: 10, 2x, or three digits whose second is no 0 but for 701
 * (Yingtan). 400 and 800 are service numbers, which nobody's line is.
 */
const CHINA_FIXED = /^\+86(?:10|2\d|[3-9][1-9]\d|701)\d{7,8}$/

/** Whether a text is a number in global form, of any country and kind. */
export const isGlobalForm = (text: string): text is E164 => GLOBAL_FORM.test(text)

/** Reads a number as the API demands it: `+` and digits. A `+86` number must be a mobile or a fixed line. */
export function parseApiNumber(text: string): E164 | undefined {
  if (!isGlobalForm(text)) return undefined
  if (text.startsWith('+86') && !CHINA_MOBILE.test(text) && !CHINA_FIXED.test(text)) return undefined
  return text
}

/** Mainland virtual numbers: mobiles, and the 15 digits of the range 700 (spec/client-habits.md 27). */
const CHINA_VIRTUAL = /^\+86(?:1[3-9]\d{9}|700\d{12})$/

/** Reads a number that is to be an X: in mainland China of a range for virtual numbers, elsewhere any. */
export function parseVirtualNumber(text: string): E164 | undefined {
  if (!isGlobalForm(text)) return undefined
  return text.startsWith('+86') && !CHINA_VIRTUAL.test(text) ? undefined : text
}

/** True for a mainland mobile. */
export const isMobile = (number: E164): boolean => CHINA_MOBILE.test(number)

/** True for a mainland fixed line: such a number can be called but may not call X (release code 8023). */
export function isFixedLine(number: E164): boolean {
  return number.startsWith('+86') && !CHINA_MOBILE.test(number) && CHINA_FIXED.test(number)
}

/**
 * Normalises what a SIP peer sends as a user part: `+8613…`, `8613…`, `008613…`, `013…`, `13…`, `17…`, `0755…`
 * (spec/numbers-and-rules.md section 1) to global form; `undefined` when it cannot be a number.
 * `countryCode` is the digits that a national number gets, by default `86`.
 */
export function normaliseDialled(user: string, countryCode = '86'): E164 | undefined {
  let digits = user.replace(/[-.() ]/g, '')
  if (digits.startsWith('+')) digits = digits.slice(1)
  else if (digits.startsWith('00')) digits = digits.slice(2)
  else if (digits.startsWith('0')) digits = countryCode + digits.slice(1)
  else if (!(digits.startsWith(countryCode) && digits.length > 11)) digits = countryCode + digits
  const number = `+${digits}`
  return isGlobalForm(number) ? number : undefined
}

/** `+8613800000021` → `+86*********21`: country code and last two digits, for logs and consoles. */
export function maskNumber(number: string): string {
  if (number.length < 6) return '*'.repeat(number.length)
  const head = number.startsWith('+86') ? 3 : number.startsWith('+') ? 2 : 0
  return number.slice(0, head) + '*'.repeat(number.length - head - 2) + number.slice(-2)
}
