import type { Heard } from './wire.ts'

const FIN = 0x80
const OPCODE = 0x0f
const FIRST_CONTROL_OPCODE = 8
const MASKED = 0x80
const LENGTH = 0x7f
const MASK_BYTES = 4
/** A double CRLF (RFC 5626 §3.5.1). */
const PING_BYTES = 4

/**
 * Follows the frames of one WebSocket (RFC 6455 §5.2) in its bytes, to know what nothing else tells: whether a message is begun and
 * not finished. Keeps no payload, and trusts that somebody else refuses what is no frame.
 *
 *     FIN/opcode  MASK/length  [length: 2 or 8 bytes]  [mask: 4 bytes]  payload
 */
export class FrameFollower {
  /** Of a frame whose head is not complete. */
  #head: number[] = []
  #payloadLeft = 0
  /** Of the message, its frames together. */
  #messageBytes = 0
  /** Of the frame that the payload belongs to. */
  #endsMessage = false
  /** Between two fragments, where control frames may come. */
  #isFragmented = false

  /** A message is begun and not finished, or a frame is. */
  get isUnfinished(): boolean {
    return this.#head.length > 0 || this.#payloadLeft > 0 || this.#isFragmented
  }

  /** Takes the next bytes; gives what they completed, control frames aside. */
  push(chunk: Uint8Array): Heard {
    let heard: Heard = 'nothing'
    for (let at = 0; at < chunk.length;) {
      if (this.#payloadLeft > 0) {
        const taken = Math.min(this.#payloadLeft, chunk.length - at)
        this.#payloadLeft -= taken
        at += taken
      } else {
        this.#head.push(chunk[at++]!)
        if (!this.#readHead()) continue
      }
      if (this.#payloadLeft === 0 && this.#endsMessage) {
        if (this.#messageBytes > PING_BYTES) heard = 'message'
        else if (heard === 'nothing') heard = 'ping'
        this.#endsMessage = false
        this.#messageBytes = 0
      }
    }
    return heard
  }

  /** False when more bytes are needed. */
  #readHead(): boolean {
    const [first = 0, second = 0] = this.#head
    const length = second & LENGTH
    const lengthBytes = length === 126 ? 2 : length === 127 ? 8 : 0
    const needed = 2 + lengthBytes + ((second & MASKED) === 0 ? 0 : MASK_BYTES)
    if (this.#head.length < needed) return false
    const extended = this.#head.slice(2, 2 + lengthBytes)
    this.#payloadLeft = lengthBytes === 0 ? length : extended.reduce((sum, byte) => sum * 256 + byte, 0)
    this.#head = []
    const isControl = (first & OPCODE) >= FIRST_CONTROL_OPCODE
    this.#endsMessage = !isControl && (first & FIN) !== 0
    if (isControl) return true
    this.#isFragmented = !this.#endsMessage
    this.#messageBytes += this.#payloadLeft
    return true
  }
}
