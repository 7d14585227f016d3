import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listedAddresses, parseHosts } from './hosts-file.ts'

test('a hosts file gives addresses by any of their names, without comments and broken lines', () => {
  const text =
    '# names\n192.0.2.1 Pbx.example pbx # ours\r\n2001:db8::1\tpbx\nnone a.example\n192.0.2.1 pbx\n192.0.2.9\n'
  assert.deepEqual(
    [...parseHosts(text)],
    [
      ['pbx.example', ['192.0.2.1']],
      ['pbx', ['192.0.2.1', '2001:db8::1']],
    ],
  )
})

test('localhost is the loopback where no file says otherwise (RFC 6761 §6.3)', async () => {
  const missing = '/nowhere/hosts'
  assert.deepEqual(await listedAddresses(missing, 'LocalHost'), ['127.0.0.1', '::1'])
  assert.deepEqual(await listedAddresses(missing, 'a.localhost'), ['127.0.0.1', '::1'])
  assert.equal(await listedAddresses(missing, 'mylocalhost'), undefined)
})
