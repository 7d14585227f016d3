/**
 * A SIP message as plain data (RFC 3261 §7). The head is text read as latin1 (bytes survive a round trip), the body is
 * opaque bytes. Header values stay raw text; they are parsed when asked for.
 *
 * `headers` is flat: [name, value, name, value, …] in wire order, names in canonical spelling (`Via`, `Call-ID`;
 * unknown names as received), values trimmed and unfolded. One wire line is one pair.
 */
export type SipRequest = {
  readonly kind: 'request'
  readonly method: string
  /** Request-URI as received. */
  readonly uri: string
  readonly headers: readonly string[]
  readonly body: Uint8Array
}

export type SipResponse = {
  readonly kind: 'response'
  readonly status: number
  readonly reason: string
  readonly headers: readonly string[]
  readonly body: Uint8Array
}

export type SipMessage = SipRequest | SipResponse

export const NO_BODY: Uint8Array = new Uint8Array(0)
