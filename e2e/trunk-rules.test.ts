import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createSoftphone, type Softphone } from '@maskline/lab'
import { CALLEE_HOST, CALLER_HOST, openTrunkLab, type TrunkLab } from './support/trunk-lab.ts'

const A = '+8613800000021'
const B = '+8613800000022'
const X = '+8617000000001'

/** What a carrier with rules of its own sees on the wire. */
let lab: TrunkLab
let caller: Softphone
let callee: Softphone
before(async () => {
  lab = await openTrunkLab({
    x: [X],
    trunk: {
      domain: 'carrier.example',
      numbersOut: { caller: { format: 'national' }, callee: { format: 'digits', prefix: '9#' } },
      numbersIn: { caller: { strip: ['55'] }, callee: { strip: ['9#'] } },
      callerFrom: ['Remote-Party-ID', 'From'],
      identity: {
        from: 'anonymous',
        headers: ['P-Preferred-Identity', 'Remote-Party-ID'],
        privacy: 'id',
        domain: 'pn.example',
        userPhone: true,
      },
      codecs: ['PCMU'],
    },
  })
  await lab.bind({ callerNum: A, calleeNum: B, relationNum: X })
  caller = await createSoftphone({ user: 'anyone', host: CALLER_HOST, registrar: lab.remote })
  callee = await createSoftphone({ user: B, host: CALLEE_HOST, port: lab.callee.port })
})
after(async () => {
  await Promise.all([caller, callee].map((phone) => phone?.close()))
  await lab?.close()
})

test(
  'numbers, identity and codecs are those of the trunk, in both directions',
  { timeout: 30_000 },
  async () => {
    const call = await caller.call('9#8617000000001', {
      headers: ['Remote-Party-ID', `<sip:55${A.slice(1)}@carrier.example>;party=calling`],
    })
    const incoming = await callee.incoming()
    await incoming.answer()
    await call.answered()
    call.hangup()
    await incoming.ended()
    await lab.customer.waitFor((c) => c.fees.length === 1, 'the CDR')
    const fee = lab.customer.fees[0]!
    assert.deepEqual([fee.callerNum, fee.bindNum, fee.fwdDstNum], [A, X, B])

    const invite = callee.received().toString('latin1').split('\r\n\r\nv=0')[0]!
    const sdp = callee.received().toString('latin1').split('\r\n\r\nv=0')[1]!
    const lines = (name: string): string[] =>
      invite.split('\r\n').filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    assert.match(invite, /^INVITE sip:9%238613800000022@carrier\.example;user=phone SIP\/2\.0\r\n/)
    const shown = '<sip:17000000001@pn.example;user=phone>'
    assert.match(lines('From').join(), /^From: "Anonymous" <sip:anonymous@anonymous\.invalid>;tag=/)
    assert.deepEqual(lines('P-Preferred-Identity'), [`P-Preferred-Identity: ${shown}`])
    assert.deepEqual(lines('Remote-Party-ID'), [
      `Remote-Party-ID: ${shown};party=calling;screen=yes;privacy=full`,
    ])
    assert.deepEqual(lines('Privacy'), ['Privacy: id'])
    assert.deepEqual(lines('P-Asserted-Identity'), [])
    assert.match(sdp, /m=audio \d+ RTP\/AVP 0 101\r\n/)
    for (const trace of [A, A.slice(1), A.slice(3), CALLER_HOST])
      assert.ok(!callee.received().includes(trace), `${trace} reached the callee`)
  },
)
