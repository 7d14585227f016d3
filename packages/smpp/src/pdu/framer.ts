import { HEADER_OCTETS } from './codec.ts'

/** 64 KiB of message_payload, and room for the rest. */
export const MAX_PDU_OCTETS = 66_560

/**
 * Cuts a byte stream into PDUs by command_length (SMPP 3.4 §3.2). Holds at most one unfinished PDU, and copies each byte at
 * most once. After a fault no further byte can be understood: the connection is to be closed.
 */
export class PduFramer {
  readonly #maxOctets: number
  readonly #length = Buffer.alloc(4)
  #lengthFilled = 0
  /** The unfinished PDU, once its length is known. */
  #partial: Buffer | undefined
  #filled = 0

  constructor(maxOctets = MAX_PDU_OCTETS) {
    this.#maxOctets = maxOctets
  }

  /** Octets that wait for the rest of their PDU. */
  get held(): number {
    return this.#partial === undefined ? this.#lengthFilled : this.#filled
  }

  /** Hands every finished PDU to `take`, in order; a view on the chunk where it can be. Gives the fault that ends the stream. */
  push(chunk: Buffer, take: (pdu: Buffer) => void): string | undefined {
    for (let at = 0; at < chunk.length;) {
      if (this.#partial !== undefined) {
        at = this.#fill(this.#partial, chunk, at, take)
        continue
      }
      if (this.#lengthFilled === 0 && at + 4 <= chunk.length) {
        const length = chunk.readUInt32BE(at)
        const fault = this.#faultIn(length)
        if (fault !== undefined) return fault
        if (at + length <= chunk.length) {
          take(chunk.subarray(at, at + length))
          at += length
          continue
        }
      }
      const copied = chunk.copy(this.#length, this.#lengthFilled, at)
      this.#lengthFilled += copied
      at += copied
      if (this.#lengthFilled < 4) return undefined
      const length = this.#length.readUInt32BE(0)
      const fault = this.#faultIn(length)
      if (fault !== undefined) return fault
      this.#partial = Buffer.allocUnsafeSlow(length)
      this.#filled = this.#length.copy(this.#partial)
    }
    return undefined
  }

  #fill(partial: Buffer, chunk: Buffer, at: number, take: (pdu: Buffer) => void): number {
    const copied = chunk.copy(partial, this.#filled, at)
    this.#filled += copied
    if (this.#filled === partial.length) {
      this.#partial = undefined
      this.#filled = 0
      this.#lengthFilled = 0
      take(partial)
    }
    return at + copied
  }

  #faultIn(length: number): string | undefined {
    if (length < HEADER_OCTETS) return `a PDU of ${length} octets is shorter than its header`
    if (length > this.#maxOctets) return `a PDU of ${length} octets is longer than ${this.#maxOctets}`
    return undefined
  }
}
