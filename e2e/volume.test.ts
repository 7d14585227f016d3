import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { requirePeer } from './peers.ts'
import { runSipp, startSipp } from './support/sipp.ts'
import { CALLER_HOST, openTrunkLab } from './support/trunk-lab.ts'

const CALLS = 500
const CALLS_PER_SECOND = 50
const PAIRS = 100
const X = ['+8617000000001', '+8617000000002', '+8617000000003', '+8617000000004']
const EVENTS = ['callin', 'callout', 'alerting', 'answer', 'disconnect']
/** Four ports a call: enough for the calls that run at once, not for 500 calls that keep theirs. */
const RTP_PORTS = { MASKLINE_RTP_PORT_MIN: '12000', MASKLINE_RTP_PORT_MAX: '12479' }

const pairs = Array.from({ length: PAIRS }, (_, i) => ({
  callerNum: `+86138000${10_000 + i}`,
  calleeNum: `+86139000${10_000 + i}`,
  relationNum: X[i % X.length] ?? '',
}))

describe('five hundred masked calls, fifty a second', () => {
  test(
    'none fails, each is told event by event and billed once, and nothing stays open',
    { timeout: 120_000 },
    async (t) => {
      if (requirePeer(t, 'sipp') === undefined) return
      const lab = await openTrunkLab({
        x: X,
        env: { ...RTP_PORTS, MASKLINE_RTP_PORT_REST_MS: '200', MASKLINE_APP_RATE: '0' },
      })
      const { platform, customer } = lab
      const callee = await startSipp({ scenario: 'uas', local: lab.callee, calls: CALLS })
      try {
        for (const pair of pairs) await lab.bind(pair)
        const caller = await runSipp({
          scenario: 'uac',
          local: { address: CALLER_HOST },
          remote: lab.remote,
          parties: pairs.map(({ callerNum, relationNum }) => ({ caller: callerNum, dialled: relationNum })),
          calls: CALLS,
          rate: CALLS_PER_SECOND,
          talkMs: 300,
          timeoutMs: 60_000,
        })
        assert.deepEqual([caller.successful, caller.failed], [CALLS, 0], caller.errors)
        const called = await callee.finished
        assert.deepEqual([called.successful, called.failed], [CALLS, 0], called.errors)

        await customer.waitFor(({ fees }) => fees.length >= CALLS, 'the CDRs', 30_000)
        await platform.settle()
        assert.equal(platform.activeCalls, 0)

        assert.deepEqual(customer.faults, [])
        assert.ok(customer.pushes.every((push) => push.app === lab.app.key && push.status === 200))
        assert.equal(customer.fees.length, CALLS)
        assert.equal(customer.events.length, CALLS * EVENTS.length)
        assertToldInOrder(customer.pushes.map((push) => push.body))

        const billed = customer.fees.map((fee) => [fee.callerNum, fee.bindNum, fee.fwdDstNum].join())
        const expected = Array.from({ length: CALLS }, (_, i) => {
          const { callerNum, relationNum, calleeNum } = pairs[i % PAIRS]!
          return [callerNum, relationNum, calleeNum].join()
        })
        assert.deepEqual(billed.toSorted(), expected.toSorted())
        assert.equal(new Set(customer.fees.map((fee) => fee.icid)).size, CALLS)
        for (const fee of customer.fees) {
          assert.deepEqual([fee.fwdUnaswRsn, fee.ulFailReason, fee.sipStatusCode], [0, 0, 0])
          assert.ok(fee.fwdAnswerTime)
        }
      } finally {
        await callee.stop()
        await lab.close()
      }
    },
  )
})

/** The pushes of each session, in the order of their arrival: five events, then one CDR. */
function assertToldInOrder(bodies: readonly string[]): void {
  const told = new Map<string, string[]>()
  for (const body of bodies) {
    const push = JSON.parse(body) as {
      eventType: string
      statusInfo?: { sessionId: string }
      feeLst?: { sessionId: string }[]
    }
    for (const { sessionId } of push.feeLst ?? [push.statusInfo!]) {
      const list = told.get(sessionId)
      if (list === undefined) told.set(sessionId, [push.eventType])
      else list.push(push.eventType)
    }
  }
  assert.equal(told.size, CALLS)
  for (const [sessionId, types] of told) assert.deepEqual(types, [...EVENTS, 'fee'], sessionId)
}
