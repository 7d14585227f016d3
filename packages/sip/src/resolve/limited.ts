/** Runs work of one kind, a bounded number at once. */
export type Limited = <T>(run: () => Promise<T>) => Promise<T>

/**
 * At most `atOnce` run and `maxWaiting` more wait for their turn; what comes beyond that is rejected at once, so that names that
 * nobody answers for hold up the others for a bounded time.
 */
export function limited(atOnce: number, maxWaiting: number): Limited {
  let running = 0
  const waiting: (() => void)[] = []
  return async (run) => {
    if (running < atOnce) running++
    else if (waiting.length < maxWaiting) await new Promise<void>((resolve) => waiting.push(resolve))
    else throw new Error('too many look-ups are under way')
    try {
      return await run()
    } finally {
      // Whoever is next takes over the place.
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
