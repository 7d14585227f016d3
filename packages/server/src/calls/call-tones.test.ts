import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Bench,
  type BenchOptions,
  CONNECT,
  NONE,
  openBench,
  REFUSE,
  SDP,
  settle,
} from './call-test-kit.ts'

/** What the parties are played, and when (spec/announcements.md sections 1 to 3). */
const WAITING = { ...CONNECT, waitingTone: 'wait.wav' }
const RECORDED = { ...CONNECT, recording: { hintTone: 'hint.wav' } }

async function dialled(options: BenchOptions): Promise<Bench> {
  const bench = openBench(options)
  await settle()
  return bench
}

async function says(bench: Bench, ...responses: (readonly [number, Uint8Array?])[]): Promise<void> {
  for (const [status, body] of responses) {
    bench.calleeSays(status, body && { body })
    await settle()
  }
}

describe('a waiting tone', () => {
  test('[call.preVoice.plays] [call.preVoice.parallel] is heard in early media while the callee is dialled', async () => {
    const bench = await dialled({ decide: WAITING })
    assert.deepEqual(bench.toCaller, ['183 SDP'])
    assert.deepEqual(bench.toCallee, ['INVITE'])
    assert.deepEqual(bench.media.heard, ['a wait.wav'])
    assert.deepEqual(bench.events(), ['callin', 'callout'])
  })

  test('[call.preVoice.once] [call.ringBack.ours] plays once; ring-back follows when it rings without media', async () => {
    const bench = await dialled({ decide: WAITING })
    bench.media.toneEnds('a')
    await settle()
    assert.deepEqual(bench.media.heard, ['a wait.wav'])
    await says(bench, [180])
    assert.deepEqual(bench.media.heard, ['a wait.wav', 'a ring-back for ever'])
    assert.deepEqual(bench.toCaller, ['183 SDP'])
  })

  test('[call.preVoice.cutByRinging] is cut by ringing', async () => {
    const bench = await dialled({ decide: WAITING })
    await says(bench, [180], [180])
    assert.deepEqual(bench.media.heard, ['a wait.wav', 'a ring-back for ever'])
    assert.deepEqual(bench.events(), ['callin', 'callout', 'alerting'])
  })

  test('[call.preVoice.cutByMedia] [call.earlyMedia.afterTone] is cut by the callee’s early media, and so is ring-back', async () => {
    const bench = await dialled({ decide: WAITING })
    await says(bench, [183])
    assert.deepEqual(bench.media.heard, ['a wait.wav', 'a nothing'])
    await says(bench, [180])
    assert.deepEqual(bench.media.heard, ['a wait.wav', 'a nothing'], 'media goes on through a bare 180')
    const ringing = await dialled({ decide: WAITING })
    await says(ringing, [180], [183])
    assert.deepEqual(ringing.media.heard, ['a wait.wav', 'a ring-back for ever', 'a nothing'])
  })

  test('[call.preVoice.cutByAnswer] is cut by the answer, which the caller gets as 200', async () => {
    const bench = await dialled({ decide: WAITING })
    await says(bench, [200])
    assert.deepEqual(bench.media.heard, ['a wait.wav', 'a nothing'])
    assert.deepEqual(bench.toCaller, ['183 SDP', '200'])
  })

  test('[call.preVoice.unset] without one the caller gets the callee’s own progress', async () => {
    const bench = await dialled({ decide: CONNECT })
    await says(bench, [180])
    assert.deepEqual(bench.toCaller, ['180'])
    assert.deepEqual(bench.media.heard, [])
  })

  test('[call.earlyMedia.passed] early media of the callee is passed with its 183', async () => {
    const bench = await dialled({ decide: CONNECT })
    await says(bench, [183], [200])
    assert.deepEqual(bench.toCaller, ['183 SDP', '200'])
  })

  test('[call.preVoice.missing] whose file is gone, or which the caller has no media for, is none', async () => {
    for (const options of [{ files: [] }, { offer: NONE }]) {
      const bench = await dialled({ decide: WAITING, ...options })
      assert.deepEqual(bench.toCaller, [])
      await says(bench, [180])
      assert.deepEqual(bench.toCaller, ['180'])
    }
  })

  test('that cannot be played, or offered, costs nothing but itself', async () => {
    const mute = await dialled({ decide: WAITING, fail: { play: 'NO_COMMON_CODEC' } })
    await says(mute, [180], [200])
    assert.deepEqual(mute.events(), ['callin', 'callout', 'alerting', 'answer'])
    const deaf = await dialled({ decide: WAITING, fail: { answerLocally: 'NO_COMMON_CODEC' } })
    await says(deaf, [180], [200])
    assert.deepEqual(deaf.toCaller, ['180', '200'])
  })

  test('a refusal of the callee ends the early media with its status and reason', async () => {
    const bench = await dialled({ decide: WAITING })
    await says(bench, [486])
    assert.deepEqual(bench.toCaller, ['183 SDP', '486 17'])
  })
})

describe('a refusal', () => {
  test('[call.refusal.tone183] plays its tone as early media, then answers with status and reason', async () => {
    const bench = await dialled({ decide: { ...REFUSE, tone: 'sorry.wav' } })
    assert.deepEqual(bench.toCaller, ['183 SDP'])
    bench.media.toneEnds('a')
    await settle()
    assert.deepEqual(bench.toCaller, ['183 SDP', '404 1'])
    assert.deepEqual(bench.toCallee, [])
  })

  test('[call.refusal.noTone] [call.refusal.noSecondLeg] without a tone, or with a file that is gone, answers at once', async () => {
    for (const options of [{ decide: REFUSE }, { decide: { ...REFUSE, tone: 'gone.wav' }, files: [] }]) {
      const bench = await dialled(options)
      assert.deepEqual(bench.toCaller, ['404'])
      assert.deepEqual(bench.toCallee, [])
      assert.equal(bench.ended()?.releaseCode, 8014)
    }
  })
})

describe('tones of a talk', () => {
  test('[call.calleeTone] [call.hintTone] [call.tones.order] come in order: the callee’s own, then the hint to both', async () => {
    const bench = await dialled({ decide: { ...RECORDED, calleeTone: 'hello.wav' } })
    await says(bench, [200])
    assert.deepEqual(bench.toCaller, ['200'])
    assert.deepEqual(bench.media.heard, ['b hello.wav'])
    bench.media.toneEnds('b')
    await settle()
    assert.deepEqual(bench.media.heard, ['b hello.wav', 'a hint.wav', 'b hint.wav'])
  })

  test('[call.lastMinute.both] [call.lastMinute.once] the last minute is told to both, once', async () => {
    const bench = await dialled({ decide: { ...CONNECT, maxDurationMin: 2, lastMinVoice: 'last.wav' } })
    await says(bench, [200])
    bench.time.advance(59_999)
    await settle()
    assert.deepEqual(bench.media.heard, [])
    bench.time.advance(1)
    await settle()
    assert.deepEqual(bench.media.heard, ['a last.wav', 'b last.wav'])
    bench.media.toneEnds('a', 'b')
    bench.time.advance(59_999)
    await settle()
    assert.deepEqual(bench.media.heard, ['a last.wav', 'b last.wav'])
  })

  test('[call.lastMinute.oneMinute] of a call of one minute it is told at once, after the hint', async () => {
    const bench = await dialled({ decide: { ...RECORDED, maxDurationMin: 1, lastMinVoice: 'last.wav' } })
    await says(bench, [200])
    assert.deepEqual(bench.media.heard, ['a hint.wav', 'b hint.wav'])
    bench.media.toneEnds('a')
    await settle()
    assert.deepEqual(bench.media.heard, ['a hint.wav', 'b hint.wav'], 'both have to hear the hint')
    bench.media.toneEnds('b')
    await settle()
    assert.deepEqual(bench.media.heard.slice(2), ['a last.wav', 'b last.wav'])
  })

  test('[call.lastMinute.waits] that is due while another plays waits for it', async () => {
    const bench = await dialled({ decide: { ...RECORDED, maxDurationMin: 2, lastMinVoice: 'last.wav' } })
    await says(bench, [200])
    bench.time.advance(60_000)
    await settle()
    assert.deepEqual(bench.media.heard, ['a hint.wav', 'b hint.wav'])
    bench.media.toneEnds('a', 'b')
    await settle()
    assert.deepEqual(bench.media.heard.slice(2), ['a last.wav', 'b last.wav'])
  })

  test('[call.maxDuration.8010] [codes.8010] the longest duration, counted from the answer, ends the call', async () => {
    const bench = await dialled({ decide: { ...CONNECT, maxDurationMin: 1 } })
    bench.time.advance(30_000)
    await says(bench, [200])
    bench.time.advance(59_999)
    assert.equal(bench.ended(), undefined)
    bench.time.advance(1)
    assert.equal(bench.ended()?.releaseCode, 8010)
    assert.deepEqual(bench.toCaller, ['200', 'BYE 31'])
    assert.deepEqual(bench.toCallee, ['INVITE', 'ACK', 'BYE'])
  })

  test('[call.maxDuration.zero] [call.lastMinute.needsLimit] without a limit nothing ends it and nothing is told', async () => {
    const bench = await dialled({ decide: { ...CONNECT, lastMinVoice: 'last.wav' } })
    await says(bench, [200])
    assert.equal(bench.time.pending(), 0)
    assert.deepEqual(bench.media.heard, [])
  })

  test('[call.tones.failure] [codes.8007] one that fails, or is gone, ends no call and holds up no other', async () => {
    const decide = { ...RECORDED, calleeTone: 'hello.wav', maxDurationMin: 2, lastMinVoice: 'last.wav' }
    const broken = await dialled({ decide, fail: { play: 'bug' } })
    await says(broken, [200])
    broken.time.advance(60_000)
    await settle()
    assert.equal(broken.controller.activeCalls, 1)
    assert.equal(broken.media.log.filter((stage) => stage === 'play').length, 5)
    const gone = await dialled({ decide, files: ['hint.wav'] })
    await says(gone, [200])
    assert.deepEqual(gone.media.heard, ['a hint.wav', 'b hint.wav'])
  })

  test('[call.hintTone.unset] a recorded call without a hint is played nothing', async () => {
    const bench = await dialled({ decide: { ...CONNECT, recording: {} } })
    await says(bench, [200])
    assert.deepEqual(bench.media.heard, [])
    assert.ok(bench.media.log.includes('startRecording'))
  })
})

test('[call.events.order] [call.events.disconnectOnce] a whole call tells its events in order, the end once', async () => {
  const bench = await dialled({ decide: CONNECT })
  await says(bench, [180], [200, SDP])
  bench.calleeHangsUp()
  bench.hangsUp()
  await settle()
  assert.deepEqual(bench.events(), ['callin', 'callout', 'alerting', 'answer', 'disconnect'])
  assert.equal(bench.ended()?.releaseCode, 0)
})

test('[call.events.noAlerting] [codes.0] without ringing there is no alerting', async () => {
  const bench = await dialled({ decide: CONNECT })
  await says(bench, [200])
  bench.hangsUp()
  await settle()
  assert.deepEqual(bench.events(), ['callin', 'callout', 'answer', 'disconnect'])
  assert.equal(bench.ended()?.releaseCode, 0)
})
