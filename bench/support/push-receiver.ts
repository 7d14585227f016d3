import { join } from 'node:path'
import { startPeer } from '../../e2e/support/peer-process.ts'
import { waitFor } from '../../e2e/support/wait.ts'

/** What the customer's receiver counted: one of each event and one CDR for each call, all validly signed. */
export type PushTally = {
  readonly counts: Readonly<
    Record<'callin' | 'callout' | 'alerting' | 'answer' | 'disconnect' | 'fee', number>
  >
  /** Different calls heard of. */
  readonly calls: number
  /** Calls whose disconnect and CDR both came. */
  readonly complete: number
  readonly duplicates: number
  readonly outOfOrder: number
  /** Pushes with a wrong signature or body, and the first few complaints. */
  readonly faultCount: number
  readonly faults: readonly string[]
}

export type PushReceiver = {
  readonly url: string
  /** Ends it; what it counted. */
  stop(): Promise<PushTally>
}

/**
 * The customer of the benchmark, in a process of its own and beside the server's: its CPU does not count. It verifies
 * the signature and the fields of every push (packages/lab/src/customer).
 */
export async function startPushReceiver(app: { key: string; secret: string }): Promise<PushReceiver> {
  const script = join(import.meta.dirname, '../../packages/lab/src/customer/main.ts')
  const args = [script, '0', `${app.key}=${app.secret}`]
  const peer = await startPeer({ command: process.execPath, args })
  const line = /^\{"port":(\d+)\}$/m
  await waitFor(() => peer.ended() !== undefined || line.test(peer.output()), {
    what: "the push receiver's port",
    detail: peer.output,
  })
  const port = line.exec(peer.output())?.[1]
  if (port === undefined) throw new Error(`the push receiver ended at its start:\n${peer.output()}`)
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      await peer.stop('SIGTERM')
      const tally = /^\{"requests".*\}$/m.exec(peer.output())?.[0]
      if (tally === undefined) throw new Error(`the push receiver left no tally:\n${peer.output()}`)
      return JSON.parse(tally) as PushTally
    },
  }
}

/**
 * What is wrong with the deliveries of a run in which the caller made `made` calls and `failed` of them; empty when
 * all is well. A call that failed need not have reached the server, nor have been answered; what began must end.
 */
export function pushFaults(tally: PushTally, made: number, failed: number): string[] {
  const { counts, calls } = tally
  const faults = tally.faults.map((fault) => `refused by the receiver: ${fault}`)
  const check = (holds: boolean, text: string): void => {
    if (!holds) faults.push(text)
  }
  check(tally.faultCount === 0, `${tally.faultCount} pushes with a wrong signature or body`)
  check(tally.duplicates === 0, `${tally.duplicates} pushes came twice`)
  check(tally.outOfOrder === 0, `${tally.outOfOrder} pushes out of order`)
  check(tally.complete === calls, `${calls - tally.complete} calls without a disconnect or a CDR`)
  check(counts.callin === calls, `${calls - counts.callin} calls without a callin`)
  check(
    calls <= made && calls >= made - failed,
    `${calls} calls told of, ${made} made, ${failed} of them failed`,
  )
  for (const kind of ['callout', 'alerting', 'answer'] as const) {
    check(counts[kind] >= made - failed, `${made - failed - counts[kind]} calls without a push of ${kind}`)
  }
  return faults
}
