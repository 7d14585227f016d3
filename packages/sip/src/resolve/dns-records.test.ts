import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { parseUri } from '../message/uri.ts'
import { openDnsServer } from '../testkit/dns-server.ts'
import type { DnsZone } from '../testkit/dns-server.ts'
import { ManualClock } from '../testkit/manual-clock.ts'
import type { TransportName } from '../transport/address.ts'
import { dnsRecords } from './dns-records.ts'
import type { DnsOptions } from './dns-records.ts'
import { hopsOf } from './hops.ts'
import { planOf } from './plan.ts'

async function open(t: TestContext, zone: DnsZone, ttlSec = 60, options: Partial<DnsOptions> = {}) {
  const server = await openDnsServer(zone, ttlSec)
  t.after(() => server.close())
  const clock = new ManualClock()
  const records = dnsRecords(
    {
      servers: [server.address],
      askSystem: () => Promise.reject(new Error('unknown')),
      hostsFile: '/nowhere/hosts',
      ...options,
    },
    () => clock.now(),
  )
  t.after(() => records.close())
  return { server, clock, records }
}

const count = (asked: readonly string[], question: string): number =>
  asked.filter((one) => one === question).length

describe('records by DNS', () => {
  it('lead a bare name over NAPTR and SRV to its addresses of both families', async (t) => {
    const { records, server } = await open(t, {
      naptr: {
        'carrier.example': [
          {
            order: 1,
            preference: 1,
            flags: 's',
            service: 'SIPS+D2T',
            replacement: '_sips._tcp.carrier.example',
          },
        ],
      },
      srv: { '_sips._tcp.carrier.example': [{ priority: 1, weight: 1, port: 5071, name: 'edge.example' }] },
      addresses: { 'edge.example': ['192.0.2.7', '2001:db8::7'] },
    })
    const spoken: ReadonlySet<TransportName> = new Set<TransportName>(['udp', 'tls'])
    const plan = planOf(parseUri('sip:+8613800000021@carrier.example')!, spoken)!
    assert.deepEqual(await hopsOf(plan, spoken, records, () => 0), [
      { address: '192.0.2.7', port: 5071, transport: 'tls', serverName: 'carrier.example' },
      { address: '2001:db8::7', port: 5071, transport: 'tls', serverName: 'carrier.example' },
    ])
    assert.deepEqual(server.asked.slice(0, 2), ['NAPTR carrier.example', 'SRV _sips._tcp.carrier.example'])
  })

  it('are asked for again when the TTL of the addresses is over', async (t) => {
    const { records, server, clock } = await open(t, { addresses: { 'a.example': ['192.0.2.1'] } }, 20)
    await records.addresses('a.example')
    clock.advance(19_999)
    await records.addresses('a.example')
    assert.equal(count(server.asked, 'A a.example'), 1)
    clock.advance(1)
    assert.deepEqual(await records.addresses('a.example'), ['192.0.2.1'])
    assert.equal(count(server.asked, 'A a.example'), 2)
  })

  it('that are not there are not asked for again for 30 s, those that failed for 5 s', async (t) => {
    const { records, server, clock } = await open(t, { failing: ['broken.example'] })
    const ask = async (): Promise<void> => {
      assert.deepEqual(await records.srv('_sip._udp.none.example'), [])
      assert.deepEqual(await records.srv('broken.example'), [])
    }
    await ask()
    const failures = count(server.asked, 'SRV broken.example')
    clock.advance(4_999)
    await ask()
    assert.equal(count(server.asked, 'SRV broken.example'), failures)
    clock.advance(1)
    await ask()
    assert.ok(count(server.asked, 'SRV broken.example') > failures)
    assert.equal(count(server.asked, 'SRV _sip._udp.none.example'), 1)
    clock.advance(25_000)
    await ask()
    assert.equal(count(server.asked, 'SRV _sip._udp.none.example'), 2)
  })

  it('give nothing when the name server is silent', async (t) => {
    const options = { timeoutMs: 50, tries: 1 }
    const { records, server } = await open(t, { silent: ['quiet.example'] }, 60, options)
    assert.deepEqual(await records.naptr('quiet.example'), [])
    assert.deepEqual(server.asked, ['NAPTR quiet.example'])
  })

  it('are fetched by TCP when they are too long for a datagram', async (t) => {
    const many = Array.from({ length: 40 }, (_, i) => `192.0.2.${i + 1}`)
    const { records, server } = await open(t, {
      addresses: { 'many.example': many },
      long: ['many.example'],
    })
    assert.deepEqual([...(await records.addresses('many.example'))].sort(), [...many].sort())
    assert.equal(count(server.asked, 'A many.example by TCP'), 1)
  })

  it('are not taken from an answer to another query or about another name', async (t) => {
    const { records } = await open(t, {
      addresses: { 'a.example': ['192.0.2.1'] },
      forged: ['a.example'],
    })
    assert.deepEqual(await records.addresses('a.example'), ['192.0.2.1'])
  })

  it('come from the hosts file where that has the name, and no name server hears of it', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'maskline-hosts-'))
    t.after(() => rm(folder, { recursive: true }))
    const hostsFile = join(folder, 'hosts')
    await writeFile(hostsFile, '192.0.2.4 Edge.example\n2001:db8::4 edge.example\n')
    const { records, server, clock } = await open(t, { addresses: { 'edge.example': ['192.0.2.66'] } }, 60, {
      hostsFile,
    })
    assert.deepEqual(await records.addresses('edge.example'), ['192.0.2.4', '2001:db8::4'])
    assert.deepEqual(await records.srv('_sip._udp.edge.example'), [])
    assert.deepEqual(await records.naptr('edge.example'), [])
    assert.deepEqual(await records.addresses('localhost'), ['127.0.0.1', '::1'])
    assert.deepEqual(server.asked, [])
    await writeFile(hostsFile, '')
    clock.advance(60_000)
    assert.deepEqual(await records.addresses('edge.example'), ['192.0.2.66'])
  })

  it('stay what they were while the name server fails', async (t) => {
    const failing: string[] = []
    const zone = { addresses: { 'a.example': ['192.0.2.1'] }, failing }
    const { records, clock, server } = await open(t, zone, 10)
    await records.addresses('a.example')
    failing.push('a.example')
    clock.advance(10_000)
    assert.deepEqual(await records.addresses('a.example'), ['192.0.2.1'])
    assert.ok(count(server.asked, 'A a.example') > 1)
  })

  it('take the addresses that only the system knows, of the families in use', async (t) => {
    const { records } = await open(t, {}, 60, {
      families: [6],
      askSystem: (host) =>
        Promise.resolve(
          host === 'pbx.example'
            ? [
                { address: '192.0.2.9', family: 4 },
                { address: '2001:db8::9', family: 6 },
              ]
            : [],
        ),
    })
    assert.deepEqual(await records.addresses('pbx.example'), ['2001:db8::9'])
    assert.deepEqual(await records.addresses('none.example'), [])
    assert.deepEqual(await records.addresses('192.0.2.1'), ['192.0.2.1'])
  })
})
