import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeG711, decodeSample, encodeSample } from '../audio/g711.ts'
import { Recorder, type Track } from './recorder.ts'

const SILENT = 0xd5
const LOUD = encodeSample('alaw', 16_000)
const MINUS_LOUD = encodeSample('alaw', -16_000)

/** A recorder in hand, and all it wrote. */
function recorderAlone(layout: 'mixed' | 'stereo') {
  const written: Uint8Array[] = []
  const recorder = new Recorder({ layout, startMs: 0, write: (audio) => written.push(audio) })
  const put = (track: Track, n: number, atMs: number, octet = LOUD, ssrc = 7): void => {
    const packet = new Uint8Array(172).fill(octet)
    recorder.put(track, 'alaw', ssrc, (n * 160) >>> 0, packet, 12, 172, atMs)
  }
  return { recorder, put, audio: () => Buffer.concat(written) }
}

/** Samples that are not silence, as [first, after the last) runs; so much silence is bridged. */
function runsIn(audio: Uint8Array, bridge = 80): [number, number][] {
  const runs: [number, number][] = []
  for (let at = 0; at < audio.length; at++) {
    if (audio[at] === SILENT) continue
    const last = runs.at(-1)
    if (last && at - last[1] <= bridge) last[1] = at + 1
    else runs.push([at, at + 1])
  }
  return runs
}

test('packets stand where they came, and silence where none came', () => {
  const { recorder, put, audio } = recorderAlone('mixed')
  for (let n = 0; n < 10; n++) put(0, n, 120 + n * 20)
  // The party was silent for a second, its time stamps went on; then it was on hold, and they did not.
  for (let n = 60; n < 70; n++) put(0, n, 120 + n * 20)
  for (let n = 70; n < 80; n++) put(0, n, 5120 + (n - 70) * 20)
  recorder.finish(6000)
  assert.equal(audio().length, 48_000)
  assert.deepEqual(runsIn(audio()), [
    [800, 2400],
    [10_400, 12_000],
    [40_800, 42_400],
  ])
})

test('what came in the wrong order or in bursts is put right, what came too late is left out', () => {
  const { recorder, put, audio } = recorderAlone('mixed')
  const sentence = Array.from({ length: 50 }, (_, n) => n)
  // Each packet is 0…200 ms late; one is late by a second.
  const arrivals = sentence.map((n) => ({ n, atMs: 20 + n * 20 + (n === 20 ? 1000 : ((n * 7) % 11) * 20) }))
  for (const { n, atMs } of arrivals.sort((one, other) => one.atMs - other.atMs)) {
    recorder.drain(atMs)
    put(0, n, atMs)
  }
  recorder.finish(2000)
  const gap: [number, number][] = [
    [0, 3200],
    [3360, 8000],
  ]
  assert.deepEqual(runsIn(audio()), gap)
})

test('a way that becomes slower loses a moment and then goes on', () => {
  const { recorder, put, audio } = recorderAlone('mixed')
  for (let n = 0; n < 200; n++) {
    const atMs = 20 + n * 20 + (n < 50 ? 0 : 300)
    recorder.drain(atMs)
    put(0, n, atMs)
  }
  recorder.finish(4500)
  const [before, after] = runsIn(audio())
  assert.deepEqual(before, [0, 8000])
  assert.ok(after !== undefined && after[0] <= 8000 + 2400 + 1000, `goes on at ${after?.[0]}`)
  assert.equal(after[1], (4000 + 300) * 8)
})

test('two parties stay in time for an hour, whatever their clocks and the way do', () => {
  const parties = [
    { ppm: 120, delayMs: 5, jitterMs: 30, ptimeMs: 20, lossEvery: 97 },
    { ppm: -150, delayMs: 9, jitterMs: 60, ptimeMs: 60, lossEvery: 61 },
  ] as const
  const { recorder, audio } = recorderAlone('stereo')
  // Every ten seconds both say something at the same moment, for 200 ms.
  const isMark = (realMs: number): boolean => realMs >= 10_000 && realMs < 3_595_000 && realMs % 10_000 < 200
  type Packet = { readonly track: Track; readonly n: number; readonly startMs: number; readonly atMs: number }
  const hour: Packet[] = []
  let dice = 1
  const chance = (): number => (dice = (dice * 48_271) % 0x7fffffff) / 0x7fffffff
  for (const [track, { ppm, delayMs, jitterMs, ptimeMs, lossEvery }] of parties.entries()) {
    for (let n = 0; n < 3_600_000 / ptimeMs; n++) {
      const startMs = (n * ptimeMs) / (1 + ppm / 1e6)
      if (n % lossEvery === 3) continue
      const atMs = startMs + ptimeMs + delayMs + chance() ** 2 * jitterMs
      hour.push({ track: track as Track, n, startMs, atMs })
    }
  }
  hour.sort((one, other) => one.atMs - other.atMs)
  const silent = new Uint8Array(480).fill(SILENT)
  let nextDrainMs = 0
  for (const { track, n, startMs, atMs } of hour) {
    const length = parties[track].ptimeMs * 8
    const timestamp = (0xfff00000 + n * length) >>> 0
    const hasMark = isMark(startMs) || isMark(startMs + length / 8)
    const octets = hasMark ? silent.map((_, i) => (isMark(startMs + i / 8) ? LOUD : SILENT)) : silent
    if (atMs >= nextDrainMs) {
      recorder.drain(atMs)
      nextDrainMs = atMs + 640
    }
    recorder.put(track, 'alaw', track + 1, timestamp, octets, 0, length, atMs)
  }
  recorder.finish(3_600_100)
  const both = audio()
  const heard = parties.map((_, track) => {
    const samples = new Uint8Array(both.length / 2)
    for (let at = 0; at < samples.length; at++) samples[at] = both[2 * at + track] ?? 0
    // A lost packet, and what a correction adds, do not part a mark.
    return runsIn(samples, 800)
  })
  const [left = [], right = []] = heard
  assert.deepEqual([left.length, right.length], [359, 359])
  // Losses at an edge take a packet off a mark; every edge that is there must be in time.
  let apart = 0
  for (const [n, [from, to]] of left.entries()) {
    const [otherFrom, otherTo] = right[n] ?? assert.fail()
    const offMs = Math.min(Math.abs(from - otherFrom), Math.abs(to - otherTo)) / 8
    if (offMs > 20) apart++
    const lateMs = to / 8 - (n + 1) * 10_000 - 200
    assert.ok(lateMs > -20 && lateMs < 30, `mark ${n} ends ${lateMs} ms late`)
  }
  assert.equal(apart, 0)
})

test('mixed is the clipped sum of both, and silence adds nothing', () => {
  const anyOctet = fc.nat(255)
  fc.assert(
    fc.property(anyOctet, anyOctet, (one, other) => {
      const { recorder, put, audio } = recorderAlone('mixed')
      put(0, 0, 20, one)
      put(1, 0, 20, other, 8)
      recorder.finish(20)
      const sum = decodeSample('alaw', one) + decodeSample('alaw', other)
      const isSilent = (octet: number): boolean => Math.abs(decodeSample('alaw', octet)) === 8
      const [octet = 0] = audio()
      const expected = isSilent(one) ? other : isSilent(other) ? one : encodeSample('alaw', clip(sum))
      assert.equal(decodeSample('alaw', octet), decodeSample('alaw', expected))
    }),
  )
})
const clip = (sample: number): number => Math.max(-32768, Math.min(32767, sample))

test('stereo keeps the parties apart, and µ-law becomes A-law', () => {
  const { recorder, put, audio } = recorderAlone('stereo')
  put(0, 0, 20, LOUD)
  const packet = new Uint8Array(160).fill(encodeSample('ulaw', -16_000))
  recorder.put(1, 'ulaw', 9, 77, packet, 0, 160, 20)
  recorder.finish(20)
  assert.equal(audio().length, 320)
  assert.deepEqual([...audio().subarray(0, 4)], [LOUD, MINUS_LOUD, LOUD, MINUS_LOUD])
  assert.ok(decodeG711('alaw', audio()).every((sample) => Math.abs(sample) > 15_000))
})

test('a long stall of the writer loses no time', () => {
  const { recorder, put, audio } = recorderAlone('mixed')
  put(0, 0, 20)
  put(0, 0, 60_020, LOUD, 8)
  recorder.finish(70_000)
  assert.equal(audio().length, 560_000)
  assert.deepEqual(runsIn(audio()), [
    [0, 160],
    [480_000, 480_160],
  ])
})
