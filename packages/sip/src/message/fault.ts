export type FaultCode =
  /** Nothing but line ends: a keep-alive (RFC 5626 §3.5.1). */
  | 'EMPTY'
  /** The first line is not of SIP: STUN, TLS, HTTP, noise. */
  | 'NOT_SIP'
  | 'BAD_START_LINE'
  /** SIP, but not 2.0. */
  | 'BAD_VERSION'
  | 'BAD_HEADER'
  | 'TOO_LARGE'
  | 'TOO_MANY_HEADERS'
  /** The empty line that ends the headers never came. */
  | 'UNFINISHED'
  /** Content-Length is malformed, doubled, absent on a stream, or larger than the datagram's body. */
  | 'BAD_LENGTH'
  | 'MISSING_HEADER'
  /** A header that may come once came twice (From, To, Call-ID, CSeq). */
  | 'DUPLICATE_HEADER'
  /** CSeq is malformed, not below 2^31, or names another method than the request. */
  | 'BAD_CSEQ'
  /** A Request-URI, Via, From, To, Contact or Max-Forwards cannot be read; found by `faultInFields`. */
  | 'BAD_FIELD'

/** Why bytes were refused. `text` never quotes values of the peer (they may be phone numbers). */
export type ParseFault = {
  readonly code: FaultCode
  /** Status to answer with, should the bytes have been a request. */
  readonly status: number
  readonly text: string
}

export function fault(code: FaultCode, status: number, text: string): ParseFault {
  return { code, status, text }
}
