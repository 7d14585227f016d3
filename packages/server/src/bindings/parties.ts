import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { Arrival } from './route.ts'

/** Rules that all modes share: who may be bound, and small works on requests. */

/** Countries whose numbers may be bound unless configured otherwise (spec/numbers-and-rules.md section 1). */
export const DEFAULT_COUNTRY_CODES: readonly string[] = ['86']

/** Emergency numbers in whatever country they are dialled (spec/numbers-and-rules.md section 8). */
const EMERGENCY = new Set(['110', '119', '120', '122', '999', '112', '911'])
/** Digits of a national number that is not a short number. */
const SHORTEST_NATIONAL = 7
/** 400 and 95 service numbers cannot be bound (spec/numbers-and-rules.md section 1). */
const SERVICE_NUMBER = /^(?:400\d{7}|95\d{3,6})$/

/** Whether A or B may be bound at all: country, length, no service and no emergency number. */
export function isBindable(number: E164, countryCodes: readonly string[]): boolean {
  const digits = number.slice(1)
  const country = countryCodes.find((code) => digits.startsWith(code))
  if (country === undefined) return false
  const national = digits.slice(country.length)
  if (national.length < SHORTEST_NATIONAL || EMERGENCY.has(national)) return false
  return country !== '86' || !SERVICE_NUMBER.test(national)
}

/** Whether it is a 400 or 95 service number, which A may call (AX temporary callee) but nobody can be. */
export const isServiceNumber = (number: E164): boolean =>
  number.startsWith('+86') && SERVICE_NUMBER.test(number.slice(3))

/** The caller as the callee may come to know him: nobody where he withholds his number. */
export const openCaller = ({ from, withheld }: Arrival): E164 | undefined => (withheld ? undefined : from)

/** The members that have a value: an absent one and one that is there as undefined mean the same. */
export function given<T extends object>(members: T): Partial<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Partial<T>
}

/** 0 = never expires. */
export function expiry(durationSec: number, at: EpochMs): { readonly expiresAt?: EpochMs } {
  return durationSec === 0 ? {} : { expiresAt: at + durationSec * 1000 }
}
