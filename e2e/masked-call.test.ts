import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openLaboratory } from '@maskline/lab'
import { goertzel } from '@maskline/media'
import { type SipMessage, header, parseMessage, tagOf } from '@maskline/sip'
import { requirePeer } from './peers.ts'
import type { Baresip } from './support/baresip.ts'
import { startLabPhone } from './support/lab-phone.ts'
import type { CapturedDatagram } from './support/pcap.ts'
import { captureLoopback } from './support/wire-capture.ts'

const AXB = '/rest/caas/relationnumber/partners/v1.0'
const A = { number: '+8613800000021', host: '127.0.3.1', toneHz: 440 } as const
const B = { number: '+8613800000022', host: '127.0.3.2', toneHz: 1000 } as const
const X = '+8617000000001'
/** A voice counts as heard when it is ten times as loud as the other. */
const CLEARLY = 10

const national = (number: string): string => number.slice(3)

describe('a masked call between two baresips', () => {
  test('[axb.call.masked] [axb.call.aToX] [axb.call.bToX] [axb.call.display] [axb.rule.stays] [faq.46] both hear each other through X, B sees X, B can call back, and nothing of A reaches B', async (t) => {
    if (requirePeer(t, 'baresip') === undefined || requirePeer(t, 'tcpdump') === undefined) return
    const lab = await openLaboratory({ x: [X] })
    const phones: Baresip[] = []
    const wire = await captureLoopback()
    let datagrams: readonly CapturedDatagram[] = []
    try {
      const a = await startLabPhone(lab, A, phones)
      const b = await startLabPhone(lab, B, phones)
      const bind = await lab.api('POST', AXB, { callerNum: A.number, calleeNum: B.number, relationNum: X })
      assert.equal(bind.body.resultcode, '0')

      const { host, port } = lab.platform.sip
      await a.dial(`sip:${national(X)}@${host}:${port}`)
      await a.event('CALL_ESTABLISHED')
      assert.match((await b.event('CALL_ESTABLISHED')).peeruri ?? '', new RegExp(`${national(X)}@`))
      const [heardByA, heardByB] = await Promise.all([a.hears(1), b.hears(1)])
      assertHears('A', heardByA, B.toneHz, A.toneHz)
      assertHears('B', heardByB, A.toneHz, B.toneHz)
      await a.hangup()
      await b.event('CALL_CLOSED')
      await lab.customer.waitFor((c) => c.fees.length === 1, 'the CDR of A to B')
      datagrams = await wire.stop()

      await b.dial(`sip:${national(X)}@${host}:${port}`)
      assert.match((await a.event('CALL_ESTABLISHED')).peeruri ?? '', new RegExp(`${national(X)}@`))
      await b.event('CALL_ESTABLISHED')
      await a.hears(0.5)
      await b.hangup()
      await lab.customer.waitFor((c) => c.fees.length === 2, 'the CDR of B to A')
      assert.deepEqual(
        lab.customer.fees.map((fee) => [fee.direction, fee.fwdUnaswRsn, fee.ulFailReason]),
        [
          [1, 0, 0],
          [0, 0, 0],
        ],
      )
      assert.deepEqual(lab.customer.faults, [])
    } finally {
      if (datagrams.length === 0) await wire.stop()
      await Promise.all(phones.map((phone) => phone.close()))
      await lab.close()
    }
    assertNothingLeaks(datagrams)
  })
})

function assertHears(ear: string, samples: Int16Array, expected: number, other: number): void {
  const loud = goertzel(samples, expected)
  const faint = goertzel(samples, other)
  assert.ok(
    loud > 0.05 && loud > CLEARLY * faint,
    `${ear} hears ${expected} Hz at ${loud}, ${other} Hz at ${faint}`,
  )
}

/**
 * Takes what identifies A from A's own packets, and looks for each of it in every byte that B received. (baresip sends
 * no RTCP here; that a CNAME does not pass is proven in packages/media.)
 */
function assertNothingLeaks(datagrams: readonly CapturedDatagram[]): void {
  const messagesOf = (host: string): readonly SipMessage[] =>
    datagrams
      .filter((d) => d.source.startsWith(`${host}:`))
      .map((d) => parseMessage(d.payload))
      .flatMap((parsed) => (parsed.ok ? [parsed.message] : []))
  const invite = messagesOf(A.host).findLast((m) => m.kind === 'request' && m.method === 'INVITE')
  const answer = messagesOf(B.host).findLast(
    (m) => m.kind === 'response' && m.status === 200 && m.body.length > 0,
  )
  assert.ok(invite, 'the capture has the INVITE of A')
  assert.ok(answer, 'the capture has the answer of B')
  const sdp = Buffer.from(invite.body).toString()
  // baresip sends RTP from any address of the machine, so media is told by its port.
  const bPort = audioPort(answer)
  const toB = Buffer.concat(
    datagrams
      .filter((d) => d.destination.startsWith(`${B.host}:`) || d.destination.endsWith(`:${bPort}`))
      .map((d) => d.payload),
  )
  const sent = Buffer.concat(datagrams.filter((d) => d.source.startsWith(`${A.host}:`)).map((d) => d.payload))
  const origin = /^o=(.*)$/m.exec(sdp)?.[1]?.trim().split(' ') ?? []
  const traces: Record<string, string | Buffer | undefined> = {
    number: national(A.number),
    address: A.host,
    'address in binary': Buffer.from(A.host.split('.').map(Number)),
    'SIP port': /@[^:;>]+:(\d+)/.exec(header(invite, 'Contact') ?? '')?.[1],
    'Call-ID': header(invite, 'Call-ID'),
    'From tag': tagOf(header(invite, 'From') ?? ''),
    'user agent': header(invite, 'User-Agent')?.split('/')[0]?.split(' ')[0],
    'SDP session id': origin[1],
    'RTP port': audioPort(invite),
  }
  for (const [what, trace] of Object.entries(traces)) {
    assert.ok(trace !== undefined && trace.length >= 4, `A's packets show its ${what}`)
    if (what !== 'address in binary')
      assert.ok(sent.includes(trace), `the search finds A's ${what} where it is`)
    assert.ok(!toB.includes(trace), `B received A's ${what}: ${trace.toString()}`)
  }
  assert.ok(toB.length > 50 * 172, `B received a second of audio and its signalling (${toB.length} bytes)`)
}

const audioPort = (message: SipMessage): string | undefined =>
  /^m=audio (\d+)/m.exec(Buffer.from(message.body).toString())?.[1]
