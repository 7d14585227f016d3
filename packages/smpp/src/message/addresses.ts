import type { MessageBody } from '../pdu/pdu.ts'

/** An address as SMPP carries it: type of number, numbering plan, digits (SMPP 3.4 §5.2.5–5.2.9). */
export type Address = { readonly ton: number; readonly npi: number; readonly digits: string }

/**
 * How E.164 numbers are written for an SMSC: `international` 8613800000021 (TON 1), `plus` +8613800000021 (TON 1), `national`
 * 13800000021 (TON 2; numbers of other countries stay international), `bare` 8613800000021 (TON 0, NPI 0).
 */
export type NumberForm = 'international' | 'plus' | 'national' | 'bare'

/** What an SMSC agreed on about numbers. */
export type AddressRules = {
  /** `86`. Needed by everything national. */
  readonly countryCode?: string
  /** How our source addresses are written; default `international`. */
  readonly source?: NumberForm
  /** How our destination addresses are written; default `international`. */
  readonly destination?: NumberForm
  /** What digits of an unknown type (TON 0) are when they come in; default `as-is`. */
  readonly unknown?: 'international' | 'national' | 'as-is'
}

const TON_UNKNOWN = 0
const TON_INTERNATIONAL = 1
const TON_NATIONAL = 2
const TON_ALPHANUMERIC = 5
const TON_ABBREVIATED = 6
const NPI_UNKNOWN = 0
const NPI_ISDN = 1

/** 20 characters and the NUL (§4.4.1). */
const MAX_DIGITS = 20

/**
 * A number or name for the wire: `+…` by the form, short digits (service numbers, up to 8) as abbreviated, longer digits
 * unchanged as unknown, a name as alphanumeric. Undefined when no address can carry it.
 */
export function writeAddress(
  number: string,
  form: NumberForm = 'international',
  countryCode?: string,
): Address | undefined {
  const address = chooseAddress(number, form, countryCode)
  return address.digits.length <= MAX_DIGITS && /^[\x20-\x7e]+$/.test(address.digits) ? address : undefined
}

function chooseAddress(number: string, form: NumberForm, countryCode: string | undefined): Address {
  if (/^\+\d+$/.test(number)) {
    const international = { ton: TON_INTERNATIONAL, npi: NPI_ISDN, digits: number.slice(1) }
    switch (form) {
      case 'international':
        return international
      case 'plus':
        return { ...international, digits: number }
      case 'bare':
        return { ...international, ton: TON_UNKNOWN, npi: NPI_UNKNOWN }
      case 'national':
        if (countryCode === undefined || !international.digits.startsWith(countryCode)) return international
        return { ...international, ton: TON_NATIONAL, digits: international.digits.slice(countryCode.length) }
    }
  }
  if (/^\d+$/.test(number)) {
    return { ton: number.length <= 8 ? TON_ABBREVIATED : TON_UNKNOWN, npi: NPI_ISDN, digits: number }
  }
  return { ton: TON_ALPHANUMERIC, npi: NPI_UNKNOWN, digits: number }
}

/** An address of the wire as `+8613800000021` where its type or the rules say so, else its digits as they are. */
export function readAddress({ ton, digits }: Address, rules: AddressRules = {}): string {
  const kind =
    ton === TON_INTERNATIONAL
      ? 'international'
      : ton === TON_NATIONAL
        ? 'national'
        : ton === TON_UNKNOWN
          ? (rules.unknown ?? 'as-is')
          : 'as-is'
  if (!/^\+?\d+$/.test(digits) || digits.startsWith('+')) return digits
  if (kind === 'international') return `+${digits.replace(/^00/, '')}`
  if (kind === 'national' && rules.countryCode !== undefined) {
    return `+${rules.countryCode}${digits.replace(/^0/, '')}`
  }
  return digits
}

/** What of a message says from whom and to whom it is. */
export type PartiesBody = Pick<
  MessageBody,
  | 'source_addr_ton'
  | 'source_addr_npi'
  | 'source_addr'
  | 'dest_addr_ton'
  | 'dest_addr_npi'
  | 'destination_addr'
>

/** Both addresses for the wire; `source` or `destination` when that one cannot be carried. */
export function writeParties(
  from: string,
  to: string,
  rules: AddressRules = {},
): PartiesBody | 'source' | 'destination' {
  const source = writeAddress(from, rules.source, rules.countryCode)
  if (source === undefined) return 'source'
  const destination = writeAddress(to, rules.destination, rules.countryCode)
  if (destination === undefined) return 'destination'
  return {
    source_addr_ton: source.ton,
    source_addr_npi: source.npi,
    source_addr: source.digits,
    dest_addr_ton: destination.ton,
    dest_addr_npi: destination.npi,
    destination_addr: destination.digits,
  }
}

/** Both addresses of a message of the wire, as `readAddress` reads each. */
export function readParties(
  body: PartiesBody,
  rules: AddressRules = {},
): { readonly from: string; readonly to: string } {
  const from = { ton: body.source_addr_ton, npi: body.source_addr_npi, digits: body.source_addr }
  const to = { ton: body.dest_addr_ton, npi: body.dest_addr_npi, digits: body.destination_addr }
  return { from: readAddress(from, rules), to: readAddress(to, rules) }
}
