import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { response } from '../message/build.ts'
import { header } from '../message/headers.ts'
import { branchOf } from '../message/via.ts'
import { SDP_ANSWER, SDP_OFFER } from '../testkit/bench.ts'
import type { Bench } from '../testkit/bench.ts'
import { callIn, callOut, count, leavesNothing, talkingIn, talkingOut } from '../testkit/scripted-call.ts'
import type { ScriptedCallee, ScriptedCaller } from '../testkit/scripted-call.ts'

const last = (bench: Bench): string | undefined => bench.peer.summaries.at(-1)

function reinvite({ bench, call }: ScriptedCaller | ScriptedCallee): void {
  call.reinvite({ body: SDP_OFFER }, ({ status }) => bench.events.push(`final ${status}`))
  bench.clock.advance(1)
}

describe('races while a call is set up (RFC 5407)', () => {
  it('a re-INVITE before the ACK stands for the ACK that was lost', async () => {
    const caller = await callIn()
    const { bench, call } = caller
    call.answer({ body: SDP_ANSWER })
    bench.clock.advance(1)
    caller.asks('INVITE', 2, { body: SDP_OFFER })
    assert.deepEqual(bench.events, ['onAck', 'onReinvite'])
    bench.requests[0]!.respond(200, { body: SDP_ANSWER })
    caller.asks('ACK', 1)
    caller.asks('ACK', 2)
    bench.clock.advance(60_000)
    assert.deepEqual(bench.events, ['onAck', 'onReinvite', 'onReinviteAck'])
    assert.equal(count(bench, '200 INVITE'), 2)
  })

  it('a re-INVITE before the ACK that brings the answer gets 491', async () => {
    const caller = await callIn({ body: new Uint8Array(0) })
    caller.call.answer({ body: SDP_OFFER })
    caller.bench.clock.advance(1)
    caller.asks('INVITE', 2, { body: SDP_OFFER })
    assert.equal(last(caller.bench), '491 INVITE')
    caller.asks('ACK', 1, { body: SDP_ANSWER })
    assert.deepEqual(caller.bench.events, ['onAck'])
    caller.asks('INVITE', 3, { body: SDP_OFFER })
    assert.deepEqual(caller.bench.events, ['onAck', 'onReinvite'])
  })

  it('a re-INVITE of a call that waits for the ACK to hang up meets the end of it', async () => {
    const caller = await callIn()
    caller.call.answer({ body: SDP_ANSWER })
    caller.call.bye()
    caller.bench.clock.advance(1)
    caller.asks('INVITE', 2, { body: SDP_OFFER })
    assert.equal(count(caller.bench, 'BYE'), 1)
    assert.equal(count(caller.bench, '481 INVITE'), 1)
    assert.deepEqual(caller.bench.events, [])
  })

  it('an UPDATE without an offer before the ACK is answered, one with an offer too once both sides agree', async () => {
    const caller = await callIn()
    caller.call.answer({ body: SDP_ANSWER })
    caller.bench.clock.advance(1)
    caller.asks('UPDATE', 2)
    caller.asks('UPDATE', 3, { body: SDP_OFFER })
    assert.equal(last(caller.bench), '200 UPDATE')
    assert.deepEqual(caller.bench.events, ['onUpdate'])
  })

  it('an INVITE in the dialog before the first has its answer gets 500 of the callee, 491 of the caller', async () => {
    const caller = await callIn()
    caller.call.progress(180)
    caller.bench.clock.advance(1)
    caller.asks('INVITE', 2, { body: SDP_OFFER })
    assert.equal(last(caller.bench), '500 INVITE')
    assert.ok(Number(header(caller.bench.peer.lastResponse(500), 'Retry-After')) <= 10)
    const callee = await callOut()
    callee.says(180)
    callee.asks('INVITE', 1, { body: SDP_OFFER })
    assert.equal(last(callee.bench), '491 INVITE')
  })

  it("the callee's BYE before our ACK is answered, and the ACK still goes out (§3.1.3)", async () => {
    const callee = await callOut()
    callee.says(200, 'b1', { body: SDP_ANSWER })
    callee.asks('BYE', 1)
    callee.bench.clock.advance(1)
    assert.equal(count(callee.bench, '200 BYE'), 1)
    assert.equal(count(callee.bench, 'ACK'), 1)
    callee.call.ack()
    callee.call.bye()
    callee.bench.clock.advance(1)
    assert.equal(count(callee.bench, 'ACK'), 1)
    assert.deepEqual(callee.bench.events, ['onAnswer b1', 'onBye'])
    assert.ok(leavesNothing(callee.bench))
  })

  it("the caller's BYE that overtakes its ACK ends the call; the ACK says nothing any more", async () => {
    const caller = await callIn()
    caller.call.answer({ body: SDP_ANSWER })
    caller.bench.clock.advance(1)
    caller.asks('BYE', 2)
    caller.asks('ACK', 1)
    caller.bench.clock.advance(60_000)
    assert.deepEqual(caller.bench.events, ['onBye'])
    assert.equal(count(caller.bench, '200 INVITE'), 1)
    assert.ok(leavesNothing(caller.bench))
  })

  it('both BYEs that cross are answered', async () => {
    const caller = await talkingIn()
    caller.call.bye()
    caller.bench.clock.advance(1)
    caller.asks('BYE', 2)
    assert.equal(last(caller.bench), '200 BYE')
    caller.bench.deliver(response(caller.bench.peer.lastRequest('BYE'), 481))
    assert.deepEqual(caller.bench.events, ['onAck'])
    assert.ok(leavesNothing(caller.bench))
  })

  it('a re-INVITE of ours that meets the BYE is over with it; its late 2xx is acknowledged (§3.2.1)', async () => {
    const caller = await talkingIn()
    reinvite(caller)
    const sent = caller.bench.peer.lastRequest('INVITE')
    caller.asks('BYE', 2)
    caller.bench.deliver(response(sent, 200, { body: SDP_ANSWER }))
    caller.bench.clock.advance(1)
    assert.equal(count(caller.bench, 'ACK'), 1)
    assert.deepEqual(caller.bench.events, ['onAck', 'onBye'])
    assert.ok(leavesNothing(caller.bench))
  })

  it('a re-INVITE of ours that nobody answers does not outlive the BYE that ends its call', async () => {
    const caller = await talkingIn()
    reinvite(caller)
    caller.bench.deliver(response(caller.bench.peer.lastRequest('INVITE'), 100))
    caller.call.bye()
    caller.bench.clock.advance(1)
    caller.bench.deliver(response(caller.bench.peer.lastRequest('BYE'), 200))
    assert.ok(leavesNothing(caller.bench))
  })

  it("the caller's re-INVITE that crosses our BYE gets 481", async () => {
    const caller = await talkingIn()
    caller.call.bye()
    caller.bench.clock.advance(1)
    caller.asks('INVITE', 2, { body: SDP_OFFER })
    caller.asks('UPDATE', 3)
    assert.deepEqual(caller.bench.peer.summaries.slice(-2), ['481 INVITE', '481 UPDATE'])
  })

  it('an answer and a CANCEL that cross: the call stands on the called side, and ends on ours', async () => {
    const caller = await callIn()
    caller.call.answer({ body: SDP_ANSWER })
    caller.bench.clock.advance(1)
    caller.asks('CANCEL', 1, { branch: 'z9hG4bK-INVITE-1', toTag: undefined })
    caller.asks('ACK', 1)
    assert.deepEqual(caller.bench.events, ['onAck'])
    const callee = await callOut()
    callee.says(180)
    callee.call.cancel()
    callee.says(200, 'b1', { body: SDP_ANSWER })
    assert.deepEqual(callee.bench.peer.summaries, ['INVITE', 'CANCEL', 'ACK', 'BYE'])
    assert.equal(callee.bench.events.at(-1), 'onFailure 487 local')
  })

  it('a Reason given for CANCEL and BYE goes with them (RFC 3326)', async () => {
    const headers = ['Reason', 'Q.850;cause=16;text="Terminated"']
    const ringing = await callOut()
    ringing.says(180)
    ringing.call.cancel({ headers })
    const talking = await talkingOut()
    talking.call.bye({ headers })
    for (const [{ bench }, method] of [
      [ringing, 'CANCEL'],
      [talking, 'BYE'],
    ] as const) {
      bench.clock.advance(1)
      assert.equal(header(bench.peer.lastRequest(method), 'Reason'), headers[1])
    }
  })
})

describe('a re-INVITE of ours taken back (RFC 3261 §9.1)', () => {
  it('is cancelled once the peer has shown that it has it, and ends with its 487', async () => {
    const caller = await talkingIn()
    const { bench, call } = caller
    reinvite(caller)
    const sent = bench.peer.lastRequest('INVITE')
    call.cancelReinvite({ headers: ['Reason', 'SIP;cause=487'] })
    call.cancelReinvite()
    bench.clock.advance(100)
    assert.equal(count(bench, 'CANCEL'), 0)
    bench.deliver(response(sent, 100))
    bench.clock.advance(1)
    const cancel = bench.peer.lastRequest('CANCEL')
    assert.equal(branchOf(header(cancel, 'Via')!), branchOf(header(sent, 'Via')!))
    assert.equal(header(cancel, 'CSeq'), header(sent, 'CSeq')!.replace('INVITE', 'CANCEL'))
    assert.equal(header(cancel, 'Reason'), 'SIP;cause=487')
    bench.deliver(response(cancel, 200))
    bench.deliver(response(sent, 487))
    assert.deepEqual(bench.events, ['onAck', 'final 487'])
    reinvite(caller)
    bench.deliver(response(bench.peer.lastRequest('INVITE'), 200, { body: SDP_ANSWER }))
    assert.equal(bench.events.at(-1), 'final 200')
  })

  it('is answered all the same by a 2xx that crosses the CANCEL', async () => {
    const caller = await talkingIn()
    reinvite(caller)
    const sent = caller.bench.peer.lastRequest('INVITE')
    caller.bench.deliver(response(sent, 100))
    caller.call.cancelReinvite()
    caller.bench.deliver(response(sent, 200, { body: SDP_ANSWER }))
    caller.bench.clock.advance(1)
    assert.deepEqual(caller.bench.events, ['onAck', 'final 200'])
    assert.equal(count(caller.bench, 'ACK'), 1)
  })

  it('ends with 487 of our own when nothing follows the CANCEL; the call goes on', async () => {
    const caller = await talkingIn()
    reinvite(caller)
    caller.bench.deliver(response(caller.bench.peer.lastRequest('INVITE'), 180))
    caller.call.cancelReinvite()
    caller.bench.clock.advance(32_001)
    assert.deepEqual(caller.bench.events, ['onAck', 'final 487'])
    caller.asks('BYE', 2)
    assert.ok(leavesNothing(caller.bench))
  })

  it('is not sent at all when it still waits for a glare to pass, and not again after 491', async () => {
    const waiting = await talkingIn()
    waiting.asks('INVITE', 2, { body: SDP_OFFER })
    reinvite(waiting)
    waiting.call.cancelReinvite()
    waiting.bench.clock.advance(1)
    assert.equal(waiting.bench.events.at(-1), 'final 487')
    assert.equal(count(waiting.bench, 'INVITE'), 0)
    const glaring = await talkingIn()
    reinvite(glaring)
    glaring.call.cancelReinvite()
    glaring.bench.deliver(response(glaring.bench.peer.lastRequest('INVITE'), 491))
    assert.equal(glaring.bench.events.at(-1), 'final 491')
    glaring.bench.clock.advance(10_000)
    assert.equal(count(glaring.bench, 'INVITE'), 1)
  })

  it('is nothing without one, before and after the call', async () => {
    const callee = await callOut()
    callee.call.cancelReinvite()
    callee.says(200, 'b1', { body: SDP_ANSWER })
    callee.call.ack()
    callee.call.cancelReinvite()
    callee.asks('BYE', 1)
    callee.call.cancelReinvite()
    callee.bench.clock.advance(1)
    assert.equal(count(callee.bench, 'CANCEL'), 0)
  })

  it('of the peer is answered 487, and tells the owner to undo the other side', async () => {
    const caller = await talkingIn()
    caller.asks('INVITE', 2, { body: SDP_OFFER })
    caller.asks('CANCEL', 2, { branch: 'z9hG4bK-INVITE-2' })
    assert.deepEqual(caller.bench.events, ['onAck', 'onReinvite', 'onReinviteCancelled 0'])
    assert.equal(count(caller.bench, '487 INVITE'), 1)
  })
})

describe('glare of re-INVITEs (RFC 3261 §14.1)', () => {
  it('gives each side a 491, and lets the one that does not own the Call-ID go first', async () => {
    const caller = await talkingIn()
    const { bench } = caller
    reinvite(caller)
    const first = bench.peer.lastRequest('INVITE')
    caller.asks('INVITE', 2, { body: SDP_OFFER })
    assert.equal(count(bench, '491 INVITE'), 1)
    bench.deliver(response(first, 491))
    bench.clock.advance(2001)
    const second = bench.peer.lastRequest('INVITE')
    assert.equal(header(second, 'CSeq'), '2 INVITE')
    bench.deliver(response(second, 200, { body: SDP_ANSWER }))
    assert.deepEqual(bench.events, ['onAck', 'final 200'])
  })

  it('makes ours wait while the peer has one open', async () => {
    const caller = await talkingIn()
    caller.asks('INVITE', 2, { body: SDP_OFFER })
    reinvite(caller)
    assert.equal(count(caller.bench, 'INVITE'), 0)
    caller.bench.requests[0]!.respond(200, { body: SDP_ANSWER })
    caller.asks('ACK', 2)
    caller.bench.clock.advance(2001)
    assert.ok(count(caller.bench, 'INVITE') > 0)
  })

  it('gives 500 with Retry-After to a second one of the peer', async () => {
    const caller = await talkingIn()
    caller.asks('INVITE', 2, { body: SDP_OFFER })
    caller.asks('INVITE', 3, { body: SDP_OFFER })
    assert.equal(last(caller.bench), '500 INVITE')
  })
})
