import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findHop, nextHopOf } from './resolve.ts'

const cases: readonly (readonly [string, ReturnType<typeof nextHopOf>])[] = [
  ['sip:1@192.0.2.1', { host: '192.0.2.1', port: 5060, transport: 'udp' }],
  ['sip:1@192.0.2.1:5080;transport=TCP', { host: '192.0.2.1', port: 5080, transport: 'tcp' }],
  ['sip:1@[2001:db8::1];transport=tls', { host: '2001:db8::1', port: 5061, transport: 'tls' }],
  ['sip:1@a.example;maddr=192.0.2.7', { host: '192.0.2.7', port: 5060, transport: 'udp' }],
  ['sips:1@a.example', { host: 'a.example', port: 5061, transport: 'tls', serverName: 'a.example' }],
  [
    'sips:1@a.example;transport=tcp',
    { host: 'a.example', port: 5061, transport: 'tls', serverName: 'a.example' },
  ],
  ['sips:1@a.example;transport=udp', undefined],
  ['sip:1@a.invalid;transport=ws', undefined],
  ['tel:+8613800000021', undefined],
  ['http://a.example', undefined],
]

for (const [uri, hop] of cases)
  test(`RFC 3263 §4.1, RFC 3261 §26.2.2: ${uri} leads to ${hop === undefined ? 'nowhere' : `${hop.transport} ${hop.host} ${hop.port}`}`, () => {
    assert.deepEqual(nextHopOf(uri), hop)
  })

test('a name that the machine knows is looked up, and its hop keeps the domain for the certificate (RFC 5922 §7)', async () => {
  const hop = await new Promise((resolve) => findHop('sips:1@localhost', undefined, assert.ifError, resolve))
  assert.deepEqual(
    { ...(hop as object), address: 'loopback' },
    { address: 'loopback', port: 5061, transport: 'tls', serverName: 'localhost' },
  )
})
