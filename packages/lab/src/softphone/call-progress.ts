import type { CallEnd, PhoneCallState } from './types.ts'

/** The states of one call and who waits for them. A state never goes back. */
export type CallProgress = {
  readonly state: PhoneCallState
  /** No effect when it would lead back: 180 after an answer, a second end. True when it was taken. */
  enter(state: PhoneCallState): boolean
  onState(listener: (state: PhoneCallState) => void): () => void
  /** Resolves in `kind` or a later state; rejects when the call ends before. */
  reached(kind: 'ringing' | 'talking'): Promise<void>
  ended(): Promise<CallEnd>
}

const ORDER = { calling: 0, ringing: 1, talking: 2, ended: 3 } as const satisfies Record<
  PhoneCallState['kind'],
  number
>

export function createCallProgress(): CallProgress {
  let state: PhoneCallState = { kind: 'calling' }
  const listeners = new Set<(state: PhoneCallState) => void>()
  /** Settles once `test` gives something other than undefined. */
  const when = <T>(test: (state: PhoneCallState) => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const look = (): boolean => {
        try {
          const value = test(state)
          if (value === undefined) return false
          resolve(value)
        } catch (error) {
          reject(error as Error)
        }
        listeners.delete(look)
        return true
      }
      if (!look()) listeners.add(look)
    })
  return {
    get state() {
      return state
    },
    enter(next) {
      if (state.kind === 'ended' || ORDER[next.kind] < ORDER[state.kind]) return false
      state = next
      for (const listener of [...listeners]) listener(state)
      return true
    },
    onState(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async reached(kind) {
      await when((now) => {
        if (now.kind === 'ended') throw new CallEndedError(now.end)
        return ORDER[now.kind] >= ORDER[kind] ? true : undefined
      })
    },
    ended: () => when((now) => (now.kind === 'ended' ? now.end : undefined)),
  }
}

/** A call ended while somebody waited for its progress. */
export class CallEndedError extends Error {
  readonly end: CallEnd
  constructor(end: CallEnd) {
    super(`the call ended: ${end.status} ${end.reason} (by ${end.by})`)
    this.name = 'CallEndedError'
    this.end = end
  }
}
