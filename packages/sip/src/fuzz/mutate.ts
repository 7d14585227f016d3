/** A source of chance: numbers in [0, 1). */
export type Random = () => number

export const below = (random: Random, limit: number): number => Math.floor(random() * limit)
export const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)]!

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

/** What breaks parsers: delimiters, line ends, control characters, half words of the grammar. */
const SPICE = [
  ...[
    '\r\n',
    '\r',
    '\n',
    '\r\n ',
    '\r\n\r\n',
    '\0',
    '\t',
    ' ',
    '"',
    '\\',
    '\\"',
    '<',
    '>',
    ';',
    ',',
    ':',
    '@',
    '=',
  ],
  ...[
    '%',
    '%00',
    '%zz',
    '[',
    ']',
    '[::',
    '*',
    '?',
    '&',
    '/',
    '(',
    ')',
    '\x7f',
    '\xff',
    '\xc3\xa9',
    '\xe4\xb8',
    'é',
  ],
  ...[
    'SIP/2.0',
    'SIP/2.0/UDP ',
    ';tag=',
    ';branch=',
    ';branch=z9hG4bK',
    ';lr',
    ';rport',
    ';received=',
    ';maddr=',
  ],
  ...[
    'Content-Length: 9',
    'l:',
    'v:',
    'i:',
    'Digest ',
    'sip:',
    'sips:',
    'tel:',
    '<sip:',
    '__proto__',
    'Require: 100rel',
  ],
].map(latin1)

const NUMBERS = [
  '0',
  '-1',
  '00',
  '1e9',
  '255',
  '256',
  '65535',
  '65536',
  '2147483647',
  '2147483648',
  '4294967296',
]
  .concat(['9007199254740993', '99999999999999999999999999', '0x10', '１', ''])
  .map(latin1)

/** Headers that decide something, with values that lie about it. */
const LIES = [
  ...[
    'Content-Length: 0',
    'Content-Length: 99999',
    'Content-Length: -5',
    'Content-Encoding: gzip',
    'Require: x',
  ],
  ...['Max-Forwards: 0', 'Expires: 99999999999', 'Retry-After: 1', 'Route: <sip:192.0.2.7;lr>', 'Contact: *'],
  ...[
    'Contact: <sip:[::1]:0>',
    'Record-Route: <sip:nowhere.invalid;lr>',
    'Accept: text/plain',
    'RSeq: 1',
    'RAck: 1 1 INVITE',
  ],
  ...[
    'Require: 100rel',
    'Require: timer',
    'Supported: 100rel, timer',
    'Session-Expires: 0',
    'Session-Expires: 90;refresher=uas',
  ],
  ...[
    'Min-SE: 4294967296',
    'Replaces: x;to-tag=a;from-tag=b',
    'Refer-To: <sip:x>',
    'Event: refer',
    'Reason: Q.850;cause=16',
  ],
  ...[
    'Privacy: id',
    'P-Asserted-Identity: <sip:a@b>, <tel:+1>',
    'Timestamp: 1',
    'Authorization: Digest username="',
    'Via: x',
  ],
].map(latin1)

type Edit = (bytes: Buffer, random: Random, other: () => Buffer) => Buffer

/** Replaces `bytes[at, to)`. */
const put = (bytes: Buffer, at: number, to: number, piece: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(to)])

const run = (bytes: Buffer, random: Random): readonly [number, number] => {
  const at = below(random, bytes.length + 1)
  return [at, Math.min(bytes.length, at + below(random, 40))]
}

/** Start and end, line end included, of one line of the head. */
function line(bytes: Buffer, random: Random): readonly [number, number] {
  const at = below(random, bytes.length + 1)
  const start = at === 0 ? 0 : bytes.lastIndexOf('\n', at - 1) + 1
  const end = bytes.indexOf('\n', at)
  return [start, end < 0 ? bytes.length : end + 1]
}

/** Start and end of a run of digits, or of nothing. */
function digits(bytes: Buffer, random: Random): readonly [number, number] {
  const isDigit = (at: number): boolean => at < bytes.length && bytes[at]! >= 0x30 && bytes[at]! <= 0x39
  let at = below(random, bytes.length + 1)
  while (at < bytes.length && !isDigit(at)) at++
  let end = at
  while (isDigit(end)) end++
  return [at, end]
}

const EDITS: Readonly<Record<string, Edit>> = {
  'a byte changed': (bytes, random) => {
    const at = below(random, bytes.length)
    return put(bytes, at, at + 1, Buffer.of(below(random, 256)))
  },
  'a bit flipped': (bytes, random) => {
    const at = below(random, bytes.length)
    return put(bytes, at, at + 1, Buffer.of((bytes[at] ?? 0) ^ (1 << below(random, 8))))
  },
  'a run cut out': (bytes, random) => put(bytes, ...run(bytes, random), Buffer.alloc(0)),
  'a run doubled': (bytes, random) => {
    const [at, to] = run(bytes, random)
    return put(bytes, to, to, bytes.subarray(at, to))
  },
  'a run moved': (bytes, random) => {
    const [at, to] = run(bytes, random)
    const rest = put(bytes, at, to, Buffer.alloc(0))
    const into = below(random, rest.length + 1)
    return put(rest, into, into, bytes.subarray(at, to))
  },
  'a run repeated often': (bytes, random) => {
    const [at, to] = run(bytes, random)
    const times = 1 + below(random, 400)
    return put(bytes, at, to, Buffer.concat(Array.from({ length: times }, () => bytes.subarray(at, to))))
  },
  'spice put in': (bytes, random) => {
    const [at, to] = run(bytes, random)
    return put(bytes, at, random() < 0.5 ? at : to, pick(random, SPICE))
  },
  'a number replaced': (bytes, random) => put(bytes, ...digits(bytes, random), pick(random, NUMBERS)),
  'a line doubled': (bytes, random) => {
    const [at, to] = line(bytes, random)
    return put(bytes, to, to, bytes.subarray(at, to))
  },
  'a line cut out': (bytes, random) => put(bytes, ...line(bytes, random), Buffer.alloc(0)),
  'a line of another message': (bytes, random, other) => {
    const donor = other()
    const [at, to] = line(donor, random)
    const [into] = line(bytes, random)
    return put(bytes, into, into, donor.subarray(at, to))
  },
  'a lie put in': (bytes, random) => {
    const [into] = line(bytes, random)
    return put(bytes, into, into, Buffer.concat([pick(random, LIES), latin1('\r\n')]))
  },
  'a line folded': (bytes, random) => {
    const at = below(random, bytes.length + 1)
    return put(
      bytes,
      at,
      at,
      latin1(pick(random, ['\r\n ', '\r\n\t', '\r\n \r\n ', '\n ', '\r ']).repeat(1 + below(random, 30))),
    )
  },
  'all line ends changed': (bytes, random) =>
    latin1(bytes.toString('latin1').replaceAll('\r\n', pick(random, ['\n', '\r', '\r\n\r\n', '\r\r\n']))),
  'the end lost': (bytes, random) => bytes.subarray(0, below(random, bytes.length + 1)),
  'two messages crossed': (bytes, random, other) => {
    const donor = other()
    return Buffer.concat([
      bytes.subarray(0, below(random, bytes.length + 1)),
      donor.subarray(below(random, donor.length + 1)),
    ])
  },
  'written as UTF-16': (bytes, random) => {
    const at = below(random, bytes.length + 1)
    return put(bytes, at, bytes.length, Buffer.from(bytes.toString('latin1', at), 'utf16le'))
  },
}
const EDIT_LIST = Object.values(EDITS)
/** What one mutant may grow to, bytes: a datagram. */
const LONGEST = 65_507

/** One to five edits of a message, few more often than many. */
export function mutate(original: Uint8Array, random: Random, other: () => Buffer): Buffer {
  let bytes = Buffer.from(original)
  for (let edits = 1 + Math.floor(random() * random() * 5); edits > 0; edits--) {
    bytes = Buffer.from(pick(random, EDIT_LIST)(bytes, random, other))
    if (bytes.length > LONGEST) bytes = bytes.subarray(0, LONGEST)
  }
  return bytes
}
