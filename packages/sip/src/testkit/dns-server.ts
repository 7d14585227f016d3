import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv4 } from 'node:net'
import type { Naptr, Srv } from '../resolve/records.ts'

/** What the server knows, by name in lower case. A name of `silent` gets no answer at all, one of `failing` SERVFAIL. */
export type DnsZone = {
  readonly addresses?: Readonly<Record<string, readonly string[]>>
  readonly srv?: Readonly<Record<string, readonly Srv[]>>
  readonly naptr?: Readonly<Record<string, readonly Naptr[]>>
  readonly silent?: readonly string[]
  readonly failing?: readonly string[]
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
    if (zone.silent?.includes(name) === true) return
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
    socket.send(Buffer.concat([header, query.subarray(12, end), ...records]), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    close: async () => {
      socket.close()
      await once(socket, 'close')
    },
  }
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
