import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { maskedText } from './masked-text.ts'
import { messageOf } from './message-test-kit.ts'

const A = '13800000021'
const B = '075528000001'

const INVITE: [string, ...string[]] = [
  `INVITE sip:+86${A};npdi@192.0.2.9:5060;user=phone SIP/2.0`,
  `Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-123456789;received=192.0.2.100`,
  `From: "${A}" <sip:0086-138.0000-0021@pn.example;user=phone>;tag=1234567890`,
  `To: <tel:${B};phone-context=+86755>`,
  `Call-ID: 7.${A}.1234567@192.0.2.1`,
  'CSeq: 1234567 INVITE',
  `Contact: <sip:%2B86${A}@192.0.2.1>`,
  `P-Asserted-Identity: <sip:8${A}@pn.example>, <tel:+86-138-0000-0021>`,
  `Diversion: <sip:${B}@pn.example>;reason=unknown`,
  `X-Account: ${A}`,
  `Authorization: Digest username="${A}", realm="pn.example", nonce="n", uri="sip:${B}@pn.example", response="0a4f113b"`,
  'Identity: eyJhbGciOiJFUzI1NiJ9',
  'User-Agent: Phone/1.0 20240124',
  'Max-Forwards: 70',
  'Content-Type: application/sdp',
]
const SDP = [
  'v=0',
  `o=${A} 1234567890 2 IN IP4 192.0.2.1`,
  `s=call of ${A}`,
  `p=+86 138 0000 0021`,
  'c=IN IP4 192.0.2.1',
  't=0 0',
  'm=audio 30000 RTP/SAVP 8',
  'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0',
  'a=ssrc:1234567890 cname:x',
  '',
].join('\r\n')

describe('a message of a trace', () => {
  const text = maskedText(messageOf(INVITE, SDP))

  test('has no number, in whatever form and wherever it stands', () => {
    const digits = text.replace(/[-.\s]/g, '')
    for (const number of [A.slice(0, -2), A.slice(-7), B.slice(0, -2), B.slice(-7), '380000002', '2800000'])
      assert.ok(!digits.includes(number), `${number} in\n${text}`)
    assert.match(text, /^INVITE sip:\+86\*+21;npdi@192\.0\.2\.9:5060;user=phone SIP\/2\.0\n/)
    assert.match(text, /To: <tel:\*+01;phone-context=/)
  })

  test('has no number that is written in groups, outside of URIs too', () => {
    const grouped = maskedText(
      messageOf([
        'SIP/2.0 480 Call 138-0000-0021 later',
        'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-1',
        'From: "+86 138 0000 0021" <sip:x@a.example>;tag=1234-5678-90',
        'To: (0755) 2800 0001 <sip:192.0.2.9:5060;transport=udp>',
        'Contact: "138.0000.0021" <sip:x@192.0.2.9:5060>;expires=3600',
        'Subject: of 138-0000-0021 and 0755 28000001',
        'Call-ID: 138-0000-0021.77@192.0.2.1',
        'Warning: 399 192.0.2.9 "138 0000 0021 is out of reach"',
        'X-Way: 399 192.0.2.9 and 2 192.0.2.100',
      ]),
    )
    const digits = grouped.replace(/[-.() ]/g, '')
    for (const part of ['80000002', '0000021', '2800000', '8000001'])
      assert.ok(!digits.includes(part), grouped)
    for (const part of [
      'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-1\n',
      ';tag=1234-5678-90\n',
      '<sip:192.0.2.9:5060;transport=udp>\n',
      '<sip:x@192.0.2.9:5060>;expires=3600\n',
      '.77@192.0.2.1\n',
      'Warning: 399 192.0.2.9 "',
      'X-Way: 399 192.0.2.9 and 2 192.0.2.100\n',
    ])
      assert.ok(grouped.includes(part), `${part} not in\n${grouped}`)
  })

  test('keeps what tells messages apart: addresses, tags, branches, CSeq, the rest of the Call-ID', () => {
    for (const part of [
      'branch=z9hG4bK-123456789;received=192.0.2.100',
      ';tag=1234567890',
      'CSeq: 1234567 INVITE',
      '.1234567@192.0.2.1',
      'User-Agent: Phone/1.0 20240124',
      'a=ssrc:1234567890',
      ' 1234567890 2 IN IP4 192.0.2.1',
      'Diversion: <sip:**********01@pn.example>;reason=unknown',
    ])
      assert.ok(text.includes(part), `${part} not in\n${text}`)
  })

  test('has neither digest responses nor media keys, and no names of people in SDP', () => {
    for (const secret of ['0a4f113b', 'c2VjcmV0', 'eyJhbGci', '138 0000'])
      assert.ok(!text.includes(secret), secret)
    const real = maskedText(messageOf(INVITE, SDP), { real: true })
    for (const secret of ['0a4f113b', 'c2VjcmV0']) assert.ok(!real.includes(secret), secret)
    for (const number of [A, B, 'eyJhbGci', 'p=+86 138 0000 0021']) assert.ok(real.includes(number), number)
  })

  test('shows the number that was asked for, in every form, and no other', () => {
    for (const number of [`+86${A}`, A]) {
      const asked = maskedText(messageOf(INVITE, SDP), { number })
      assert.match(asked, new RegExp(`^INVITE sip:\\+86${A};`))
      assert.match(asked, /<sip:0086-138\.0000-0021@/)
      assert.match(asked, /To: <tel:\*+01;/)
    }
    const beside = messageOf([
      'INFO sip:x@192.0.2.9 SIP/2.0',
      `From: "${B} 138-0000-0021" <sip:x@a.example>`,
      'To: "138-0000-0021" <sip:x@a.example>',
    ])
    assert.match(maskedText(beside, { number: A }), /From: "\*+21" <.*\nTo: "138-0000-0021" </)
  })

  test('shows of other bodies their length alone, of keys only where everything is shown', () => {
    const keys = messageOf(
      ['INFO sip:x@192.0.2.9 SIP/2.0', 'From: <sip:x@a.example>', 'Content-Type: application/dtmf-relay'],
      'Signal=5\r\n',
    )
    assert.match(maskedText(keys), /\n\n\(10 bytes of application\/dtmf-relay, not shown\)\n$/)
    assert.match(maskedText(keys, { real: true }), /\n\nSignal=5\n$/)
    const sms = messageOf(
      ['MESSAGE sip:x@192.0.2.9 SIP/2.0', 'From: <sip:x@a.example>', 'Content-Type: text/plain'],
      'hello',
    )
    assert.ok(!maskedText(sms, { real: true }).includes('hello'))
  })

  test('cannot steer a terminal', () => {
    const nasty = messageOf([
      'SIP/2.0 200 \u001b]0;title\u0007OK',
      'From: <sip:x@a.example>',
      'Subject: \u001b[2J\u009b',
    ])
    assert.ok(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(maskedText(nasty)))
  })
})
