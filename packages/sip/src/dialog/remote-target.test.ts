import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { response } from '../message/build.ts'
import { openBench } from '../testkit/bench.ts'

describe('a Contact that no request could go to', () => {
  for (const contact of ['<nobody>', '<>', '<"sip:b@192.0.2.1>', '<sip:b c@192.0.2.1>', '<:b>', '<(x):b>']) {
    it(`is not taken as the remote target: ${contact}`, async () => {
      const { stack, peer, clock, handlers, deliver } = await openBench()
      const uri = 'sip:b@192.0.2.1'
      const call = stack.invite({ uri, from: '<sip:a@192.0.2.2>', to: `<${uri}>` }, handlers)
      clock.advance(1)
      deliver(response(peer.lastRequest('INVITE'), 200, { toTag: 'b', headers: ['Contact', contact] }))
      call.ack()
      call.bye()
      clock.advance(1)
      assert.equal(peer.lastRequest('BYE').uri, uri)
    })
  }
})
