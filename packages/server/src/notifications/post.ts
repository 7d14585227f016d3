import type { EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import type { PushTarget } from './push-url.ts'

/** One POST to a customer. `settle` is called exactly once. */
export type Post = {
  readonly target: PushTarget
  readonly app: App
  readonly body: string
  /** Sent even when the server is taken for dead. */
  readonly isUrgent: boolean
  settle(outcome: PostOutcome): void
}

/**
 * `delivered`: a whole answer with a 2xx status. `failed`: another status, a time-out, a broken connection.
 * `skipped`: not sent, and so no attempt, because the server has just been seen dead (`dead`), is far behind
 * (`behind`) or the application could not be read (`storage`); to be handed over again at `retryAt`.
 * `impossible`: the address takes no push; as a row keeps its address, trying again is of no use.
 */
export type PostOutcome =
  | { readonly kind: 'delivered'; readonly status: number; readonly latencyMs: number }
  | { readonly kind: 'failed'; readonly status: number; readonly error: string; readonly latencyMs: number }
  | { readonly kind: 'impossible'; readonly error: string }
  | {
      readonly kind: 'skipped'
      readonly reason: 'dead' | 'behind' | 'storage'
      readonly error: string
      readonly retryAt: EpochMs
    }
