import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { requirePeer } from '../peers.ts'
import { parseSippStats, runSipp, startSipp, type ScenarioName, type SippParties } from './sipp.ts'

const HOST = '127.0.0.1'
const parties: SippParties[] = Array.from({ length: 20 }, (_, i) => ({
  caller: `+86138000000${10 + i}`,
  dialled: `+86170000000${10 + i}`,
}))

describe('sipp statistics', () => {
  test('are read from the last complete row', () => {
    const csv = [
      'ElapsedTime(C);TotalCallCreated;CurrentCall;SuccessfulCall(C);FailedCall(C);FailedCallRejected(C);FailedCannotSendMessage(C);Retransmissions(C);refused(P);refused(C);',
      '00:00:01:000500;10;4;6;0;0;0;0;1;1;',
      '00:00:02:250000;20;0;18;2;2;2;3;4;5;',
      '00:00:03:000000;21;0;',
    ].join('\n')
    assert.deepEqual(parseSippStats(csv), {
      created: 20,
      current: 0,
      successful: 18,
      failed: 2,
      retransmissions: 3,
      elapsedMs: 2_250,
      failures: { FailedCannotSendMessage: 2 },
      counters: { refused: 5 },
    })
  })

  test('are absent before the first row', () => {
    assert.equal(parseSippStats('ElapsedTime(C);TotalCallCreated;\n'), undefined)
    assert.equal(parseSippStats(''), undefined)
  })
})

describe('sipp against sipp', () => {
  const pairs: {
    title: string
    uac: ScenarioName
    uas: ScenarioName
    values?: Record<string, string>
    transport?: 'tcp'
    calls: number
  }[] = [
    { title: 'fifty calls answer and hang up without a failure', uac: 'uac', uas: 'uas', calls: 50 },
    { title: 'calls go over TCP', uac: 'uac', uas: 'uas', transport: 'tcp', calls: 10 },
    { title: 'the callee hangs up', uac: 'uac-listens', uas: 'uas-hangs-up', calls: 10 },
    { title: 'the callee is busy', uac: 'uac-refused', uas: 'uas-busy', calls: 10 },
    {
      title: 'the callee declines',
      uac: 'uac-refused',
      uas: 'uas-reject',
      values: { status: '603' },
      calls: 10,
    },
    { title: 'the caller gives up', uac: 'uac-cancel', uas: 'uas-noanswer', calls: 10 },
  ]
  for (const { title, uac, uas, values, transport, calls } of pairs) {
    test(title, async (t) => {
      if (requirePeer(t, 'sipp') === undefined) return
      const udpOrTcp = transport ?? 'udp'
      const callee = await startSipp({
        scenario: uas,
        local: { address: HOST },
        transport: udpOrTcp,
        calls,
        trace: true,
      })
      const caller = await runSipp({
        scenario: uac,
        ...(values === undefined ? {} : { values }),
        local: { address: HOST },
        remote: callee.local,
        transport: udpOrTcp,
        parties,
        calls,
        rate: 100,
        trace: true,
      })
      const called = await callee.finished
      for (const side of [caller, called]) {
        assert.equal(side.failed, 0, side.errors)
        assert.equal(side.successful, calls, side.errors)
        assert.equal(side.exitCode, 0)
      }
      const seen = called.received.toString('latin1')
      for (const { caller, dialled } of parties.slice(0, calls)) {
        assert.ok(seen.includes(`INVITE sip:${dialled}@`), `callee never saw ${dialled} dialled`)
        assert.ok(seen.includes(`P-Asserted-Identity: <sip:${caller}@`), `callee never saw ${caller} calling`)
      }
      assert.ok(!seen.includes('SIP/2.0 180 Ringing'), 'what the callee sent is not what it received')
    })
  }

  test('an unexpected answer is a failed call with its reason', async (t) => {
    if (requirePeer(t, 'sipp') === undefined) return
    const callee = await startSipp({ scenario: 'uas-busy', local: { address: HOST } })
    const caller = await runSipp({
      scenario: 'uac',
      local: { address: HOST },
      remote: callee.local,
      parties,
      calls: 3,
    })
    await callee.stop()
    assert.equal(caller.failed, 3)
    assert.equal(caller.exitCode, 1)
    assert.deepEqual(caller.failures, { FailedUnexpectedMessage: 3 })
    assert.match(caller.errors, /486 Busy Here/)
  })

  test('a callee that answers nobody stops at once', async (t) => {
    if (requirePeer(t, 'sipp') === undefined) return
    const callee = await startSipp({ scenario: 'uas', local: { address: HOST } })
    const result = await callee.stop()
    assert.equal(result.created, 0)
  })
})
