import { seededRandom } from '../testkit/random.ts'
import { checkParser } from './fields.ts'
import { below, mutate, pick } from './mutate.ts'
import { checkFramer } from './stream.ts'
import { FuzzWorld } from './world.ts'

/** Which part broke, on which datagram or stream, and how. */
export type Crash = {
  readonly way: 'parser' | 'stream' | 'stack'
  readonly seed: number
  readonly bytes: Buffer
  readonly error: unknown
}

export type RoundReport = {
  readonly mutants: number
  readonly crashes: readonly Crash[]
  /** The mutant that took the parser longest, and its CPU time, milliseconds; only when `measure` was given. */
  readonly slowest: { readonly bytes: Buffer; readonly ms: number }
}

export type RoundOptions = {
  readonly seed: number
  readonly corpus: readonly Buffer[]
  /** Datagrams for the parser; the framer gets a third as many streams, the stack as many datagrams. */
  readonly mutants: number
  /** CPU time of the process in milliseconds; absent: time is not looked at. */
  readonly measure?: () => number
}

/** One round of all three ways: the same for the same seed, but for the random tags of the stack. */
export async function fuzzRound({ seed, corpus, mutants, measure }: RoundOptions): Promise<RoundReport> {
  const random = seededRandom(seed)
  const crashes: Crash[] = []
  const other = (): Buffer => pick(random, corpus)
  let slowest: RoundReport['slowest'] = { bytes: Buffer.alloc(0), ms: 0 }

  for (let n = 0; n < mutants; n++) {
    const bytes = mutate(other(), random, other)
    const began = measure?.() ?? 0
    try {
      checkParser(bytes)
    } catch (error) {
      crashes.push({ way: 'parser', seed, bytes, error })
    }
    const ms = (measure?.() ?? 0) - began
    if (ms > slowest.ms) slowest = { bytes, ms }
    if (n % 3 > 0) continue
    const parts = Array.from({ length: 1 + below(random, 3) }, () =>
      random() < 0.4 ? other() : mutate(other(), random, other),
    )
    const stream = Buffer.concat(parts)
    try {
      checkFramer(stream, random)
    } catch (error) {
      crashes.push({ way: 'stream', seed, bytes: stream, error })
    }
  }

  const world = await FuzzWorld.open(random, corpus)
  try {
    for (let n = 0; n < mutants; n++) world.step()
    world.end()
  } catch (error) {
    crashes.push({ way: 'stack', seed, bytes: world.lastIn, error })
  }
  return { mutants: 2 * mutants + Math.ceil(mutants / 3), crashes, slowest }
}
