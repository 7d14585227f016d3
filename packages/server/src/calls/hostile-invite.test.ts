import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SipRequest } from '@maskline/sip'
import { openWire } from './wire-test-kit.ts'

/** Stands in every header and every line of SDP of the hostile INVITE that could be copied. */
const MARK = 'k3j9x7'

/** Headers that proxies and other B2BUAs pass on, and some that nobody has defined. */
const HEADERS: readonly (readonly [string, string])[] = [
  ...[
    'Accept-Contact',
    'Alert-Info',
    'Call-Info',
    'Date',
    'Diversion',
    'Error-Info',
    'Feature-Caps',
    'Geolocation',
    'History-Info',
    'Identity',
    'In-Reply-To',
    'Organization',
    'P-Access-Network-Info',
    'P-Called-Party-ID',
    'P-Charging-Vector',
    'P-Early-Media',
    'P-Preferred-Identity',
    'Priority',
    'Record-Route',
    'Referred-By',
    'Remote-Party-ID',
    'Reply-To',
    'Resource-Priority',
    'Session-ID',
    'Subject',
    'User-Agent',
    'User-to-User',
    'Warning',
    'X-Anything',
  ].map((name) => [name, `<sip:${MARK}@192.0.2.77>;x=${MARK}`] as const),
  ['P-Asserted-Identity', `"${MARK}" <sip:+8613800000021@${MARK}.example;x=${MARK}>`],
  ['Supported', `100rel, ${MARK}`],
  ['Allow', `INVITE, ACK, ${MARK}`],
  ['Accept-Language', MARK],
]

const SDP = Buffer.from(
  [
    'v=0',
    `o=${MARK} 1 1 IN IP4 127.0.0.1`,
    `s=${MARK}`,
    `i=${MARK}`,
    `u=http://${MARK}.example`,
    `e=${MARK}@example.com`,
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `a=x-${MARK}:1`,
    'm=audio 40000 RTP/AVP 8 0',
    `a=label:${MARK}`,
    `a=ssrc:1 cname:${MARK}`,
    `a=candidate:1 1 UDP 1 192.0.2.77 4000 typ host ${MARK}`,
    '',
  ].join('\r\n'),
)

test('nothing of a hostile INVITE reaches the callee: no header, no parameter, no line of SDP', async (t) => {
  const wire = await openWire(t)
  wire.invite({ headers: HEADERS.flat(), body: SDP })
  const invite = await wire.callee.gets<SipRequest>('INVITE')
  const text = [invite.uri, ...invite.headers, Buffer.from(invite.body).toString()].join('\n')
  assert.ok(!text.includes(MARK), text)
  assert.ok(!text.includes('13800000021'), 'the caller’s number')
  assert.ok(!text.includes('wire-1'), 'the caller’s Call-ID')
  const names = invite.headers.filter((_, at) => at % 2 === 0)
  const written = [
    'Via',
    'Max-Forwards',
    'From',
    'To',
    'Call-ID',
    'CSeq',
    'Contact',
    'Allow',
    'Supported',
    'User-Agent',
    'Session-Expires',
    'Content-Type',
    'Content-Length',
  ]
  assert.deepEqual(
    names.filter((name) => !written.includes(name)),
    [],
  )
  wire.callee.says(invite, 486)
  assert.equal((await wire.ended()).releaseCode, 8102)
  assert.deepEqual(wire.faults, [])
})
