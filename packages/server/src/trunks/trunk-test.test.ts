import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { createSipStack, type SipStack } from '@maskline/sip'
import { openDnsServer } from '@maskline/sip/testkit'
import type { TrunkConfig } from '../config/config.ts'
import { silentLog } from '../shared/log.ts'
import { testTrunk } from './trunk-test.ts'
import { createTrunks } from './trunks.ts'

const HOST = '127.0.0.1'
let ours: SipStack
let carrier: SipStack
let answer = 200

before(async () => {
  const listen = (['udp', 'tcp'] as const).map((transport) => ({ transport, address: HOST, port: 0 }))
  ours = await createSipStack({ listen, handlers: { onInvite: (call) => call.reject(603) } })
  carrier = await createSipStack({
    listen,
    handlers: { onInvite: (call) => call.reject(603), onRequest: (request) => request.respond(answer) },
  })
})
after(() => Promise.all([ours.close(), carrier.close()]))

const portOf = (transport: string): number =>
  carrier.addresses.find((address) => address.transport === transport)!.port

/** A port of this machine where nothing listens. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, HOST)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

const tried = (
  trunk: Partial<TrunkConfig>,
  registration?: { kind: 'registered' | 'failed'; why?: string },
  tls: { caFile?: string; verifyServers: boolean } = { verifyServers: true },
  stack = ours,
) => {
  const { trunks } = createTrunks({
    trunks: [
      { name: 'carrier', allowFrom: [], numberFormat: 'e164', health: { timeoutMs: 2_000 }, ...trunk },
    ],
    phones: undefined,
    guard: { check: () => false, ask() {} },
    sipHost: HOST,
    clock: { now: () => 0 },
    chance: () => 0,
    log: silentLog,
  })
  return testTrunk(trunks[0]!, {
    stack,
    sipHost: HOST,
    registration,
    tls,
  })
}

test('a trunk that works says what was tried, step by step', async () => {
  const peers = (['udp', 'tcp'] as const).map((transport) => ({
    address: HOST,
    port: portOf(transport),
    transport,
  }))
  const { works, steps, summary } = await tried(
    { peers, allowFrom: ['192.0.2.0/24'] },
    { kind: 'registered' },
  )
  assert.deepEqual([works, summary], [true, 'carrier works.'])
  assert.deepEqual(
    steps.map(({ what }) => what),
    [
      'configuration',
      `OPTIONS ${HOST}:${portOf('udp')} udp`,
      `TCP ${HOST}:${portOf('tcp')}`,
      `OPTIONS ${HOST}:${portOf('tcp')} tcp`,
      'registration',
    ],
  )
  assert.equal(steps[0]!.says, 'calls in from 192.0.2.0/24; calls out to 2 peers')
  assert.match(steps[1]!.says, /^200 OK in \d+ ms$/)
})

test('a dead port is told where it stops, and a trunk with another peer works in part', async () => {
  const dead = { address: HOST, port: await deadPort(), transport: 'tcp' } as const
  const { works, steps, summary } = await tried({ peers: [dead] })
  assert.equal(works, false)
  assert.deepEqual(steps[1], { what: `TCP ${HOST}:${dead.port}`, ok: false, says: 'ECONNREFUSED' })
  assert.equal(summary, `carrier does not work: TCP ${HOST}:${dead.port}: ECONNREFUSED.`)
  const part = await tried({ peers: [dead, { address: HOST, port: portOf('udp'), transport: 'udp' }] })
  assert.match(part.summary, /^carrier works in part: TCP/)
})

test('an answer that does not count as alive, and a registration that is refused, are failures', async () => {
  answer = 503
  try {
    const peer = { address: HOST, port: portOf('udp'), transport: 'udp' } as const
    const { steps } = await tried({ peer }, { kind: 'failed', why: '403 Forbidden' })
    assert.match(steps[1]!.says, /^503 Service Unavailable in \d+ ms, which does not count as alive$/)
    assert.deepEqual(steps[2], { what: 'registration', ok: false, says: 'not registered: 403 Forbidden' })
  } finally {
    answer = 200
  }
})

test('a host name without an address stops there', async () => {
  const { steps } = await tried({ peer: { address: 'nowhere.invalid', port: 5060 } })
  assert.equal(steps.length, 2)
  assert.deepEqual([steps[1]!.what, steps[1]!.ok], ['DNS nowhere.invalid', false])
  assert.match(steps[1]!.says, /^no address/)
})

test('a host name is found as calls find it: by NAPTR and SRV, over the transport that these say', async () => {
  const tcp = portOf('tcp')
  const dns = await openDnsServer({
    naptr: {
      'carrier.example': [
        {
          order: 1,
          preference: 1,
          flags: 's',
          service: 'SIP+D2T',

          replacement: '_sip._tcp.carrier.example',
        },
      ],
    },
    srv: { '_sip._tcp.carrier.example': [{ priority: 1, weight: 0, port: tcp, name: 'p1.carrier.example' }] },
    addresses: { 'p1.carrier.example': [HOST] },
  })
  const stack = await createSipStack({
    listen: (['udp', 'tcp'] as const).map((transport) => ({ transport, address: HOST, port: 0 })),
    dns: { servers: [dns.address], hostsFile: '/nowhere/hosts' },
    handlers: { onInvite: (call) => call.reject(603) },
  })
  try {
    const { works, steps } = await tried(
      { peer: { address: 'carrier.example' } },
      undefined,
      undefined,
      stack,
    )
    assert.equal(works, true)
    assert.deepEqual(
      steps.slice(1).map(({ what }) => what),
      ['DNS carrier.example', `TCP ${HOST}:${tcp}`, 'OPTIONS carrier.example'],
    )
    assert.equal(steps[1]!.says, `${HOST}:${tcp} tcp`)
  } finally {
    await Promise.all([stack.close(), dns.close()])
  }
})

test('a trunk that neither takes nor sends calls is configured for nothing', async () => {
  const { works, summary } = await tried({})
  assert.equal(works, false)
  assert.equal(summary, 'carrier does not work: configuration: no calls in; no calls out.')
})

test('a file of authorities that cannot be read fails the step that needs it, with its name', async () => {
  const peer = { address: HOST, port: await deadPort(), transport: 'tls' } as const
  const caFile = `${import.meta.dirname}/none.pem`
  const { steps } = await tried({ peer }, undefined, { caFile, verifyServers: true })
  assert.deepEqual(
    steps.filter(({ what }) => what.startsWith('TLS')).map(({ ok, says }) => [ok, says]),
    [[false, `sip.tls.caFile ${caFile} cannot be read (ENOENT)`]],
  )
})
