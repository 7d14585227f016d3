import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type ClientCallHandlers,
  type ServerCallHandlers,
  type SipStack,
  type StackHandlers,
  createSipStack,
} from '@maskline/sip'
import { requirePeer } from './peers.ts'
import { runSipp, startSipp } from './support/sipp.ts'

const HOST = '127.0.0.1'
const CALLS = 10
const PARTIES = [{ caller: '+8613800000021', dialled: '+8617000000001' }]
const SDP = Buffer.from(
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n',
)

const open = (handlers: StackHandlers, transport: 'udp' | 'tcp'): Promise<SipStack> =>
  createSipStack({ listen: [{ address: HOST, port: 0, transport }], handlers })

describe('the SIP stack and a sipp that uses extensions', () => {
  for (const transport of ['udp', 'tcp'] as const) {
    test(`rings it reliably, agrees to its session timer and takes its UPDATE over ${transport}`, async (t) => {
      if (requirePeer(t, 'sipp') === undefined) return
      let ended = 0
      const lost: string[] = []
      const handlers: ServerCallHandlers = {
        onAck() {},
        onBye: () => void ended++,
        onCancel: (call) => call.reject(487),
        onLost: (_call, why) => void lost.push(why),
        onReinvite: (_call, request) => request.respond(488),
      }
      const stack = await open(
        {
          onInvite(call) {
            call.handlers = handlers
            call.progress(183, { body: SDP })
            call.answer()
          },
        },
        transport,
      )
      try {
        const remote = stack.addresses[0]!
        const local = { address: HOST }
        const run = { scenario: 'uac-extensions', local, remote, transport, parties: PARTIES } as const
        const result = await runSipp({ ...run, calls: CALLS })
        assert.equal(result.successful, CALLS, result.errors)
        assert.equal(ended, CALLS)
        assert.deepEqual(lost, [])
        assert.equal(stack.stats().dialogs, 0)
      } finally {
        await stack.close()
      }
    })

    test(`asks it again after 422, acknowledges its reliable 183 and hangs up over ${transport}`, async (t) => {
      if (requirePeer(t, 'sipp') === undefined) return
      const callee = await startSipp({
        scenario: 'uas-extensions',
        local: { address: HOST },
        transport,
        calls: CALLS,
      })
      const stack = await open({ onInvite: (call) => call.reject(403) }, transport)
      const heard: string[] = []
      const handlers: ClientCallHandlers = {
        onProvisional: (_call, { status, body }) => void heard.push(`${status} ${body.length > 0}`),
        onAnswer(call) {
          call.ack()
          call.bye()
        },
        onFailure: (_call, status) => void heard.push(`failed ${status}`),
        onBye() {},
        onLost: (_call, why) => void heard.push(`lost ${why}`),
        onReinvite: (_call, request) => request.respond(488),
      }
      try {
        const to = `sip:+8617000000001@${HOST}:${callee.local.port};transport=${transport}`
        const from = `<sip:+8613800000021@${HOST}>`
        for (let n = 0; n < CALLS; n++) stack.invite({ uri: to, from, to: `<${to}>`, body: SDP }, handlers)
        const result = await callee.finished
        assert.equal(result.successful, CALLS, result.errors)
        assert.deepEqual(heard, Array<string>(CALLS).fill('183 true'))
      } finally {
        await stack.close()
        await callee.stop()
      }
    })
  }
})
