import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, isIPv4 } from 'node:net'
import type { Naptr, Srv } from '../resolve/records.ts'

/** What the server knows, and how it behaves, by name in lower case. */
export type DnsZone = {
  readonly addresses?: Readonly<Record<string, readonly string[]>>
  readonly srv?: Readonly<Record<string, readonly Srv[]>>
  readonly naptr?: Readonly<Record<string, readonly Naptr[]>>
  /** Never answered. */
  readonly silent?: readonly string[]
  /** SERVFAIL. */
  readonly failing?: readonly string[]
  /** Too long for a datagram: the answer is to be fetched by TCP. */
  readonly long?: readonly string[]
  /** Before the true answer come one to another query and one about another name. */
  readonly forged?: readonly string[]
}

export type TestDnsServer = {
  /** `address:port`, for `setServers`. */
  readonly address: string
  /** `TYPE name` of each question, in the order they came. */
  readonly asked: string[]
  close(): Promise<void>
}

const TYPES = { A: 1, AAAA: 28, SRV: 33, NAPTR: 35 } as const
type Type = keyof typeof TYPES
const RCODE = { ok: 0, serverFailure: 2, nameError: 3 } as const

/** A DNS server on loopback (RFC 1035) with records of `ttlSec`, for tests of resolution. */
export async function openDnsServer(zone: DnsZone, ttlSec = 60): Promise<TestDnsServer> {
  const socket = createSocket('udp4')
  const asked: string[] = []
  socket.on('message', (query, { address, port }) => {
    const { name, type, end } = questionOf(query)
    asked.push(`${type ?? '?'} ${name}`)
    const reply = (answer: Buffer): void => socket.send(answer, port, address)
    if (zone.silent?.includes(name) === true) return
    if (zone.long?.includes(name) === true) {
      // TC, and none of the records.
      const cut = Buffer.concat([answerTo(query, {}, ttlSec).subarray(0, 12), query.subarray(12, end)])
      cut.writeUInt16BE(cut.readUInt16BE(2) | 0x0200, 2)
      reply(cut)
      return
    }
    if (zone.forged?.includes(name) === true) {
      const lie: DnsZone = { addresses: { [name]: ['192.0.2.66'] } }
      const ofOtherQuery = answerTo(query, lie, ttlSec)
      ofOtherQuery.writeUInt16BE(ofOtherQuery.readUInt16BE(0) ^ 0xffff, 0)
      const ofOtherName = answerTo(query, lie, ttlSec)
      ofOtherName[13] = 0x78
      reply(ofOtherQuery)
      reply(ofOtherName)
    }
    reply(answerTo(query, zone, ttlSec))
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  // RFC 1035 §4.2.2: the same messages, each behind its length.
  const stream = createServer((connection) => {
    connection.on('error', () => {})
    connection.once('data', (bytes) => {
      const query = bytes.subarray(2)
      const { name, type } = questionOf(query)
      asked.push(`${type ?? '?'} ${name} by TCP`)
      const answer = answerTo(query, zone, ttlSec)
      connection.end(Buffer.concat([shorts(answer.length), answer]))
    })
  })
  stream.listen(socket.address().port, '127.0.0.1')
  await once(stream, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    close: async () => {
      socket.close()
      stream.close()
      await Promise.all([once(socket, 'close'), once(stream, 'close')])
    },
  }
}

function answerTo(query: Buffer, zone: DnsZone, ttlSec: number): Buffer {
  const { name, type, end } = questionOf(query)
  const isKnown = [zone.addresses, zone.srv, zone.naptr].some((part) => part?.[name] !== undefined)
  const isFailing = zone.failing?.includes(name) === true
  const rcode = isFailing ? RCODE.serverFailure : isKnown ? RCODE.ok : RCODE.nameError
  const data = type === undefined || isFailing ? [] : dataOf(zone, type, name)
  const header = Buffer.alloc(12)
  query.copy(header, 0, 0, 2)
  // QR, AA and RD; RA with the code; one question.
  header.writeUInt16BE(0x8580 | rcode, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(data.length, 6)
  const records = data.map((one) => recordOf(type!, ttlSec, one))
  return Buffer.concat([header, query.subarray(12, end), ...records])
}

function questionOf(query: Buffer): { name: string; type: Type | undefined; end: number } {
  const labels: string[] = []
  let at = 12
  for (let size = query[at]!; size > 0; size = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + size))
    at += 1 + size
  }
  const code = query.readUInt16BE(at + 1)
  const type = (Object.keys(TYPES) as Type[]).find((one) => TYPES[one] === code)
  return { name: labels.join('.').toLowerCase(), type, end: at + 5 }
}

function dataOf(zone: DnsZone, type: Type, name: string): Buffer[] {
  switch (type) {
    case 'A':
      return (zone.addresses?.[name] ?? [])
        .filter(isIPv4)
        .map((address) => Buffer.from(address.split('.').map(Number)))
    case 'AAAA':
      return (zone.addresses?.[name] ?? []).filter((address) => !isIPv4(address)).map(ipv6Bytes)
    case 'SRV':
      return (zone.srv?.[name] ?? []).map((one) =>
        Buffer.concat([shorts(one.priority, one.weight, one.port), nameBytes(one.name)]),
      )
    case 'NAPTR':
      return (zone.naptr?.[name] ?? []).map((one) =>
        Buffer.concat([
          shorts(one.order, one.preference),
          ...[one.flags, one.service, ''].map(textBytes),
          nameBytes(one.replacement),
        ]),
      )
    default:
      return type satisfies never
  }
}

/** The name of a record is a pointer to the question (RFC 1035 §4.1.4). */
function recordOf(type: Type, ttlSec: number, data: Buffer): Buffer {
  return Buffer.concat([shorts(0xc00c, TYPES[type], 1, 0, ttlSec, data.length), data])
}

const shorts = (...values: readonly number[]): Buffer =>
  Buffer.from(values.flatMap((value) => [value >> 8, value & 0xff]))

const textBytes = (text: string): Buffer =>
  Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')])

const nameBytes = (name: string): Buffer =>
  Buffer.concat([
    ...name
      .split('.')
      .filter((label) => label !== '')
      .map(textBytes),
    Buffer.from([0]),
  ])

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = address.split('::')
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((one) => parseInt(one, 16))
  const start = groups(head)
  const end = groups(tail ?? '')
  const gap = tail === undefined ? 0 : 8 - start.length - end.length
  return shorts(...start, ...Array.from({ length: gap }, () => 0), ...end)
}
