/** One connection to a peer, whatever carries its bytes. */
export type Wire = {
  write(bytes: Uint8Array): void
  /** Written, and not taken by the peer yet. */
  readonly unsentBytes: number
  /** Hangs up at once. */
  cut(): void
  /** Hangs up when what was written is out. */
  end(): void
}

/** What bytes that came have completed, the most telling of it: a message, a ping (a double CRLF), or neither. */
export type Heard = 'message' | 'ping' | 'nothing'

/** What listens to the traffic of one connection: for silence that means the peer is gone, or never meant well. */
export type WireWatch = {
  /** Bytes came: what they completed, and whether a message is begun and not finished. */
  onRead(heard: Heard, isUnfinished: boolean): void
  onWrite(): void
  close(): void
}
