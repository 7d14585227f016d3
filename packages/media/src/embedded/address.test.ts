import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalAddress, partyAddresses, reachOf } from './address.ts'

test('tells loopback, link-local, private and public addresses apart', () => {
  const byReach = [
    ['127.0.3.1', '::1'],
    ['169.254.1.1', 'fe80::1'],
    ['10.0.0.1', '172.16.0.1', '172.31.255.1', '192.168.1.1', '100.64.0.1', '100.127.9.9', 'fd00::2'],
    ['192.0.2.1', '172.32.0.1', '100.128.0.1', '11.0.0.1', '2001:db8::1'],
  ]
  for (const [reach, addresses] of byReach.entries()) {
    for (const address of addresses) assert.equal(reachOf(address), reach, address)
  }
})

test('reads an address as sockets write it', () => {
  assert.equal(canonicalAddress('::ffff:192.0.2.1'), '192.0.2.1')
  assert.equal(canonicalAddress('fe80::1%eth0'), 'fe80::1')
  assert.equal(canonicalAddress('[2001:DB8:0::1]'), '2001:db8::1')
  assert.equal(canonicalAddress('phone.example'), undefined)
})

test('a party may send from the address it described and from the one its SIP came from', () => {
  const both = ['192.0.2.1', '203.0.113.9']
  assert.deepEqual(partyAddresses('192.0.2.1', '203.0.113.9'), { described: '192.0.2.1', sources: both })
  assert.deepEqual(partyAddresses('192.0.2.1', undefined).sources, ['192.0.2.1'])
  assert.deepEqual(partyAddresses('192.0.2.1', '192.0.2.1').sources, ['192.0.2.1'])
  assert.deepEqual(partyAddresses(undefined, '203.0.113.9').sources, ['203.0.113.9'])
  assert.deepEqual(partyAddresses(undefined, undefined).sources, [])
})

test('an address of a net nearer than its SIP came from is none of ours', () => {
  const behindNat = { described: undefined, sources: ['203.0.113.9'] }
  for (const described of ['192.168.1.7', '100.64.3.4', '169.254.9.9', '127.0.0.1']) {
    assert.deepEqual(partyAddresses(described, '203.0.113.9'), behindNat)
  }
  assert.deepEqual(partyAddresses('127.0.0.1', '10.0.0.5'), { described: undefined, sources: ['10.0.0.5'] })
  // A proxy and a media gateway of one private net.
  assert.deepEqual(partyAddresses('10.0.0.9', '10.0.0.5').sources, ['10.0.0.9', '10.0.0.5'])
})
