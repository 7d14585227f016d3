import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requirePeer } from './peers.ts'
import { runSipp, startSipp } from './support/sipp.ts'
import { CALLER_HOST, openTrunkLab } from './support/trunk-lab.ts'

const A = '+8613800000021'
const B = '+8613800000022'
const X = '+8617000000001'
const CALLS = 5
const TALK = ['callin', 'callout', 'answer', 'disconnect']

for (const transport of ['udp', 'tcp'] as const)
  for (const [title, uac, uas, events] of [
    [
      'a caller that requires 100rel and a callee that asks for a longer session, both with timers',
      'uac-extensions',
      'uas-extensions',
      TALK,
    ],
    [
      'a caller and two phones with early media, of which the second answers',
      'uac',
      'uas-forks',
      ['callin', 'callout', 'alerting', 'answer', 'disconnect'],
    ],
  ] as const)
    test(`a masked call between ${title}, over ${transport}`, { timeout: 60_000 }, async (t) => {
      if (requirePeer(t, 'sipp') === undefined) return
      const lab = await openTrunkLab({ x: [X], transport })
      try {
        await lab.bind({ callerNum: A, calleeNum: B, relationNum: X })
        const callee = await startSipp({ scenario: uas, local: lab.callee, transport, calls: CALLS })
        const caller = await runSipp({
          scenario: uac,
          local: { address: CALLER_HOST },
          remote: lab.remote,
          transport,
          parties: [{ caller: A, dialled: X }],
          calls: CALLS,
          talkMs: 50,
        })
        const called = await callee.finished
        assert.equal(caller.successful, CALLS, caller.errors)
        assert.equal(called.successful, CALLS, called.errors)
        await lab.customer.waitFor((c) => c.fees.length === CALLS, 'the CDRs')
        for (const { sessionId, fwdUnaswRsn, ulFailReason } of lab.customer.fees) {
          assert.deepEqual([fwdUnaswRsn, ulFailReason], [0, 0])
          const told = lab.customer.events.filter((event) => event.statusInfo.sessionId === sessionId)
          assert.deepEqual(
            told.map((event) => event.eventType),
            events,
          )
        }
        assert.deepEqual(lab.customer.faults, [])
      } finally {
        await lab.close()
      }
    })
