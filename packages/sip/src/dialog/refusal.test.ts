import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { header } from '../message/headers.ts'
import { openBench } from '../testkit/bench.ts'
import { testRequest } from '../testkit/requests.ts'
import { talkingIn } from '../testkit/scripted-call.ts'

const ALLOW = 'INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE'

describe('requests that nobody takes', () => {
  // Inside a dialog, outside (RFC 3261 §8.2.1; RFC 3515 §2.4.2; RFC 6665 §4.1.3, §4.2.1.1).
  const cases: [string, number, number][] = [
    ['REFER', 405, 405],
    ['SUBSCRIBE', 489, 405],
    ['NOTIFY', 489, 405],
    ['MESSAGE', 405, 405],
    ['PUBLISH', 405, 405],
    ['DANCE', 405, 501],
    ['INFO', 405, 481],
    ['PRACK', 481, 481],
    ['OPTIONS', 200, 200],
  ]
  for (const [method, inside, outside] of cases) {
    it(`${method} gets ${inside} inside a dialog and ${outside} outside`, async () => {
      const caller = await talkingIn()
      const { onRequest: _none, ...handlers } = caller.bench.handlers
      caller.call.handlers = handlers
      caller.asks(method, 2, { headers: ['Event', 'refer', 'Refer-To', '<sip:c@192.0.2.9>'] })
      assert.equal(caller.bench.peer.summaries.at(-1), `${inside} ${method}`)
      if (inside !== 481) assert.equal(header(caller.bench.peer.lastResponse(inside), 'Allow'), ALLOW)
      assert.equal(caller.bench.stack.stats().dialogs, 1)
      const bench = await openBench()
      bench.deliver(testRequest({ from: bench.peer.hop, method }))
      bench.clock.advance(1)
      assert.deepEqual(bench.peer.summaries, [`${outside} ${method}`])
      if (outside !== 481) assert.equal(header(bench.peer.lastResponse(outside), 'Allow'), ALLOW)
    })
  }

  it('are taken by the handlers that name them', async () => {
    const caller = await talkingIn()
    caller.call.handlers = { ...caller.bench.handlers, takes: ['INFO', 'REFER'] }
    caller.asks('REFER', 2)
    caller.bench.requests[0]!.respond(202)
    caller.asks('MESSAGE', 3)
    assert.deepEqual(caller.bench.peer.summaries.slice(-2), ['202 REFER', '405 MESSAGE'])
  })

  it('that require the unknown get 420 with that alone, inside a dialog too (RFC 3261 §8.2.2.3)', async () => {
    const caller = await talkingIn()
    caller.asks('UPDATE', 2, { headers: ['Require', 'timer, replaces', 'Require', '100rel, precondition'] })
    assert.equal(header(caller.bench.peer.lastResponse(420), 'Unsupported'), 'replaces, precondition')
    caller.asks('UPDATE', 3, { headers: ['Require', 'timer, 100rel'] })
    assert.equal(caller.bench.peer.summaries.at(-1), '200 UPDATE')
  })

  it('say what is supported in the answer to OPTIONS', async () => {
    const bench = await openBench()
    bench.deliver(testRequest({ from: bench.peer.hop, method: 'OPTIONS' }))
    bench.clock.advance(1)
    assert.equal(header(bench.peer.lastResponse(200), 'Supported'), '100rel, timer')
  })
})
