import type { Clock, Timer } from '../shared/time.ts'
import type { OutboxItem, PushKind } from './outbox.ts'

/** Most entries of one push: FeeInfo[1-50], numInfo[1-100] (spec/notifications.md section 5, number-status.md section 3). */
const MOST: Readonly<Record<Exclude<PushKind, 'event'>, number>> = { fee: 50, numStatus: 100 }

export type Batches = {
  add(item: OutboxItem): void
  /** Sends what has gathered without waiting. */
  flushAll(): void
  /** Forgets what has gathered; it is still in the outbox. */
  close(): void
}

type Batch = { items: OutboxItem[]; timer: Timer }

/**
 * Gathers what happens close together: one batch per kind, app and address, complete after `flushMs` or when it is full.
 * Apps never share a batch, as the signature is the app's.
 */
export function createBatches(
  clock: Clock,
  flushMs: number,
  send: (items: readonly OutboxItem[]) => void,
): Batches {
  const open = new Map<string, Batch>()

  function flush(key: string, batch: Batch): void {
    open.delete(key)
    batch.timer.cancel()
    send(inOrder(batch.items))
  }

  return {
    add(item) {
      const key = `${item.kind} ${item.appKey} ${item.url}`
      let batch = open.get(key)
      if (batch === undefined) {
        const opened: Batch = { items: [], timer: clock.setTimer(flushMs, () => flush(key, opened)) }
        batch = opened
        open.set(key, batch)
      }
      batch.items.push(item)
      if (item.kind !== 'event' && batch.items.length === MOST[item.kind]) flush(key, batch)
    },
    flushAll() {
      for (const [key, batch] of open) flush(key, batch)
    },
    close() {
      for (const batch of open.values()) batch.timer.cancel()
      open.clear()
    },
  }
}

/** A batch is always in the order of its rows, so that a retry reads them back into the very same body. */
export function inOrder(items: readonly OutboxItem[]): readonly OutboxItem[] {
  return items.toSorted((a, b) => a.id - b.id)
}

/** Body of a push from its rows. */
export function bodyOf(items: readonly OutboxItem[]): string {
  const entries = items.map((item) => item.body)
  switch (items[0]?.kind) {
    case 'fee':
      return `{"eventType":"fee","feeLst":[${entries.join(',')}]}`
    case 'numStatus':
      return `{"eventType":"numStatus","numInfo":[${entries.join(',')}]}`
    default:
      return entries[0] ?? ''
  }
}
