/**
 * The SDP of the phones that one INVITE rings (RFC 3261 §13.2.1). The caller hears the first of them that sends media, until
 * one answers: from then on that one, also when it had sent its SDP in a 183 and its 200 has none. The stack bounds how many
 * there are.
 */
export class CalleeForks {
  #heard: string | undefined
  #others: Map<string, Uint8Array> | undefined

  /** SDP of a fork that has not answered; true when the caller is to hear it. */
  early(fork: string, sdp: Uint8Array): boolean {
    this.#heard ??= fork
    if (this.#heard === fork) return true
    this.#others ??= new Map()
    this.#others.set(fork, sdp)
    return false
  }

  /** The SDP that holds once `fork` has answered with `body`; empty when the caller hears that fork already. */
  answered(fork: string, body: Uint8Array): Uint8Array {
    if (body.length > 0 || this.#heard === fork) return body
    return this.#others?.get(fork) ?? body
  }
}
