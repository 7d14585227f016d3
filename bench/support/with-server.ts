import { benchPairs } from './parties.ts'
import { pushFaults, type PushTally } from './push-receiver.ts'
import { type BenchServer, placeOf, type RunningServer } from './server.ts'
import type { Workload } from './workload.ts'

/** Calls of the caller, and those of them that failed or were refused; warm-up included. */
export type Made = { readonly made: number; readonly madeFailed: number }

export type Running = Workload & { readonly running: RunningServer }

/**
 * Runs something against a fresh server. Throws when the server owed its customer a push at the end, or pushed wrongly: such a run
 * measures nothing.
 */
export async function withServer<T extends Made>(
  server: BenchServer,
  pairs: number,
  run: (workload: Running) => Promise<T>,
  placeIndex = 0,
): Promise<T> {
  const place = placeOf(placeIndex)
  const running = await server.start(pairs, place)
  let result: T
  let tally: PushTally | undefined
  try {
    result = await run({ ...place, running, serverPids: () => [running.pid], pairs: benchPairs(pairs) })
  } finally {
    tally = await running.stop()
  }
  const faults = tally === undefined ? [] : pushFaults(tally, result.made, result.madeFailed)
  if (faults.length > 0) {
    const said = running.output().trim()
    throw new Error(`${server.name} did not deliver as it must: ${faults.join('; ')}; it said last:\n${said}`)
  }
  return result
}
