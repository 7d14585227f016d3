import { setTimeout as pause } from 'node:timers/promises'

export type WaitOptions = {
  /** What is waited for, as the end of "gave up waiting for …". */
  readonly what: string
  /** Upper bound only: the wait ends as soon as the condition holds. Default 15,000. */
  readonly timeoutMs?: number
  /** Default 20. */
  readonly pollMs?: number
  /** Told when the wait fails: what the peer said last, say. */
  readonly detail?: () => string
}

/**
 * Polls `probe` until it gives something other than `undefined` or `false`, and returns that.
 * For conditions without an event: a file that grows, a socket in /proc/net/udp.
 */
export async function waitFor<T>(
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  options: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + (options.timeoutMs ?? 15_000)
  for (;;) {
    const value = await probe()
    if (value !== undefined && value !== false) return value
    if (performance.now() > deadline) {
      const detail = options.detail?.() ?? ''
      throw new Error(`gave up waiting for ${options.what}${detail === '' ? '' : `\n${detail}`}`)
    }
    await pause(options.pollMs ?? 20)
  }
}
