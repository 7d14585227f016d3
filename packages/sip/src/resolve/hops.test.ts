import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseUri } from '../message/uri.ts'
import { seededRandom } from '../testkit/random.ts'
import type { Hop, TransportName } from '../transport/address.ts'
import { hopsOf } from './hops.ts'
import type { Records } from './hops.ts'
import { planOf } from './plan.ts'
import { inTurn } from './records.ts'
import type { Naptr, Srv } from './records.ts'

const ALL: ReadonlySet<TransportName> = new Set<TransportName>(['udp', 'tcp', 'tls'])

type Zone = {
  readonly naptr?: Readonly<Record<string, readonly Naptr[]>>
  readonly srv?: Readonly<Record<string, readonly Srv[]>>
  readonly addresses?: Readonly<Record<string, readonly string[]>>
}

/** The hops as `transport address:port serverName`, and what was asked for. */
async function located(
  uri: string,
  zone: Zone,
  spoken = ALL,
): Promise<{ readonly hops: string[]; readonly asked: string[] }> {
  const asked: string[] = []
  const look = <T>(kind: string, from: Readonly<Record<string, readonly T[]>> | undefined) => {
    return (name: string): Promise<readonly T[]> => {
      asked.push(`${kind} ${name}`)
      return Promise.resolve(from?.[name] ?? [])
    }
  }
  const records: Records = {
    naptr: look('naptr', zone.naptr),
    srv: look('srv', zone.srv),
    addresses: look('host', zone.addresses),
  }
  const plan = planOf(parseUri(uri)!, spoken)
  const hops = plan === undefined ? [] : await hopsOf(plan, spoken, records, () => 0.5)
  return { hops: hops.map(written), asked }
}

const written = ({ transport, address, port, serverName }: Hop): string =>
  `${transport} ${address}:${port}${serverName === undefined ? '' : ` ${serverName}`}`

const naptr = (order: number, preference: number, service: string, replacement: string): Naptr => ({
  order,
  preference,
  flags: 'S',
  service,
  replacement,
})
const srv = (priority: number, weight: number, name: string, port = 5060): Srv => ({
  priority,
  weight,
  port,
  name,
})

describe('a domain that asks for TLS and has no SRV record of it', () => {
  it('is rung at its address over TLS, never by UDP', async () => {
    const zone = {
      naptr: { 'carrier.example': [naptr(10, 10, 'SIPS+D2T', '_sips._tcp.carrier.example')] },
      addresses: { 'carrier.example': ['192.0.2.7'] },
    }
    const { hops } = await located('sip:carrier.example', zone)
    assert.deepEqual(hops, ['tls 192.0.2.7:5061 carrier.example'])
  })
})

describe('where a URI leads to without NAPTR and SRV', () => {
  for (const [uri, hop] of [
    ['sip:192.0.2.7', 'udp 192.0.2.7:5060'],
    ['sips:192.0.2.7', 'tls 192.0.2.7:5061'],
    ['sip:[2001:db8::7]:5070;transport=tcp', 'tcp 2001:db8::7:5070'],
    ['sip:carrier.example;maddr=192.0.2.8', 'udp 192.0.2.8:5060'],
    ['sips:carrier.example;maddr=192.0.2.8;transport=tcp', 'tls 192.0.2.8:5061 carrier.example'],
  ] as const) {
    it(`asks nothing for ${uri}`, async () => {
      assert.deepEqual(await located(uri, {}), { hops: [hop], asked: [] })
    })
  }

  it('leads nowhere with an empty maddr, and asks nothing', async () => {
    for (const uri of ['sip:carrier.example;maddr=', 'sip:carrier.example:5070;maddr='])
      assert.deepEqual(await located(uri, {}), { hops: [], asked: [] })
  })

  it('asks only for the addresses of a name with a port', async () => {
    const zone = { addresses: { 'carrier.example': ['192.0.2.7', '2001:db8::7'] } }
    const { hops, asked } = await located('sip:carrier.example:5070', zone)
    assert.deepEqual(hops, ['udp 192.0.2.7:5070', 'udp 2001:db8::7:5070'])
    assert.deepEqual(asked, ['host carrier.example'])
  })

  it('goes nowhere with a transport that is not spoken, and nowhere in the clear with sips', async () => {
    for (const uri of [
      'sip:192.0.2.7;transport=sctp',
      'sip:192.0.2.7;transport=ws',
      'sips:192.0.2.7;transport=udp',
    ])
      assert.deepEqual((await located(uri, {})).hops, [])
    assert.deepEqual((await located('sips:carrier.example', {}, new Set(['udp', 'tcp']))).hops, [])
  })
})

describe('where a bare name leads to', () => {
  it('takes the services of the lowest NAPTR order that is spoken, by preference', async () => {
    const { hops } = await located('sip:carrier.example', {
      naptr: {
        'carrier.example': [
          naptr(20, 1, 'SIP+D2U', '_sip._udp.carrier.example'),
          naptr(10, 2, 'sip+d2t', '_sip._tcp.carrier.example'),
          naptr(10, 1, 'SIPS+D2T', '_sips._tcp.carrier.example'),
          naptr(5, 1, 'SIP+D2S', '_sip._sctp.carrier.example'),
        ],
      },
      srv: {
        '_sip._udp.carrier.example': [srv(1, 1, 'u.carrier.example')],
        '_sip._tcp.carrier.example': [srv(1, 1, 't.carrier.example')],
        '_sips._tcp.carrier.example': [srv(1, 1, 's.carrier.example', 5061)],
      },
      addresses: {
        'u.carrier.example': ['192.0.2.1'],
        't.carrier.example': ['192.0.2.2'],
        's.carrier.example': ['192.0.2.3'],
      },
    })
    assert.deepEqual(hops, ['tls 192.0.2.3:5061 carrier.example', 'tcp 192.0.2.2:5060'])
  })

  it('takes only secure services for sips', async () => {
    const { hops } = await located('sips:carrier.example', {
      naptr: {
        'carrier.example': [
          naptr(1, 1, 'SIP+D2U', '_sip._udp.carrier.example'),
          naptr(2, 1, 'SIPS+D2T', '_sips._tcp.carrier.example'),
        ],
      },
      srv: {
        '_sip._udp.carrier.example': [srv(1, 1, 'u.carrier.example')],
        '_sips._tcp.carrier.example': [srv(1, 1, 'u.carrier.example', 5061)],
      },
      addresses: { 'u.carrier.example': ['192.0.2.1'] },
    })
    assert.deepEqual(hops, ['tls 192.0.2.1:5061 carrier.example'])
  })

  it('asks for the SRV records of all it speaks without NAPTR, then for the host', async () => {
    const { hops, asked } = await located('sip:carrier.example', {
      addresses: { 'carrier.example': ['192.0.2.1'] },
    })
    assert.deepEqual(hops, ['udp 192.0.2.1:5060'])
    assert.deepEqual(asked, [
      'naptr carrier.example',
      'srv _sip._udp.carrier.example',
      'srv _sip._tcp.carrier.example',
      'srv _sips._tcp.carrier.example',
      'host carrier.example',
    ])
  })

  it('does not ask NAPTR when the transport is said', async () => {
    const { hops, asked } = await located('sip:carrier.example;transport=tcp', {
      srv: { '_sip._tcp.carrier.example': [srv(2, 0, 'b.example', 5072), srv(1, 0, 'a.example', 5071)] },
      addresses: { 'a.example': ['192.0.2.1'], 'b.example': ['192.0.2.2', '192.0.2.3'] },
    })
    assert.deepEqual(hops, ['tcp 192.0.2.1:5071', 'tcp 192.0.2.2:5072', 'tcp 192.0.2.3:5072'])
    assert.equal(asked[0], 'srv _sip._tcp.carrier.example')
  })

  it('leaves a host alone whose SRV record says that there is no such service', async () => {
    const { hops } = await located('sip:carrier.example;transport=tcp', {
      srv: { '_sip._tcp.carrier.example': [srv(0, 0, '', 0)] },
      addresses: { 'carrier.example': ['192.0.2.1'] },
    })
    assert.deepEqual(hops, [])
  })

  it('names at most 16 hops, each once', async () => {
    const many = Array.from({ length: 40 }, (_, i) => `192.0.2.${(i % 20) + 1}`)
    const { hops } = await located('sip:carrier.example:5060', { addresses: { 'carrier.example': many } })
    assert.equal(hops.length, 16)
    assert.equal(new Set(hops).size, 16)
  })
})

describe('SRV records in turn', () => {
  it('come by priority whatever their weight, each once', () => {
    const records = [srv(2, 100, 'c'), srv(1, 0, 'a'), srv(2, 0, 'd'), srv(1, 9, 'b')]
    const random = seededRandom(1)
    for (let i = 0; i < 100; i++) {
      const names = inTurn(records, random).map(({ name }) => name)
      assert.deepEqual(names.slice(0, 2).sort(), ['a', 'b'])
      assert.deepEqual(names.slice(2).sort(), ['c', 'd'])
    }
  })

  it('come first as often as their weight says', () => {
    const random = seededRandom(2)
    const first = { light: 0, heavy: 0, zero: 0 }
    const records = [srv(1, 25, 'light'), srv(1, 75, 'heavy'), srv(1, 0, 'zero')]
    for (let i = 0; i < 10_000; i++) first[inTurn(records, random)[0]!.name as keyof typeof first]++
    assert.ok(Math.abs(first.heavy / 10_000 - 0.745) < 0.02, `heavy ${first.heavy}`)
    assert.ok(Math.abs(first.light / 10_000 - 0.245) < 0.02, `light ${first.light}`)
    assert.ok(first.zero > 0 && first.zero < 300, `zero ${first.zero}`)
  })
})
