import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_LATE_MS, Players, type Player, type PlayerClock } from './players.ts'

/** A clock whose timers come as late as `lateness` says; `run` turns its hands. */
function lateClock(lateness: (n: number) => number) {
  let now = 1000.25
  let fired = 0
  let timer: { atMs: number; run: () => void } | undefined
  const clock: PlayerClock = {
    now: () => now,
    setTimer: (delayMs, run) => (timer = { atMs: now + delayMs, run }),
    clearTimer: (handle) => {
      if (timer === handle) timer = undefined
    },
  }
  const run = (): boolean => {
    if (timer === undefined) return false
    const due = timer
    timer = undefined
    now = Math.max(now, due.atMs) + lateness(fired++)
    due.run()
    return true
  }
  return { clock, run, now: () => now, fired: () => fired }
}

function recordingPlayer(frames: number): Player & { readonly sentAtMs: number[]; finished: number } {
  const player = {
    frame: () => new Uint8Array(160),
    frames,
    startAtMs: 0,
    sent: 0,
    sentAtMs: [] as number[],
    finished: 0,
    send: (_frame: Uint8Array, _first: boolean, nowMs: number) => void player.sentAtMs.push(nowMs),
    finish: () => void player.finished++,
  }
  return player
}

test('frames leave on an absolute schedule: ten minutes of late timers do not drift', () => {
  const frames = (10 * 60 * 1000) / 20
  const hands = lateClock((n) => (n % 7) * 0.9)
  const players = new Players(hands.clock)
  const player = recordingPlayer(frames)
  players.start(player)
  const startMs = player.startAtMs
  while (hands.run()) continue
  assert.equal(player.sentAtMs.length, frames)
  for (const [n, atMs] of player.sentAtMs.entries()) {
    const lateMs = atMs - (startMs + n * 20)
    assert.ok(lateMs >= 0 && lateMs < 5.5, `frame ${n} left ${lateMs} ms late`)
  }
  assert.equal(player.finished, 1)
  assert.ok(hands.now() - (startMs + frames * 20) < 5.5, 'the end is not late either')
})

test('a stall moves the schedule instead of sending a burst', () => {
  let stallMs = 0
  const hands = lateClock(() => stallMs)
  const players = new Players(hands.clock)
  const player = recordingPlayer(100)
  players.start(player)
  hands.run()
  hands.run()
  stallMs = MAX_LATE_MS * 5
  const before = player.sentAtMs.length
  hands.run()
  assert.equal(player.sentAtMs.length - before, 1)
  stallMs = 0
  while (hands.run()) continue
  assert.equal(player.sentAtMs.length, 100)
})

test('three hundred players share one timer and few wake-ups', () => {
  const hands = lateClock(() => 0)
  const players = new Players(hands.clock)
  const all = Array.from({ length: 300 }, () => recordingPlayer(50))
  for (const player of all) players.start(player)
  while (hands.run()) continue
  assert.ok(all.every((player) => player.finished === 1 && player.sentAtMs.length === 50))
  assert.ok(hands.fired() <= 52, `${hands.fired()} wake-ups`)
})

test('a stopped player neither sends nor finishes, and leaves no timer', () => {
  const hands = lateClock(() => 0)
  const players = new Players(hands.clock)
  const player = recordingPlayer(Infinity)
  players.start(player)
  for (let i = 0; i < 10; i++) hands.run()
  players.stop(player)
  const sent = player.sentAtMs.length
  assert.equal(hands.run(), false)
  assert.equal(player.sentAtMs.length, sent)
  assert.equal(player.finished, 0)
})

test('an empty audio finishes without a packet', () => {
  const hands = lateClock(() => 0)
  const players = new Players(hands.clock)
  const player = recordingPlayer(0)
  players.start(player)
  while (hands.run()) continue
  assert.deepEqual([player.sentAtMs.length, player.finished], [0, 1])
})
