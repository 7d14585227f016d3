import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { ownSockets } from './own-sockets.ts'

const range = { portMin: 20_000, portMax: 29_999 }

test('bound to every address, each address of the machine is ours within the port range', () => {
  const isOurs = ownSockets({ host: '0.0.0.0', publicHost: '198.51.100.7', ...range })
  const local = Object.values(networkInterfaces()).flatMap(
    (list) => list?.map(({ address }) => address) ?? [],
  )
  for (const address of ['127.0.0.1', '127.0.3.1', '0.0.0.0', '198.51.100.7', ...local]) {
    assert.equal(isOurs(address, 20_000), true, address)
    assert.equal(isOurs(address, 29_999), true, address)
    assert.equal(isOurs(address, 19_999), false, address)
    assert.equal(isOurs(address, 30_000), false, address)
  }
  assert.equal(isOurs('203.0.113.9', 20_000), false)
})

test('bound to one address, only that and the public one reach our sockets', () => {
  const isOurs = ownSockets({ host: '127.0.5.1', publicHost: '198.51.100.7', ...range })
  assert.equal(isOurs('127.0.5.1', 20_001), true)
  assert.equal(isOurs('198.51.100.7', 20_001), true)
  assert.equal(isOurs('127.0.3.1', 20_001), false)
})
