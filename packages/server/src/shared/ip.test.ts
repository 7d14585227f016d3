import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ipRanges, isCidr, networkOf, plainAddress } from './ip.ts'

test('tells addresses and CIDRs from other texts', () => {
  for (const text of ['192.0.2.1', '192.0.2.0/24', '0.0.0.0/0', '2001:db8::1', '2001:db8::/32', '::/0'])
    assert.ok(isCidr(text), text)
  for (const text of ['', '192.0.2', '192.0.2.0/33', '192.0.2.0/', '192.0.2.0/8/8', '2001:db8::/129', 'host'])
    assert.ok(!isCidr(text), text)
})

test('ranges cover what they name, and an entry that is none covers nothing', () => {
  const ranges = ipRanges(['192.0.2.10', ' 198.51.100.64/27 ', '2001:db8::/32', '203.0.113.0/99', 'typo'])
  for (const ip of ['192.0.2.10', '198.51.100.70', '2001:db8:1::1']) assert.ok(ranges.covers(ip), ip)
  for (const ip of ['192.0.2.11', '198.51.100.63', '2001:db9::1', '203.0.113.1', '', 'typo'])
    assert.ok(!ranges.covers(ip), ip)
})

test('a mapped address is the plain one', () => {
  assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1')
  assert.equal(plainAddress('2001:db8::1'), '2001:db8::1')
  assert.equal(plainAddress(undefined), '')
})

test('behind an IPv4 address stands itself, behind an IPv6 address its /64', () => {
  const cases = {
    '192.0.2.1': '192.0.2.1',
    '2001:db8:0:1:aaaa:bbbb:cccc:dddd': '2001:db8:0:1::/64',
    '2001:db8:0:1::7': '2001:db8:0:1::/64',
    '2001:db8::7': '2001:db8:0:0::/64',
    '2001:0db8:0000:0001::': '2001:db8:0:1::/64',
    '2001::b:c:d:e:f:7': '2001:0:b:c::/64',
    '::1': '0:0:0:0::/64',
    'fe80::1%eth0': 'fe80:0:0:0::/64',
    '2001:db8:0:1::/64': '2001:db8:0:1::/64',
  }
  for (const [ip, network] of Object.entries(cases)) assert.equal(networkOf(ip), network, ip)
})
