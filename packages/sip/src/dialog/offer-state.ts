/**
 * Where offer and answer of the INVITE that makes a dialog stand (RFC 3264; RFC 6337 §2.2): nobody has offered yet, one side
 * waits for the answer to its own, or both agree.
 */
export type OfferState = 'awaited' | 'ours' | 'theirs' | 'settled'

/** After SDP of ours that the peer is sure to get. */
export function afterSending(state: OfferState): OfferState {
  return state === 'awaited' ? 'ours' : state === 'theirs' ? 'settled' : state
}

/** After SDP of the peer's in a message that counts: not in an unreliable 1xx. */
export function afterReceiving(state: OfferState): OfferState {
  return state === 'awaited' ? 'theirs' : state === 'ours' ? 'settled' : state
}
