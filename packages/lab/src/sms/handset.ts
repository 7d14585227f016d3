import { decode, joinParts, type SubmittedPart, type TextPart } from '@maskline/smpp'
import type { Handset, ReceivedText } from './types.ts'

/** A handset as its network holds it. */
export type NetworkHandset = {
  readonly handset: Handset
  /** Gives it a part; false when it is switched off. */
  take(part: SubmittedPart): boolean
  /** The network is gone: who waits for a text waits in vain. */
  close(): void
}

export function createHandset(
  number: string,
  send: Handset['send'],
  onText: (text: ReceivedText) => void,
): NetworkHandset {
  const inbox: ReceivedText[] = []
  const untaken: ReceivedText[] = []
  const takers: PromiseWithResolvers<ReceivedText>[] = []
  /** Long texts that lack parts, by sender and reference; parts by their place. */
  const gathering = new Map<string, Map<number, TextPart>>()
  let received = ''
  let isOn = true

  /** Keeps a part; gives all of its text once they are there. */
  function gather({ from, concat, ...data }: SubmittedPart): readonly TextPart[] | undefined {
    if (concat === undefined) return [data]
    const key = `${from} ${concat.reference} ${concat.total}`
    const parts = gathering.get(key) ?? new Map<number, TextPart>()
    gathering.set(key, parts.set(concat.index, { ...data, concat }))
    if (parts.size < concat.total) return undefined
    gathering.delete(key)
    return [...parts.values()]
  }

  function show(text: ReceivedText): void {
    inbox.push(text)
    const taker = takers.shift()
    if (taker === undefined) untaken.push(text)
    else taker.resolve(text)
  }

  return {
    handset: {
      number,
      inbox,
      send,
      next() {
        const text = untaken.shift()
        if (text !== undefined) return Promise.resolve(text)
        const taker = Promise.withResolvers<ReceivedText>()
        takers.push(taker)
        return taker.promise
      },
      switchOff: () => void (isOn = false),
      switchOn: () => void (isOn = true),
      received: () => received,
    },
    take(part) {
      if (!isOn) return false
      const { from, userData, coding } = part
      received += `${from} ${Buffer.from(userData).toString('latin1')} ${decode(userData, coding)}\n`
      const parts = gather(part)
      if (parts === undefined) return true
      const text = { from, text: joinParts(parts), parts: parts.length }
      show(text)
      onText(text)
      return true
    },
    close() {
      for (const taker of takers.splice(0)) taker.reject(new Error(`${number} got no further text`))
    },
  }
}
