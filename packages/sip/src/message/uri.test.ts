import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { escapeUser, formatUri, parseUri, schemeOf, sipUriEquals, unescapeUser } from './uri.ts'
import { textToWire, wireToText } from './chars.ts'

/** Parts of a URI as an ordinary object, for comparison. */
function parts(text: string): unknown {
  const uri = parseUri(text)
  return uri && { ...uri, params: { ...uri.params } }
}

test('a URI is read into its parts', () => {
  assert.deepEqual(parts('sip:192.0.2.1'), { scheme: 'sip', host: '192.0.2.1', params: {} })
  assert.deepEqual(parts('SIPS:+8613800000021:pw@Trunk.example:5061;User=Phone;lr?Subject=x&Priority=y'), {
    scheme: 'sips',
    user: '+8613800000021',
    password: 'pw',
    host: 'Trunk.example',
    port: 5061,
    params: { user: 'Phone', lr: undefined },
    headers: 'Subject=x&Priority=y',
  })
  assert.deepEqual(parts('sip:a;b=c?d@[2001:db8::1]:5060;transport=tcp'), {
    scheme: 'sip',
    user: 'a;b=c?d',
    host: '2001:db8::1',
    port: 5060,
    params: { transport: 'tcp' },
  })
})

test('a tel URI has its number as user', () => {
  assert.deepEqual(parts('tel:+86-138-0000-0021;phone-context=example.com'), {
    scheme: 'tel',
    user: '+86-138-0000-0021',
    host: '',
    params: { 'phone-context': 'example.com' },
  })
  assert.deepEqual(parts('tel:*31#'), { scheme: 'tel', user: '*31#', host: '', params: {} })
})

test('what breaks the grammar, or has two readings, is no URI', () => {
  for (const text of [
    '',
    'sip',
    'sip:',
    'sip:@192.0.2.1',
    'sip::pw@192.0.2.1',
    'sip:a@',
    'sip:a@b@192.0.2.1',
    'sip:a@192.0.2.1;x=y@z',
    'sip:a b@192.0.2.1',
    'sip:a@192.0.2.1\r\n',
    'sip:a@ho"st',
    '<sip:a@192.0.2.1>',
    'sip:a@192.0.2.1:',
    'sip:a@192.0.2.1:65536',
    'sip:a@192.0.2.1:5060x',
    'sip:a@192.0.2.1:-1',
    'sip:a@[2001:db8::1',
    'sip:a@[]',
    'sip:a@[2001:db8::g]',
    'sip:a@2001:db8::1',
    'sip:a@192.0.2.1;',
    'sip:a@192.0.2.1;;lr',
    'sip:a@192.0.2.1;=x',
    'tel:',
    'tel:alice',
    'urn:service:sos',
    'http://192.0.2.1',
  ]) {
    assert.equal(parseUri(text), undefined, text)
  }
})

test('a parameter named like a property of objects is only a parameter', () => {
  const uri = parseUri('sip:192.0.2.1;__proto__=x;constructor')
  assert.equal(uri?.params['__proto__'], 'x')
  assert.equal('constructor' in uri!.params, true)
  assert.equal('toString' in uri!.params, false)
})

test('the scheme of any URI can be told', () => {
  assert.equal(schemeOf('HTTP://192.0.2.1'), 'http')
  assert.equal(schemeOf('soap.beep://192.0.2.1'), 'soap.beep')
  assert.equal(schemeOf('no scheme: here'), undefined)
})

test('formatting gives back what was read', () => {
  for (const text of [
    'sip:192.0.2.1',
    'sips:a:pw@trunk.example:5061;user=phone;lr?Subject=x&Priority=y',
    'sip:a%40b@[2001:db8::1]:5060;transport=tcp',
    'tel:+8613800000021;ext=1',
  ]) {
    assert.equal(formatUri(parseUri(text)!), text)
  }
})

test('any user name survives escaping, parsing and unescaping', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), (user) => {
      const uri = parseUri(`sip:${escapeUser(user)}@192.0.2.1`)
      assert.equal(uri?.host, '192.0.2.1')
      assert.equal(unescapeUser(uri.user ?? ''), textToWire(user))
      assert.equal(wireToText(unescapeUser(uri.user ?? '')), user)
    }),
    { seed: 3261, numRuns: 500 },
  )
  assert.equal(unescapeUser('%41%zz%4'), 'A%zz%4')
})

const same = (a: string, b: string): boolean => {
  const [left, right] = [parseUri(a), parseUri(b)]
  assert.ok(left !== undefined && right !== undefined, `${a} ${b}`)
  assert.equal(sipUriEquals(left, right), sipUriEquals(right, left))
  return sipUriEquals(left, right)
}

test('URIs are equal as the examples of RFC 3261 §19.1.4 say', () => {
  for (const [a, b] of [
    ['sip:%61lice@atlanta.example;transport=TCP', 'sip:alice@AtlanTa.Example;Transport=tcp'],
    ['sip:carol@chicago.example', 'sip:carol@chicago.example;newparam=5'],
    ['sip:carol@chicago.example', 'sip:carol@chicago.example;security=on'],
    [
      'sip:biloxi.example;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.example',
      'sip:biloxi.example;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.example',
    ],
    [
      'sip:alice@atlanta.example?subject=project%20x&priority=urgent',
      'sip:alice@atlanta.example?priority=urgent&subject=project%20x',
    ],
    ['tel:+86-138-0000-0021', 'tel:+8613800000021'],
  ] as const) {
    assert.ok(same(a, b), `${a} ${b}`)
  }
})

test('URIs differ as the examples of RFC 3261 §19.1.4 say', () => {
  for (const [a, b] of [
    ['SIP:ALICE@AtlanTa.Example;Transport=udp', 'sip:alice@AtlanTa.Example;Transport=UDP'],
    ['sip:bob@biloxi.example', 'sip:bob@biloxi.example:5060'],
    ['sip:bob@biloxi.example', 'sip:bob@biloxi.example;transport=udp'],
    ['sip:bob@biloxi.example', 'sip:bob@biloxi.example:6000;transport=tcp'],
    ['sip:carol@chicago.example', 'sip:carol@chicago.example?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.example', 'sip:bob@192.0.2.4'],
    ['sip:carol@chicago.example;security=on', 'sip:carol@chicago.example;security=off'],
    ['sip:bob@biloxi.example', 'sips:bob@biloxi.example'],
    ['sip:bob@biloxi.example', 'sip:biloxi.example'],
    ['sip:bob:a@biloxi.example', 'sip:bob:b@biloxi.example'],
    ['sip:a%3Bb@biloxi.example', 'sip:a;b@biloxi.example'],
    ['sip:a@biloxi.example;maddr=192.0.2.1', 'sip:a@biloxi.example'],
    ['tel:110;phone-context=+86', 'tel:110'],
  ] as const) {
    assert.ok(!same(a, b), `${a} ${b}`)
  }
})
