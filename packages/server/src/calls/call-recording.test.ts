import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Bench, type BenchOptions, CONNECT, openBench, REF, settle } from './call-test-kit.ts'

/** Recorded calls: the file from the answer on, and the CDR that waits for it (spec/notifications.md section 5.4). */
const RECORDED = { ...CONNECT, recording: {} }

async function talking(options: BenchOptions = {}): Promise<Bench> {
  const bench = openBench({ decide: RECORDED, ...options })
  await settle()
  bench.calleeSays(200)
  await settle()
  return bench
}

const told = (bench: Bench) =>
  bench.facts
    .slice(-2)
    .map(({ event, record: { recording, recordingPending } }) => [event, { recording, recordingPending }])

describe('a recorded call', () => {
  test('[call.recording.fromAnswer] is recorded from the answer on, which the journal knows at once', async () => {
    const bench = openBench({ decide: RECORDED })
    await settle()
    assert.ok(!bench.media.log.includes('startRecording'))
    bench.calleeSays(200)
    await settle()
    assert.ok(bench.media.log.includes('startRecording'))
    const { event, record } = bench.facts.at(-1)!
    assert.equal(event, 'answer')
    assert.deepEqual(record.recordingPending, REF)
  })

  test('[call.recording.disconnectAtOnce] [call.recording.cdrWaits] tells its end at once, and its recording when that is stored', async () => {
    let stored!: (kept: boolean) => void
    const bench = await talking({ finish: () => new Promise((resolve) => (stored = resolve)) })
    bench.hangsUp()
    await settle()
    assert.equal(bench.events().at(-1), 'disconnect')
    assert.deepEqual(bench.facts.at(-1)!.record.recordingPending, REF)
    assert.deepEqual(bench.media.log.slice(-2), ['stopRecording', 'close'])
    stored(true)
    await settle()
    assert.deepEqual(told(bench), [
      ['disconnect', { recording: undefined, recordingPending: REF }],
      ['recorded', { recording: REF, recordingPending: undefined }],
    ])
    assert.equal(bench.controller.activeCalls, 0)
    assert.equal(bench.time.pending(), 0)
  })

  test('[call.recording.notKept] without a file that is worth keeping has a CDR without one', async () => {
    const bench = await talking({ finish: async () => false })
    bench.calleeHangsUp()
    await settle()
    assert.deepEqual(told(bench)[1], ['recorded', { recording: undefined, recordingPending: undefined }])
  })

  test('[call.recording.tenSeconds] whose file takes longer than ten seconds has a CDR without one', async () => {
    const bench = await talking({ finish: () => new Promise(() => {}) })
    bench.hangsUp()
    await settle()
    bench.time.advance(9_999)
    assert.equal(bench.events().at(-1), 'disconnect')
    bench.time.advance(1)
    assert.deepEqual(told(bench)[1], ['recorded', { recording: undefined, recordingPending: undefined }])
    assert.equal(bench.controller.activeCalls, 0)
  })

  test('[call.recording.failure] [codes.8015] [codes.8041] goes on when it cannot be recorded, or its file breaks', async () => {
    const bench = await talking({ fail: { startRecording: 'NO_COMMON_CODEC', stopRecording: 'CLOSED' } })
    bench.media.tell({ kind: 'recording-failed', error: 'no space left' })
    assert.equal(bench.controller.activeCalls, 1)
    bench.hangsUp()
    await settle()
    assert.equal(bench.events().at(-1), 'recorded')
    assert.equal(bench.ended()?.releaseCode, 0)
  })

  test('that is not answered has nothing to wait for', async () => {
    const bench = openBench({ decide: RECORDED })
    await settle()
    bench.calleeSays(486)
    await settle()
    assert.equal(bench.events().at(-1), 'disconnect')
    assert.equal(bench.facts.at(-1)!.record.recordingPending, undefined)
    assert.equal(bench.controller.activeCalls, 0)
  })

  test('that ended is no call any more for who would stop it', async () => {
    const bench = await talking({ finish: () => new Promise(() => {}) })
    bench.hangsUp()
    assert.equal(bench.controller.terminate('k', bench.sessionId()), false)
  })
})

describe('after a crash', () => {
  const crashed = async (ended: boolean, finish: () => Promise<boolean>): Promise<Bench> => {
    const bench = await talking()
    const { record } = bench.facts.at(-1)!
    const end = { at: 5, releaseCode: 0, q850: 0, sipStatus: 0 }
    const again = openBench({ openCalls: [ended ? { ...record, end } : record], finish })
    again.facts.length = 0
    assert.equal(await again.controller.closeCrashedCalls(2_000_000), 1)
    return again
  }

  test('[call.recording.afterCrash] a recording that was under way is stored, behind the end of its call', async () => {
    const bench = await crashed(false, async () => true)
    const facts = bench.facts.filter(({ event }) => event === 'disconnect' || event === 'recorded')
    assert.deepEqual(
      facts.map(({ event, record }) => [event, record.end?.releaseCode, record.recording]),
      [
        ['disconnect', 8020, undefined],
        ['recorded', 8020, REF],
      ],
    )
  })

  test('[call.recording.afterCrash] one whose call had ended gets its CDR only', async () => {
    const bench = await crashed(true, async () => false)
    const facts = bench.facts.filter(({ event }) => event === 'disconnect' || event === 'recorded')
    assert.deepEqual(
      facts.map(({ event, record }) => [event, record.end?.releaseCode, record.recordingPending]),
      [['recorded', 0, undefined]],
    )
  })
})
