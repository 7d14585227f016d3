import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { requirePeer } from './peers.ts'
import {
  CALLS,
  CALLS_PER_SECOND,
  type Outcome,
  PAIRS,
  type Transport,
  maskedCalls,
} from './support/lossy-calls.ts'
import { LOSS_PERCENT, type LossyNetwork, findLossyNetwork, within } from './support/lossy-network.ts'
import { memoryNetwork } from './support/memory-talk.ts'
import { startPeer } from './support/peer-process.ts'
import { makeTempDir } from './support/temp-dir.ts'

const MAIN = join(import.meta.dirname, 'support/lossy-calls-main.ts')
/** Looked for once, in the first test that asks. */
let found: ReturnType<typeof findLossyNetwork> | undefined

describe(`masked calls while ${LOSS_PERCENT} % of all packets are lost`, { concurrency: true }, () => {
  for (const transport of ['udp', 'tcp'] as const) {
    test(
      `${CALLS} over ${transport}, ${CALLS_PER_SECOND} a second: all connect and end, are billed once and leave nothing`,
      { timeout: 200_000 },
      async (t) => {
        const { network, refused } = await (found ??= findLossyNetwork())
        const means = network === undefined ? 'a network in memory' : `${network.loss.name} in a namespace`
        t.diagnostic(`lost by ${means}${refused.map((why) => `; not by ${why}`).join('')}`)
        if (network !== undefined && requirePeer(t, 'sipp') === undefined) return
        const outcome = await (network === undefined
          ? callsInMemory(transport)
          : callsWithin(network, transport))
        const { caller, callee } = outcome
        t.diagnostic(
          `${outcome.packetsLost} packets lost; sent once more: ${caller.repeated} by the caller, ${callee.repeated} by the callee; ` +
            `came twice: ${JSON.stringify(caller.copies)} to the caller, ${JSON.stringify(callee.copies)} to the callee`,
        )

        assert.deepEqual([caller.complete, caller.failed], [CALLS, 0], caller.errors)
        assert.deepEqual([callee.complete, callee.failed], [CALLS, 0], callee.errors)
        assert.deepEqual([outcome.faults, outcome.pushFaults], [[], []])
        assert.equal(outcome.activeCalls, 0)
        assert.deepEqual([outcome.left.dialogs, outcome.left.transactions], [0, 0])
        assertTold(outcome)
        // TCP repeats by itself; the streams in memory lose nothing.
        if (transport === 'udp') assertRepeated(outcome)
        if (transport === 'udp' || network !== undefined) assert.ok(outcome.packetsLost > 0)
      },
    )
  }
})

/** With sipp on both sides, in a process of their own. */
async function callsWithin(lossy: LossyNetwork, transport: Transport): Promise<Outcome> {
  const dir = makeTempDir('loss')
  const file = join(dir.path, 'outcome.json')
  const node = ['--disable-warning=ExperimentalWarning', MAIN, transport, lossy.loss.name, file]
  const peer = await startPeer(within(lossy, process.execPath, node))
  try {
    const { code } = await peer.exited
    assert.equal(code, 0, peer.output())
    return JSON.parse(readFileSync(file, 'utf8')) as Outcome
  } finally {
    await peer.stop('SIGKILL')
    dir.remove()
  }
}

function callsInMemory(transport: Transport): Promise<Outcome> {
  const { talk, carrier } = memoryNetwork()
  return maskedCalls(transport, talk, carrier)
}

/** One CDR a call, of an answered call, and each of its events; of `alerting` at most one, as a 180 may be lost for good. */
function assertTold({ cdrs, events }: Outcome): void {
  assert.equal(cdrs.length, CALLS)
  assert.equal(new Set(cdrs.map(({ icid }) => icid)).size, CALLS)
  const expected = Array.from({ length: CALLS }, (_, i) => {
    const { callerNum, relationNum, calleeNum } = PAIRS[i % PAIRS.length]!
    return [callerNum, relationNum, calleeNum].join()
  })
  assert.deepEqual(cdrs.map(({ parties }) => parties).toSorted(), expected.toSorted())
  for (const { answered, failures } of cdrs) assert.deepEqual([answered, ...failures], [true, 0, 0, 0])
  const { alerting = 0, ...others } = events
  assert.deepEqual(others, { callin: CALLS, callout: CALLS, answer: CALLS, disconnect: CALLS })
  assert.ok(alerting <= CALLS)
}

/** The parties sent again what was lost or not answered, and so did the platform. */
function assertRepeated({ caller, callee }: Outcome): void {
  assert.ok(caller.repeated > 0)
  assert.ok(callee.repeated > 0)
  const requests = (callee.copies.INVITE ?? 0) + (callee.copies.BYE ?? 0)
  const responses = (caller.copies['200 INVITE'] ?? 0) + (caller.copies['200 BYE'] ?? 0)
  assert.ok(requests + responses > 0)
}
