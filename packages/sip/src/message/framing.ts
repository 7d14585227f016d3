import { CR, LF, isTokenCode } from './chars.ts'
import { fault } from './fault.ts'
import type { ParseFault } from './fault.ts'
import { ABSENT, DEFAULT_LIMITS, UNUSABLE, parseHead } from './head.ts'
import type { Head, ParseLimits } from './head.ts'
import { withBody } from './parse.ts'
import type { ParseResult } from './parse.ts'
import { NO_BODY } from './message.ts'
import type { SipRequest } from './message.ts'

/** What a stream brought. After `fatal` no further byte can be understood: answer if `answerable`, then close. */
export type FramedItem =
  | { readonly kind: 'message'; readonly result: ParseResult }
  /** A double CRLF, to be answered with one CRLF (RFC 5626 §3.5.1). */
  | { readonly kind: 'keepalive' }
  | { readonly kind: 'fatal'; readonly fault: ParseFault; readonly answerable?: SipRequest }

/**
 * Cuts a byte stream into messages by Content-Length (RFC 3261 §18.3), which must be there. Holds at most one unfinished
 * message; time is linear in the bytes pushed, however they are split. Message bodies may be views on the pushed chunk, so
 * a chunk must not be written to again.
 */
export class StreamFramer {
  readonly #limits: ParseLimits
  /** Bytes not consumed yet are `#bytes[#from, #to)`. */
  #bytes: Uint8Array = NO_BODY
  #from = 0
  #to = 0
  /** Whether `#bytes` is ours (may be appended to) or a chunk of the caller. */
  #owned = false
  /** Up to where the end of the head was looked for. */
  #searched = 0
  /** Between messages: whether one CRLF of a possible keep-alive was read. */
  #halfKeepalive = false
  /** A head that waits for its body; its `bodyAt` counts from `#from`. */
  #head: Head | undefined
  #dead = false

  constructor(limits: ParseLimits = DEFAULT_LIMITS) {
    this.#limits = limits
  }

  /** A message is begun and not finished; half a keep-alive is none. */
  get isUnfinished(): boolean {
    return !this.#dead && this.#to - this.#from > 1
  }

  /** Takes the next bytes; gives what they completed. After a `fatal` item always nothing. */
  push(chunk: Uint8Array): FramedItem[] {
    const items: FramedItem[] = []
    if (this.#dead || chunk.length === 0) return items
    this.#append(chunk)
    while (!this.#dead && this.#step(items));
    if (this.#dead || this.#from === this.#to) this.#forget()
    else if (!this.#owned) this.#own()
    return items
  }

  /** One step forward; false when more bytes are needed. */
  #step(items: FramedItem[]): boolean {
    if (this.#head === undefined) {
      if (this.#searched === this.#from && !this.#skipLineEnds(items)) return false
      if (!this.#readHead(items)) return false
    }
    return this.#readBody(items)
  }

  /** True when a message starts at `#from`. */
  #skipLineEnds(items: FramedItem[]): boolean {
    const bytes = this.#bytes
    while (this.#from + 1 < this.#to && bytes[this.#from] === CR && bytes[this.#from + 1] === LF) {
      this.#from += 2
      // One answer per read is enough, whatever a peer floods.
      if (this.#halfKeepalive && items.at(-1)?.kind !== 'keepalive') items.push({ kind: 'keepalive' })
      this.#halfKeepalive = !this.#halfKeepalive
    }
    this.#searched = this.#from
    if (this.#from === this.#to) return false
    const first = bytes[this.#from]!
    if (isTokenCode(first)) return true
    if (first === CR && this.#from + 1 === this.#to) return false
    return this.#die(items, fault('NOT_SIP', 400, 'the stream does not carry SIP'))
  }

  #readHead(items: FramedItem[]): boolean {
    const end = endOfHead(this.#bytes, Math.max(this.#from, this.#searched - 3), this.#to)
    const { maxHeadBytes } = this.#limits
    if (end < 0 || end - this.#from > maxHeadBytes) {
      this.#searched = this.#to
      if (end < 0 && this.#to - this.#from <= maxHeadBytes) return false
      return this.#die(items, fault('TOO_LARGE', 513, `start line and headers exceed ${maxHeadBytes} bytes`))
    }
    const head = parseHead(this.#bytes.subarray(this.#from, end), 0, this.#limits)
    const lengthFault = this.#faultInLength(head)
    if (lengthFault !== undefined) {
      head.fault ??= lengthFault
      const result = withBody(head, this.#bytes, 0, this.#limits)
      return this.#die(items, head.fault, result.ok ? undefined : result.answerable)
    }
    this.#head = head
    return true
  }

  /** Why the end of the message cannot be known, or is too far away. */
  #faultInLength({ contentLength, fault: found }: Head): ParseFault | undefined {
    const { maxBodyBytes } = this.#limits
    if (found?.code === 'NOT_SIP' || found?.code === 'TOO_MANY_HEADERS') return found
    if (contentLength === ABSENT)
      return fault('BAD_LENGTH', 400, 'Content-Length is missing; a stream needs it')
    if (contentLength === UNUSABLE) return fault('BAD_LENGTH', 400, 'Content-Length cannot be read')
    if (contentLength > maxBodyBytes) return fault('TOO_LARGE', 413, `the body exceeds ${maxBodyBytes} bytes`)
    return undefined
  }

  #readBody(items: FramedItem[]): boolean {
    const head = this.#head!
    const end = this.#from + head.bodyAt + head.contentLength
    if (end > this.#to) return false
    const message = this.#bytes.subarray(this.#from, end)
    items.push({ kind: 'message', result: withBody(head, message, head.contentLength, this.#limits) })
    this.#head = undefined
    this.#halfKeepalive = false
    this.#from = end
    this.#searched = end
    return true
  }

  #die(items: FramedItem[], why: ParseFault, answerable?: SipRequest): false {
    this.#dead = true
    items.push(
      answerable === undefined ? { kind: 'fatal', fault: why } : { kind: 'fatal', fault: why, answerable },
    )
    return false
  }

  #append(chunk: Uint8Array): void {
    const held = this.#to - this.#from
    if (held === 0) {
      this.#bytes = chunk
      this.#from = this.#searched = 0
      this.#to = chunk.length
      this.#owned = false
      return
    }
    if (!this.#owned || this.#to + chunk.length > this.#bytes.length) this.#own(held + chunk.length)
    this.#bytes.set(chunk, this.#to)
    this.#to += chunk.length
  }

  /**
   * Copies the held bytes into a new buffer of our own with as much room again, so that copying stays linear. Bytes that are
   * in a buffer stay as they are, because bodies given out are views on them.
   */
  #own(needed = this.#to - this.#from): void {
    const bytes = Buffer.alloc(Math.max(1024, needed * 2))
    bytes.set(this.#bytes.subarray(this.#from, this.#to))
    this.#bytes = bytes
    this.#to -= this.#from
    this.#searched -= this.#from
    this.#from = 0
    this.#owned = true
  }

  #forget(): void {
    this.#bytes = NO_BODY
    this.#from = this.#to = this.#searched = 0
    this.#owned = false
  }
}

/** Index after the first CRLF CRLF in `bytes[from, to)`, or -1. */
function endOfHead(bytes: Uint8Array, from: number, to: number): number {
  // Only the held part is searched: beyond it the buffer has room to grow, which may be large.
  const held = bytes.subarray(from, to)
  for (let i = held.indexOf(LF); i >= 0; i = held.indexOf(LF, i + 1)) {
    if (i >= 3 && held[i - 1] === CR && held[i - 2] === LF && held[i - 3] === CR) return from + i + 1
  }
  return -1
}
