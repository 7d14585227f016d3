import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '../testkit/random.ts'
import { Overload } from './overload.ts'

type Work = { readonly at: number; readonly costMs: number } & (
  { readonly kind: 'call' | 'other' } | { readonly kind: 'probe'; readonly bytes: Uint8Array }
)
type Outcome = {
  taken: number
  done: number
  refused: number
  /** Milliseconds from arrival to the answer. */
  readonly refusalWaits: number[]
  readonly takenWaits: number[]
}

/** What reading and refusing an INVITE costs, and its ACK. */
const REFUSAL_MS = 0.04
const TICK_MS = 10
const ROUND = 32

/**
 * An event loop on a clock of its own, as libuv turns it: timers, 32 datagrams, what was put off; then it sleeps until something
 * comes. Calls arrive at random; each costs `callMs`, half of it as it comes and the rest in ten messages over the next seconds.
 */
function run(options: {
  readonly perSec: number
  readonly callMs: number
  readonly forMs: number
  /** Whether datagrams to ourselves arrive; default true. */
  readonly areProbed?: boolean
  /** At which the loop stands still, for how long. */
  readonly pauses?: readonly { readonly at: number; readonly ms: number }[]
}): Outcome {
  const { perSec, callMs, forMs } = options
  const random = seededRandom(7)
  let now = 0
  let idleMs = 0
  let afterRound: (() => void)[] = []
  const overload = new Overload({
    loop: { now: () => now, idleMs: () => idleMs, afterRound: (step) => void afterRound.push(step) },
  })
  const arrivals: Work[] = []
  for (let at = 0; at < forMs; at += (-Math.log(1 - random()) * 1000) / perSec)
    arrivals.push({ at, kind: 'call', costMs: callMs / 2 })
  /** Messages of calls that are on, by arrival: a heap would be quicker, sorted insertion is shorter. */
  const later: Work[] = []
  const pauses = [...(options.pauses ?? [])]
  const outcome: Outcome = { taken: 0, done: 0, refused: 0, refusalWaits: [], takenWaits: [] }
  let nextArrival = 0
  let nextTick = TICK_MS

  const nextAt = (): number => Math.min(arrivals[nextArrival]?.at ?? Infinity, later.at(-1)?.at ?? Infinity)
  const next = (): Work => {
    const call = arrivals[nextArrival]
    if (call !== undefined && call.at <= (later.at(-1)?.at ?? Infinity)) {
      nextArrival++
      return call
    }
    return later.pop()!
  }
  if (options.areProbed !== false)
    overload.addQueue((bytes) =>
      insert(later, { at: now, kind: 'probe', costMs: 0, bytes: Uint8Array.from(bytes) }),
    )
  const handle = (work: Work): void => {
    const { at, costMs } = work
    if (work.kind === 'probe') {
      overload.onShort(work.bytes)
      return
    }
    overload.onMessage(true)
    if (work.kind === 'other') {
      now += costMs
      return
    }
    if (overload.isOver) {
      now += REFUSAL_MS
      outcome.refused++
      outcome.refusalWaits.push(now - at)
      return
    }
    outcome.taken++
    outcome.takenWaits.push(now - at)
    now += costMs
    for (let i = 1; i <= 10; i++)
      insert(later, { at: now + i * 300 * random(), kind: 'other', costMs: callMs / 20 })
  }

  while (now < forMs) {
    if (pauses[0] !== undefined && now >= pauses[0].at) now += pauses.shift()!.ms
    if (now >= nextTick) {
      overload.onTick()
      nextTick = now + TICK_MS
    }
    let read = 0
    while (read < ROUND && nextAt() <= now) {
      handle(next())
      read++
    }
    const steps = afterRound
    afterRound = []
    for (const step of steps) step()
    const wakeAt = Math.min(nextAt(), nextTick)
    if (wakeAt > now) {
      idleMs += wakeAt - now
      now = wakeAt
    }
  }
  return outcome
}

/** Latest first. */
function insert(later: Work[], work: Work): void {
  let low = 0
  let high = later.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (later[middle]!.at > work.at) low = middle + 1
    else high = middle
  }
  later.splice(low, 0, work)
}

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0

describe('Overload', () => {
  // A call that costs more comes in larger pieces, so that queues are longer at the same load.
  for (const [callMs, capacity, carefree] of [
    [1, 1000, 900],
    [4, 250, 190],
  ] as const) {
    const forMs = 10_000
    for (const areProbed of [true, false]) {
      const how = areProbed ? '' : ', without probes'

      it(`takes nearly all that fits at twice and five times ${capacity} calls a second, and answers the others at once${how}`, () => {
        for (const [times, mostRefusedMs, mostTakenMs] of [
          [2, 50, 60],
          [5, 200, 200],
        ] as const) {
          const { taken, refusalWaits, takenWaits } = run({
            perSec: capacity * times,
            callMs,
            forMs,
            areProbed,
          })
          const goodput = taken / (capacity * (forMs / 1000))
          // What the refusals themselves cost is not there to be had.
          const refusals = (refusalWaits.length * REFUSAL_MS) / forMs
          assert.ok(goodput + refusals >= 0.95, `${times}×: ${goodput}`)
          const [refusedIn, takenIn] = [quantile(refusalWaits, 0.99), quantile(takenWaits, 0.99)]
          assert.ok(refusedIn <= mostRefusedMs, `${times}×: refused after ${refusedIn}`)
          assert.ok(takenIn <= mostTakenMs, `${times}×: taken after ${takenIn}`)
        }
      })
    }

    it(`refuses none of ${carefree} calls a second`, () => {
      const { refused, taken } = run({ perSec: carefree, callMs, forMs })
      assert.ok(refused <= taken / 1000, `${refused} of ${taken}`)
    })
  }

  it('bears that the loop stands still for a moment', () => {
    const pauses = [2500, 5000, 7500].map((at) => ({ at, ms: 80 }))
    for (const perSec of [400, 800])
      assert.equal(run({ perSec, callMs: 1, forMs: 10_000, pauses }).refused, 0, `${perSec}/s`)
  })

  it('bears many short stops and some long ones at 80 % of what it can do then', () => {
    const short = Array.from({ length: 99 }, (_, i) => ({ at: 100 * (i + 1), ms: 5 }))
    const long = [1050, 4050, 7050].map((at) => ({ at, ms: 60 }))
    const pauses = [...short, ...long].toSorted((a, b) => a.at - b.at)
    const { refused, taken } = run({ perSec: 740, callMs: 1, forMs: 10_000, pauses })
    assert.ok(taken > 7000)
    assert.equal(refused, 0)
  })

  it('bears that the loop stands still again while it catches up', () => {
    const pauses = [1000, 1070, 1200, 4000, 4070, 4200].map((at) => ({ at, ms: 60 }))
    const { refused, taken } = run({ perSec: 700, callMs: 1, forMs: 10_000, pauses })
    assert.ok(taken > 6800)
    assert.equal(refused, 0)
  })

  it('is over again soon after the load falls', () => {
    let now = 0
    let idleMs = 0
    const rounds: (() => void)[] = []
    const overload = new Overload({
      loop: { now: () => now, idleMs: () => idleMs, afterRound: (step) => void rounds.push(step) },
    })
    for (let i = 0; i < 30; i++) {
      now += 10
      overload.onTick()
      for (let n = 0; n < ROUND; n++) overload.onMessage(true)
      for (const step of rounds.splice(0)) step()
    }
    assert.equal(overload.isOver, true)
    now += 10
    idleMs += 5
    overload.onTick()
    overload.onMessage(true)
    assert.equal(overload.isOver, false)
  })
})
