/** Keeps what it is told, and lets a test wait for what is still to come. */
export class Recorder<T> {
  readonly all: T[] = []
  readonly #waiting = new Set<() => void>()

  readonly push = (item: T): void => {
    this.all.push(item)
    for (const look of this.#waiting) look()
  }

  /** The first item that `wanted` takes, past or to come, counted from `from`. */
  until(wanted: (item: T) => boolean, from = 0): Promise<T> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.all.slice(from).find(wanted)
        if (found === undefined) return
        this.#waiting.delete(look)
        resolve(found)
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** All of them, once there are so many. */
  async count(n: number): Promise<readonly T[]> {
    if (this.all.length < n) await this.until(() => this.all.length >= n)
    return this.all
  }
}
