import type { EpochMs } from '../shared/time.ts'
import type { IncomingPart } from './carrier.ts'
import type { SmsStore } from './ports.ts'

export type Repeats = {
  /** Follows the acknowledgement of a part of this message; `storedAt` is when it could be given. */
  watch(id: string, part: IncomingPart, storedAt: EpochMs): void
  /** Resolves when what is known of acknowledgements is stored. */
  flushed(): Promise<void>
  /** The same, once all that are open have been told. */
  settled(): Promise<void>
}

export type RepeatsOptions = {
  /** Calls that are tried again until they succeed; rejects only at the end of the platform. */
  readonly store: Pick<SmsStore, 'acknowledged' | 'doubt'>
  readonly now: () => EpochMs
  /** An acknowledgement that took so long may have come too late: the network may have given up waiting. */
  readonly doubtAfterMs: number
  /** How long a part is recognised when it comes again after its acknowledgement got lost. */
  readonly repeatMs: number
}

/**
 * Keeps in storage of which messages the network may not know that they were taken, since those may come again
 * (docs/adr/0007-repeated-sms.md). What is told at about the same time is written together.
 */
export function createRepeats({ store, now, doubtAfterMs, repeatMs }: RepeatsOptions): Repeats {
  /** Acknowledgements by message whose fate is not told yet, a long text's parts each. */
  const open = new Map<string, number>()
  const tasks = new Set<Promise<void>>()
  let read: string[] = []
  let lost: string[] = []
  let flushing: Promise<void> | undefined

  /** Never rejects: what cannot be written at the end is taken up as open by the next start. */
  const flush = async (): Promise<void> => {
    try {
      while (lost.length > 0 || read.length > 0) {
        const [doubted, known] = [lost, read]
        lost = []
        read = []
        if (doubted.length > 0) await store.doubt(doubted, now() + repeatMs)
        if (known.length > 0) await store.acknowledged(known)
      }
    } catch {
      lost = []
      read = []
    }
    flushing = undefined
  }

  const told = (id: string, fate: 'read' | 'lost'): void => {
    const left = open.get(id)! - 1
    if (left > 0) open.set(id, left)
    else open.delete(id)
    if (fate === 'lost') lost.push(id)
    else if (left === 0) read.push(id)
    else return
    flushing ??= flush()
  }

  return {
    watch(id, { acknowledgement, receivedAt }, storedAt) {
      if (!acknowledgement) return
      const isLate = storedAt - receivedAt >= doubtAfterMs
      open.set(id, (open.get(id) ?? 0) + 1)
      const task = acknowledgement.then((fate) => {
        tasks.delete(task)
        told(id, isLate ? 'lost' : fate)
      })
      tasks.add(task)
    },
    async flushed() {
      await flushing
    },
    async settled() {
      await Promise.all(tasks)
      await flushing
    },
  }
}
