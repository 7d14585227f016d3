import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_BODY } from './message.ts'
import { branchOf, parseVia, stampVia, topVia } from './via.ts'

function parts(text: string): unknown {
  const via = parseVia(text)
  if (via === undefined) return undefined
  const { params: _, ...rest } = via
  return rest
}

test('a Via value is read into its parts', () => {
  assert.deepEqual(parts('SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;rport'), {
    transport: 'UDP',
    host: '192.0.2.1',
    port: 5070,
    branch: 'z9hG4bK1',
    rport: true,
  })
  assert.deepEqual(parts('SIP/2.0/tcp [2001:db8::1]:5060;received=192.0.2.9;rport=4000'), {
    transport: 'TCP',
    host: '2001:db8::1',
    port: 5060,
    received: '192.0.2.9',
    rport: '4000',
  })
  assert.deepEqual(parts('SIP / 2.0\t/ TLS  trunk.example : 5061 ; branch = z9hG4bK1'), {
    transport: 'TLS',
    host: 'trunk.example',
    port: 5061,
    branch: 'z9hG4bK1',
  })
})

test('of several values on one line the first is read', () => {
  const line = 'SIP/2.0/UDP 192.0.2.1;x="a,b" , SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK2;received=192.0.2.3'
  assert.deepEqual(parts(line), { transport: 'UDP', host: '192.0.2.1' })
  assert.equal(branchOf(line), undefined)
  assert.equal(branchOf('SIP/2.0/UDP 192.0.2.1;branch=one, SIP/2.0/UDP 192.0.2.2;branch=two'), 'one')
})

test('an unreadable Via is undefined', () => {
  for (const text of [
    '',
    'SIP/2.0/UDP',
    'SIP/2.0/UDP ',
    'SIP/2.0 192.0.2.1',
    'HTTP/1.1/TCP 192.0.2.1',
    'SIP/2.0/U@P 192.0.2.1',
    'SIP/2.0/UDP 192.0.2.1 192.0.2.2',
    'SIP/2.0/UDP 192.0.2.1:99999',
    'SIP/2.0/UDP 192.0.2.1;;',
    'SIP/2.0/UDP;branch=z9hG4bK1',
    'SIP/2.0/UDP 192.0.2.1;branch=a b',
  ]) {
    assert.equal(parseVia(text), undefined, text)
  }
})

test('the branch is found wherever it stands', () => {
  assert.equal(branchOf('SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1'), 'z9hG4bK1')
  assert.equal(branchOf('SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bK1 ;x=y'), 'z9hG4bK1')
  assert.equal(branchOf('SIP/2.0/UDP 192.0.2.1; BRANCH = z9hG4bK1'), 'z9hG4bK1')
  assert.equal(branchOf('SIP/2.0/UDP 192.0.2.1;x=";branch=no";branch=z9hG4bK1'), 'z9hG4bK1')
  assert.equal(branchOf('SIP/2.0/UDP 192.0.2.1'), undefined)
})

test('the topmost Via of a message is the first value of the first line', () => {
  const headers = [
    'Via',
    'SIP/2.0/UDP 192.0.2.1;branch=a, SIP/2.0/UDP 192.0.2.2',
    'Via',
    'SIP/2.0/UDP 192.0.2.3',
  ]
  const message = { kind: 'response', status: 200, reason: 'OK', headers, body: NO_BODY } as const
  assert.equal(topVia(message)?.branch, 'a')
  assert.equal(topVia({ ...message, headers: [] }), undefined)
})

test('the source is noted in Via when sent-by differs, or when rport asks for it', () => {
  const at = (text: string): string => stampVia(text, '192.0.2.1', 40_000)
  assert.equal(at('SIP/2.0/UDP 192.0.2.1;branch=b'), 'SIP/2.0/UDP 192.0.2.1;branch=b')
  assert.equal(
    at('SIP/2.0/UDP a.example:5070;branch=b'),
    'SIP/2.0/UDP a.example:5070;branch=b;received=192.0.2.1',
  )
  assert.equal(
    at('SIP/2.0/UDP 192.0.2.1;rport;branch=b'),
    'SIP/2.0/UDP 192.0.2.1;branch=b;rport=40000;received=192.0.2.1',
  )
})

test('what a peer claims to have received is replaced, and other values of the line are kept', () => {
  const line =
    'SIP/2.0/TCP [2001:db8::1]:5060;received=192.0.2.66;branch=b;q="a \\"b";f, SIP/2.0/UDP 192.0.2.7;received=192.0.2.8'
  assert.equal(
    stampVia(line, '192.0.2.1', 1),
    'SIP/2.0/TCP [2001:db8::1]:5060;branch=b;q="a \\"b";f;received=192.0.2.1, SIP/2.0/UDP 192.0.2.7;received=192.0.2.8',
  )
  assert.equal(stampVia('nonsense', '192.0.2.1', 1), 'nonsense')
})
