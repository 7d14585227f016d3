import { parseMessage } from '../message/parse.ts'

/** How the parser ends on a datagram, in a word: `reads INVITE`, `reads 200`, `refuses BAD_LENGTH 400`, `throws`. */
export function outcomeOf(bytes: Uint8Array): string {
  try {
    const result = parseMessage(bytes)
    if (!result.ok) return `refuses ${result.fault.code} ${result.fault.status}`
    const { message } = result
    return `reads ${message.kind === 'request' ? message.method : message.status}`
  } catch {
    return 'throws'
  }
}
