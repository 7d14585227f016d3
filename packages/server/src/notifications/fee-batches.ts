import type { Clock, Timer } from '../shared/time.ts'
import type { OutboxItem } from './outbox.ts'

/** FeeInfo[1-50] (spec/notifications.md section 5). */
export const MAX_BATCH = 50

export type FeeBatches = {
  add(item: OutboxItem): void
  /** Sends what has gathered without waiting. */
  flushAll(): void
  /** Forgets what has gathered; it is still in the outbox. */
  close(): void
}

type Batch = { items: OutboxItem[]; timer: Timer }

/**
 * Gathers the CDRs of calls that end close together: one batch per app and address, complete after `flushMs` or at
 * 50. Apps never share a batch, as the signature is the app's.
 */
export function createFeeBatches(
  clock: Clock,
  flushMs: number,
  send: (items: readonly OutboxItem[]) => void,
): FeeBatches {
  const open = new Map<string, Batch>()

  function flush(key: string, batch: Batch): void {
    open.delete(key)
    batch.timer.cancel()
    send(inOrder(batch.items))
  }

  return {
    add(item) {
      const key = `${item.appKey} ${item.url}`
      let batch = open.get(key)
      if (batch === undefined) {
        const opened: Batch = { items: [], timer: clock.setTimer(flushMs, () => flush(key, opened)) }
        batch = opened
        open.set(key, batch)
      }
      batch.items.push(item)
      if (batch.items.length === MAX_BATCH) flush(key, batch)
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

/** Body of a fee push from its FeeInfo objects. */
export function feeBody(items: readonly OutboxItem[]): string {
  return `{"eventType":"fee","feeLst":[${items.map((item) => item.body).join(',')}]}`
}
