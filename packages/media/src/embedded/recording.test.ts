import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { decodeG711, encodeG711 } from '../audio/g711.ts'
import { generateTone, goertzel } from '../audio/tones.ts'
import { findWavParts } from '../audio/wav-format.ts'
import { endpointAnswer, endpointOffer } from '../endpoint/endpoint-sdp.ts'
import type { RecordingResult } from '../engine.ts'
import { connectCall, startEngine, startTightEngine, until } from '../testkit/call.ts'

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'maskline-recording-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

/** The channels of a recording, after a look at its header and length. */
async function channelsOf(result: RecordingResult | undefined, channels: 1 | 2): Promise<Int16Array[]> {
  assert.ok(result)
  const bytes = await readFile(result.file)
  assert.equal(bytes.length, result.bytes)
  const { format, dataStart, declaredBytes } = findWavParts(bytes)
  assert.deepEqual(format, { code: 6, channels, rateHz: 8000, bits: 8 })
  assert.equal(result.durationMs, Math.round(declaredBytes / 8 / channels))
  const data = bytes.subarray(dataStart, dataStart + declaredBytes)
  return Array.from({ length: channels }, (_, channel) =>
    decodeG711(
      'alaw',
      data.filter((_octet, at) => at % channels === channel),
    ),
  )
}

/** The 20 ms frames in which a tone sounds: a busy machine may put gaps between them. */
function framesWith(samples: Int16Array, hz: number): number[] {
  const frames = Array.from({ length: Math.floor(samples.length / 160) }, (_, n) => n)
  return frames.filter((n) => goertzel(samples.subarray(n * 160, n * 160 + 160), hz) > 0.1)
}
const sounds = (samples: Int16Array, hz: number): boolean => framesWith(samples, hz).length >= 5
const middle = (frames: readonly number[]): number => frames[frames.length >> 1] ?? -1
const isAbsent = (samples: Int16Array, hz: number): boolean => framesWith(samples, hz).length === 0

test('a recording has what both parties said, each in its law, and no announcement', async (t) => {
  const folder = await folderFor(t)
  const engine = await startEngine(t)
  for (const layout of ['mixed', 'stereo'] as const) {
    const { session, events, a, b } = await connectCall(t, engine, { a: ['PCMA'], b: ['PCMU'] })
    const file = path.join(folder, `${layout}.wav`)
    await session.startRecording({ file, layout })
    await assert.rejects(session.startRecording({ file, layout }), { code: 'ALREADY_RECORDING' })
    await session.play('a', { encoding: 'alaw', samples: encodeG711('alaw', generateTone(700, 0.4)) })
    await Promise.all([a.sendTone(440, 0.6), b.sendTone(1000, 0.6)])
    await until('all has come', async () => {
      const { legs } = await session.stats()
      return legs['a']?.packets === 30 && legs['b']?.packets === 30
    })
    const result = await session.stopRecording()
    assert.equal(await session.stopRecording(), undefined)
    assert.ok(events.every(({ kind }) => kind === 'play-finished'))
    const heard = await channelsOf(result, layout === 'mixed' ? 1 : 2)
    const left = heard[0] ?? assert.fail()
    const right = heard.at(-1) ?? assert.fail()
    assert.ok(sounds(left, 440) && sounds(right, 1000))
    if (layout === 'stereo') assert.ok(isAbsent(left, 1000) && isAbsent(right, 440))
    assert.ok(isAbsent(left, 700) && isAbsent(right, 700))
    await session.close()
  }
})

test('who is on hold is silent in the recording, and the party that follows another is heard in its place', async (t) => {
  const folder = await folderFor(t)
  const engine = await startEngine(t)
  const { session, a, b } = await connectCall(t, engine)
  await session.startRecording({ file: path.join(folder, 'hold.wav'), layout: 'stereo' })
  // The worker answers in order: it records now.
  await session.stats()
  b.startLoop(generateTone(1000, 1))
  await until('b talks', () => a.packetsReceived >= 15)
  b.stop()
  const other = await connectCall(t, engine)
  await other.session.close()
  const forC = await session.offer('a', 'c', endpointOffer({ host: a.host, port: a.localPort, version: 2 }))
  const answer = endpointAnswer(forC, { host: other.b.host, port: other.b.localPort })
  other.b.setRemote(answer.remote)
  await session.answer('c', 'a', answer.sdp)
  a.clear()
  await Promise.all([other.b.sendTone(1500, 0.5), a.sendTone(440, 0.5)])
  await until('all has come', async () => {
    const { legs } = await session.stats()
    return legs['a']?.packets === 25 && legs['c']?.packets === 25
  })
  const [left = new Int16Array(), right = new Int16Array()] = await channelsOf(
    await session.stopRecording(),
    2,
  )
  const [ofB, ofC, ofA] = [framesWith(right, 1000), framesWith(right, 1500), framesWith(left, 440)]
  assert.ok(ofB.length >= 5 && ofC.length >= 5 && ofA.length >= 5, `${ofB} / ${ofC} / ${ofA}`)
  // b, then both of the others; on a busy machine the edges come in bursts.
  assert.ok(middle(ofC) > middle(ofB) && middle(ofA) > middle(ofB))
  assert.ok(isAbsent(left, 1000) && isAbsent(left, 1500) && isAbsent(right, 440))
})

test('a recording that cannot be written is told, and the call goes on', async (t) => {
  const folder = await folderFor(t)
  const engine = await startEngine(t)
  const { session, events, a, b } = await connectCall(t, engine)
  await session.startRecording({ file: path.join(folder, 'none', 'call.wav'), layout: 'mixed' })
  await until('the failure', () => events.length > 0)
  assert.equal(events[0]?.kind, 'recording-failed')
  await a.sendTone(440, 0.2)
  await until('b hears a', () => b.packetsReceived >= 10)
  assert.equal(await session.stopRecording(), undefined)
  // Another attempt may do better.
  await session.startRecording({ file: path.join(folder, 'call.wav'), layout: 'mixed' })
  await a.sendTone(440, 0.2)
  await until('b hears a again', () => b.packetsReceived >= 20)
  assert.ok(await session.stopRecording())
  assert.equal(events.length, 1)
})

test('closing the call or the engine finishes its recording', async (t) => {
  const folder = await folderFor(t)
  for (const closes of ['session', 'engine'] as const) {
    const engine = await startEngine(t)
    const { session, a, b } = await connectCall(t, engine)
    const file = path.join(folder, `${closes}.wav`)
    await session.startRecording({ file, layout: 'mixed' })
    await session.stats()
    await a.sendTone(440, 1)
    await until('b heard a', () => b.packetsReceived >= 50)
    if (closes === 'session') await session.close()
    await engine.close()
    const bytes = await readFile(file)
    const dataBytes = bytes.readUInt32LE(40)
    assert.equal(bytes.length, 44 + dataBytes + (dataBytes & 1))
    assert.ok(sounds(decodeG711('alaw', bytes.subarray(44)), 440))
    await assert.rejects(session.stopRecording(), { code: 'CLOSED' })
  }
})

test('when the worker dies in a recording, what it wrote is recovered', async (t) => {
  const folder = await folderFor(t)
  const { engine } = await startTightEngine(t, 1)
  const { session, events, a } = await connectCall(t, engine)
  const file = path.join(folder, 'died.wav')
  await session.startRecording({ file, layout: 'mixed' })
  a.startLoop(generateTone(440, 1))
  await until('something is on disk', async () => (await readFile(file).catch(() => '')).length > 3000)
  // Not audio at all: the worker throws.
  await session.play('a', { encoding: 'ulaw', samples: {} as Uint8Array })
  await until('the loss is told', () => events.length > 0)
  const [heard = new Int16Array()] = await channelsOf(await session.stopRecording(), 1)
  assert.ok(sounds(heard, 440))
})
