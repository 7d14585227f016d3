import type { App } from '../tenants/app.ts'
import type { PushTarget } from './push-url.ts'

/** One POST to a customer. `settle` is called exactly once. */
export type Post = {
  readonly target: PushTarget
  readonly app: App
  readonly body: string
  settle(outcome: PostOutcome): void
}

/**
 * `delivered`: a whole answer with a 2xx status. `failed`: another status, a time-out, a broken connection.
 * `skipped`: not sent, because the server has just been seen dead (`dead`) or is far behind (`behind`).
 */
export type PostOutcome =
  | { readonly kind: 'delivered'; readonly status: number; readonly latencyMs: number }
  | { readonly kind: 'failed'; readonly status: number; readonly error: string; readonly latencyMs: number }
  | { readonly kind: 'skipped'; readonly reason: 'dead' | 'behind'; readonly error: string }
