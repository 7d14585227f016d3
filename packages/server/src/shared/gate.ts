/** Lets so many uses run at a time; the others wait in turn, for as long as it takes. */
export type Gate = { use<T>(work: () => Promise<T>): Promise<T> }

export function createGate(most: number): Gate {
  const waiting: (() => void)[] = []
  let inUse = 0
  return {
    async use(work) {
      if (inUse < most) inUse++
      else await new Promise<void>((resolve) => waiting.push(resolve))
      try {
        return await work()
      } finally {
        // Whoever comes next takes over this place.
        const next = waiting.shift()
        if (next) next()
        else inUse--
      }
    },
  }
}
