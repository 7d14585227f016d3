import { header, type SipMessage, unescapeUser, wireToText } from '@maskline/sip'
import { maskNumber } from '../shared/e164.ts'
import { isSameNumber } from './same-number.ts'

export type Shown = {
  /** A number that is left as it is: who asks for it knows it. */
  readonly number?: string
  /** All numbers are, and keys in INFO. */
  readonly real?: boolean
}

/**
 * A message as text for a person at a terminal. Telephone numbers are masked wherever they stand; digest responses, media keys
 * and bodies other than SDP are never shown, whatever is asked for.
 */
export function maskedText(message: SipMessage, shown: Shown = {}): string {
  const mask = new Mask(shown)
  const { headers, body } = message
  const personal: [name: string, value: string][] = []
  for (let i = 0; i < headers.length; i += 2) personal.push([headers[i]!, headers[i + 1]!])
  // First what says numbers, so that they are known where they only may be part of something: a Call-ID, a session name.
  const masked = personal.map(([name, value]) =>
    PLAIN.has(name.toLowerCase()) ? value : mask.value(name, value),
  )
  const lines = [
    message.kind === 'request'
      ? `${message.method} ${mask.personal(message.uri)} SIP/2.0`
      : `SIP/2.0 ${message.status} ${mask.personal(message.reason)}`,
    ...personal.map(
      ([name], i) => `${name}: ${PLAIN.has(name.toLowerCase()) ? mask.known(masked[i]!) : masked[i]!}`,
    ),
    '',
  ]
  if (body.length > 0) lines.push(...bodyLines(message, mask, shown))
  // What a peer sends must not steer the terminal.
  return wireToText(lines.join('\n')).replace(CONTROL, '\ufffd')
}

// eslint-disable-next-line no-control-regex
const CONTROL = /[\0-\x08\x0b-\x1f\x7f-\x9f]/g

/** Headers that say who nobody is; a number that stands elsewhere in the message is masked in them too. */
const PLAIN: ReadonlySet<string> = new Set(
  `via call-id cseq rack rseq max-forwards content-length content-type content-encoding content-disposition mime-version
  expires min-expires min-se session-expires retry-after date timestamp user-agent server organization allow allow-events
  supported require proxy-require unsupported accept accept-encoding accept-language www-authenticate proxy-authenticate
  event subscription-state`.split(/\s+/),
)

const NOT_SHOWN = '(not shown)'

const IPV4 = String.raw`\b\d{1,3}(?:\.\d{1,3}){3}\b`
/** What people write between the digits of a number. */
const GAP = '[-.() ]{0,2}'

/** Tags and addresses, which are left; the user of a URI; any other digits that may be a number, in groups or not. */
const PERSONAL = new RegExp(
  [
    String.raw`(;tag=[^;,\s>]*|${IPV4})`,
    String.raw`((?:sips?|tel):)([^@<>\s"]*@|(?<=tel:)[^;<>\s,]*)`,
    String.raw`\+?\d(?:(?!${GAP}${IPV4})${GAP}\d){6,}`,
  ].join('|'),
  'gi',
)
/** A number in the user of a URI, where fewer digits are one too. */
const WRITTEN = /\+?\d(?:[-.() ]*\d){4,}/g
/** With an international prefix (ITU-T E.164 §6.1). What has more digits is several numbers. */
const MOST_DIGITS = 17

class Mask {
  readonly #shown: Shown
  /** The last digits of the numbers that were masked. */
  readonly #tails = new Set<string>()

  constructor(shown: Shown) {
    this.#shown = shown
  }

  value(name: string, value: string): string {
    switch (name.toLowerCase()) {
      case 'authorization':
      case 'proxy-authorization':
      case 'authentication-info':
        return this.personal(value.replace(/\b(response|rspauth)=(?:"[^"]*"|[^,\s]*)/gi, `$1="${NOT_SHOWN}"`))
      case 'identity':
        // Its numbers are signed, and encoded.
        return this.#shown.real === true ? value : NOT_SHOWN
      default:
        return this.personal(value)
    }
  }

  /** A text that names people. */
  personal(text: string): string {
    if (this.#shown.real === true) return text
    return text.replace(PERSONAL, (found, kept?: string, scheme?: string, user?: string) => {
      if (kept !== undefined) return kept
      if (scheme === undefined) return this.#number(found)
      return scheme + unescapeUser(user!).replace(WRITTEN, (number) => this.#number(number))
    })
  }

  /** Any other text: what is known to be a number is masked. */
  known(text: string): string {
    let masked = text
    for (const tail of this.#tails)
      masked = masked.replace(endingIn(tail), (found) => maskNumber(found.replace(/[^\d+]/g, '')))
    return masked
  }

  #number(written: string): string {
    const number = written.replace(/[^\d+]/g, '')
    const digits = number.replace('+', '')
    const asked = this.#shown.number
    if (asked !== undefined && digits.length <= MOST_DIGITS && isSameNumber(asked, digits)) return written
    if (digits.length >= 7) this.#tails.add(digits.slice(-8))
    return maskNumber(number)
  }
}

/** A number by its last digits, in groups or not. */
const endingIn = (tail: string): RegExp =>
  new RegExp(String.raw`\+?(?:\d[-() ]{0,2}){0,12}${[...tail].join(GAP)}`, 'g')

function bodyLines(message: SipMessage, mask: Mask, { real = false }: Shown): readonly string[] {
  const { body } = message
  const type = (header(message, 'Content-Type') ?? 'no type').split(';', 1)[0]!.trim().toLowerCase()
  const text = Buffer.from(body).toString('latin1')
  if (type === 'application/sdp') return text.split(/\r\n|\r|\n/).map((line) => sdpLine(line, mask, real))
  // A key in INFO may be of a number, or of a secret one.
  if (real && type.startsWith('application/dtmf')) return text.split(/\r\n|\r|\n/)
  return [`(${body.length} bytes of ${type}, not shown)`, '']
}

/** Media keys never; names, mail addresses and telephone numbers of people only where all is. */
function sdpLine(line: string, mask: Mask, real: boolean): string {
  const key = /^(k=|a=(?:crypto|ice-pwd|key-mgmt):)/i.exec(line)?.[1]
  if (key !== undefined) return `${key}${NOT_SHOWN}`
  if (real) return line
  if (/^[eipu]=/.test(line)) return `${line.slice(0, 2)}${NOT_SHOWN}`
  if (line.startsWith('s=')) return mask.personal(line)
  const [user = '', ...rest] = line.split(' ')
  return line.startsWith('o=') ? [mask.personal(user), ...rest].join(' ') : mask.known(line)
}
