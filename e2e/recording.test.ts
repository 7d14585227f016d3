import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { type Laboratory, openLaboratory, type PhoneCall, type Softphone } from '@maskline/lab'
import { decodeG711, goertzel, readWav } from '@maskline/media'
import { signHeaders } from '@maskline/server'

/** From the bind with recordFlag to the ear of whoever downloads: one real call, one file with both voices. */

const AXB = '/rest/caas/relationnumber/partners/v1.0'
const RECORD = '/rest/provision/voice/record/v1.0'
const STOP = '/rest/httpsessions/callStop/v2.0'
const A = { number: '+8613800000021', hz: 440 } as const
const B = { number: '+8613800000022', hz: 1000 } as const
const X = '+8617000000001'

type Talk = { readonly outgoing: PhoneCall; readonly incoming: PhoneCall }

describe('a recorded call', () => {
  test('is named by its CDR, and its file holds both voices; one that is stopped early has none', async () => {
    const lab = await openLaboratory({ x: [X], app: { recordingEnabled: true } })
    try {
      const a = await lab.phone(A.number, A.hz)
      const b = await lab.phone(B.number, B.hz)
      const bound = await lab.api('POST', AXB, {
        callerNum: A.number,
        calleeNum: B.number,
        relationNum: X,
        recordFlag: 'true',
      })
      assert.equal(bound.body.resultcode, '0')

      const long = await talk(a, b)
      await Promise.all([long.outgoing.hears(3.5), long.incoming.hears(3.5)])
      long.outgoing.hangup()
      await lab.customer.waitFor((c) => c.fees.length === 1, 'the CDR of the recorded call')
      const fee = lab.customer.fees[0]!
      assert.equal(fee.recordFlag, 1)
      await assertBothVoices(await download(lab, fee.recordObjectName!, fee.recordDomain!))

      const short = await talk(a, b)
      await lab.customer.waitFor((c) => answered(c.events).length === 2, 'the answer of the second call')
      const sessionid = answered(lab.customer.events)[1]!.statusInfo.sessionId
      const stopped = await lab.api('POST', STOP, { sessionid, signal: 'call_stop' })
      assert.deepEqual(stopped, { status: 200, body: { resultcode: '0', resultdesc: 'Success' } })
      await Promise.all([short.outgoing.ended(), short.incoming.ended()])
      await lab.customer.waitFor((c) => c.fees.length === 2, 'the CDR of the stopped call')
      assert.equal(lab.customer.fees[1]!.recordFlag, 0)
      assert.equal(
        (await lab.api('POST', STOP, { sessionid, signal: 'call_stop' })).body.resultcode,
        '1020002',
      )
      assert.deepEqual(lab.customer.faults, [])
    } finally {
      await lab.close()
    }
  })
})

const answered = <E extends { readonly eventType: string }>(events: readonly E[]): readonly E[] =>
  events.filter(({ eventType }) => eventType === 'answer')

async function talk(from: Softphone, to: Softphone): Promise<Talk> {
  const outgoing = await from.call(X.slice('+86'.length))
  const incoming = await to.incoming()
  await incoming.answer()
  await outgoing.answered()
  return { outgoing, incoming }
}

/** As a customer does it: asks for the address, reads Location, and gets it without any header. */
async function download(
  { platform, app }: Laboratory,
  fileName: string,
  recordDomain: string,
): Promise<Uint8Array> {
  const query = new URLSearchParams({ fileName, recordDomain })
  const nonce = randomBytes(16).toString('hex')
  const answer = await fetch(`http://127.0.0.1:${platform.api.httpPort}${RECORD}?${query}`, {
    headers: signHeaders({ scheme: 'WSSE', key: app.key, secret: app.secret, now: Date.now(), nonce }),
    redirect: 'manual',
  })
  assert.equal(answer.status, 301)
  const audio = await fetch(answer.headers.get('location')!)
  assert.equal(audio.headers.get('content-type'), 'audio/wav')
  return new Uint8Array(await audio.arrayBuffer())
}

async function assertBothVoices(file: Uint8Array): Promise<void> {
  const { encoding, samples } = readWav(file)
  assert.equal(encoding, 'alaw')
  assert.ok(samples.length >= 3 * 8000, `${samples.length / 8000} s`)
  // A second of the middle: the ends may be silent.
  const middle = (samples.length - 8000) >> 1
  const second = decodeG711('alaw', samples.subarray(middle, middle + 8000) as Uint8Array)
  for (const { hz } of [A, B]) {
    const [voice, nobody] = [goertzel(second, hz), goertzel(second, 2500)]
    assert.ok(voice > 0.01 && voice > 10 * nobody, `${hz} Hz at ${voice}, silence at ${nobody}`)
  }
}
