import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTrunks } from './read-trunks.ts'

const faultsOf = (...trunks: readonly object[]): string[] => {
  const faults: string[] = []
  readTrunks(
    trunks.map((trunk, index) => ({ name: `t${index}`, ...trunk })),
    faults,
  )
  return faults
}

const PEER = { address: '192.0.2.9' }
const DIGEST = { username: 'u', password: 'p' }

test('a trunk that says everything is taken as it is', () => {
  const whole = {
    peers: [
      { address: '192.0.2.9', port: 5062, transport: 'tcp', priority: 1, weight: 3 },
      { address: 'sip.carrier.example' },
    ],
    priority: 2,
    weight: 10,
    serves: ['+86', '+86755'],
    allowFrom: ['192.0.2.0/24', '2001:db8::1'],
    tlsNames: ['sip.carrier.example', '*.carrier.example'],
    inboundUsername: 'carrier',
    inboundPassword: 'p',
    username: 'maskline',
    password: 'p',
    register: { registrar: 'reg.carrier.example', aor: 'sip:maskline@carrier.example', expiresSec: 600 },
    numberFormat: 'digits',
    numbersOut: {
      caller: { format: 'national' },
      callee: { format: 'international', strip: '00', prefix: '9#' },
    },
    numbersIn: { caller: { strip: ['0086'], countryCode: '86' }, callee: { strip: ['9#'], prefix: '0' } },
    domain: 'carrier.example',
    identity: {
      from: 'anonymous',
      headers: ['P-Asserted-Identity', 'Remote-Party-ID'],
      privacy: 'id',
      domain: 'pn.example',
      uri: 'tel',
      userPhone: true,
      displayName: 'number',
    },
    callerFrom: ['Remote-Party-ID', 'From'],
    codecs: ['PCMA', 'AMR-WB/16000'],
    collectDigits: 'early',
    maxChannels: { total: 100, in: 60, out: 60 },
    maxCallsPerSec: 10,
    health: { optionsSec: 10, failures: 2, successes: 1, timeoutMs: 500, alive: [200, 405], retrySec: 5 },
    answerWithinMs: 2000,
    retryOn: [503],
    redirects: 'follow',
    releaseCodes: { byStatus: { 480: 8104 } },
  }
  const faults: string[] = []
  assert.deepEqual(readTrunks([{ name: 'carrier', ...whole }], faults), [{ name: 'carrier', ...whole }])
  assert.deepEqual(faults, [])
})

test('an address gets the port of its transport; a host name is left to DNS', () => {
  const peers = [
    PEER,
    { ...PEER, transport: 'tls' },
    { address: '2001:db8::9', transport: 'tcp' },
    { address: 'sip.carrier.example' },
    { address: 'sip.carrier.example', transport: 'tls' },
  ]
  assert.deepEqual(readTrunks([{ name: 'c', peers }], [])[0]!.peers, [
    { address: '192.0.2.9', port: 5060, transport: 'udp' },
    { address: '192.0.2.9', port: 5061, transport: 'tls' },
    { address: '2001:db8::9', port: 5060, transport: 'tcp' },
    { address: 'sip.carrier.example' },
    { address: 'sip.carrier.example', transport: 'tls' },
  ])
})

for (const [fault, trunk] of [
  ['colour is no setting of a trunk', { colour: 'blue' }],
  ['peer.address must be an IP address or a host name', { peer: { port: 5060 } }],
  ['peer.address must be an IP address or a host name', { peer: { address: '192.0.2' } }],
  ['peer.address must be an IP address or a host name', { peer: { address: 'sip:carrier.example' } }],
  ['peer.port must be a whole number from 1 to 65535', { peer: { ...PEER, port: 0 } }],
  ['peer.transport must be udp, tcp or tls', { peer: { ...PEER, transport: 'sctp' } }],
  [
    'peer.prio is not known; there are address, port, transport, priority, weight',
    { peer: { ...PEER, prio: 1 } },
  ],
  ['peer must be an object with', { peer: '192.0.2.9' }],
  ['peers must be a list of peers', { peers: [] }],
  ['peers[1].address must be', { peers: [PEER, {}] }],
  ['peer and sip.trunks[0].peers exclude each other', { peer: PEER, peers: [PEER] }],
  ['priority must be a whole number from 0 to 65535', { priority: -1 }],
  ['weight must be a whole number from 0 to 65535', { weight: 1.5 }],
  ['serves must be a list of beginnings of numbers in global form', { serves: ['86'] }],
  ['allowFrom must be a list of addresses or CIDRs', { allowFrom: ['10.0.0.0/40'] }],
  ['tlsNames must be a list of host names of a certificate', { tlsNames: ['*'] }],
  ['username and sip.trunks[0].password go together', { username: 'u' }],
  ['inboundUsername and sip.trunks[0].inboundPassword go together', { inboundPassword: 'p' }],
  ['register needs sip.trunks[0].username and password', { peer: PEER, register: {} }],
  ['register needs a registrar, or a peer', { ...DIGEST, register: {} }],
  ['register.aor must be sip:user@host', { peer: PEER, ...DIGEST, register: { aor: 'me' } }],
  [
    'register.expiresSec must be a whole number from 60 to 86400',
    { peer: PEER, ...DIGEST, register: { expiresSec: 1 } },
  ],
  ['numberFormat must be e164, digits, international or national', { numberFormat: 'local' }],
  [
    'numbersOut.callee.prefix must be a prefix such as 9# or 00',
    { numbersOut: { callee: { prefix: 'a b' } } },
  ],
  ['numbersIn.callee.strip must be a list of prefixes', { numbersIn: { callee: { strip: '9#' } } }],
  ['numbersIn.caller.countryCode must be 1 to 3 digits', { numbersIn: { caller: { countryCode: 86 } } }],
  ['domain must be a host name or an IP address', { domain: 'a@b' }],
  ['identity.headers must be a list of P-Asserted-Identity', { identity: { headers: ['From'] } }],
  ['identity.displayName must be a text of at most 80', { identity: { displayName: 'a"b' } }],
  ['identity.privacy must be id, user, header or none', { identity: { privacy: 'full' } }],
  ['callerFrom must be a list of headers', { callerFrom: ['Subject'] }],
  ['codecs must be a list of codec names', { codecs: ['G.711 a'] }],
  ['PCMU, PCMA, G722', { codecs: ['G711'] }],
  ['codecs must be a list of codec names', { codecs: ['telephone-event'] }],
  ['maxChannels must be a whole number from 1 to 1000000', { maxChannels: 0 }],
  ['maxCallsPerSec.in must be a whole number', { maxCallsPerSec: { in: 'all' } }],
  ['health.optionsSec must be a whole number from 0 to 3600', { health: { optionsSec: -1 } }],
  ['health.alive must be a list of SIP statuses', { health: { alive: [100] } }],
  ['answerWithinMs must be a whole number from 500 to 32000', { answerWithinMs: 1 }],
  ['retryOn must be a list of SIP statuses from 400 to 599', { retryOn: [486] }],
  ['redirects must be refuse or follow', { redirects: 'yes' }],
] as const)
  test(`a fault in one sentence: ${fault}`, () => {
    const faults = faultsOf(trunk)
    assert.equal(faults.length, 1, faults.join('\n'))
    assert.ok(faults[0]!.startsWith('sip.trunks[0]'))
    assert.ok(faults[0]!.includes(fault), faults[0])
  })

test('two trunks of one name are refused', () => {
  assert.match(
    faultsOf({ name: 'c' }, { name: 'c' }).join(),
    /\[1\]\.name must be a text that no other trunk has/,
  )
})
