import type { SipMessage, SipRequest } from '../message/message.ts'
import type { ParseFault } from '../message/parse.ts'
import type { Endpoint, Hop, ListenOptions, TransportName } from './address.ts'

/**
 * Told when a message could not be sent, or the connection that it went by broke before an answer came (RFC 3261 §17.1.4); at most
 * once per `send`, never from within it.
 */
export type SendFailure = {
  onSendFailed(): void
  /** Who would be told of the break of a connection. Whoever needs to be told no more leaves: `waitsAmong?.delete(this)`. */
  waitsAmong?: Set<SendFailure> | undefined
}

/** One listening address and what it sends. */
export type Transport = {
  readonly name: TransportName
  /** The address really bound. */
  readonly local: Endpoint
  readonly family: 4 | 6
  /** No retransmission needed (RFC 3261 §17). */
  readonly reliable: boolean
  /** Sends one message. Never throws. */
  send(bytes: Uint8Array, hop: Hop, failure?: SendFailure): void
  /** Whether a connection to exactly this peer is open; a datagram transport says no. */
  isConnected(hop: Hop): boolean
  /**
   * Keeps the way to a peer open, through NATs and silence, until the function that it gives is called (RFC 5626 §3.5). Of a
   * connection that breaks before `onLost` is told, once; the next message opens another. `pingAfterMs`: the longest silence, where
   * the peer wants less than is usual.
   */
  keep(hop: Hop, onLost?: () => void, pingAfterMs?: number): () => void
  close(): Promise<void>
}

/** Whether a message is read; `cut`: nor is its connection worth having. */
export type Admission = 'read' | 'drop' | 'cut'

export type TransportSink = {
  /** Whether a message of this source is read at all; asked for each datagram before it is parsed. Absent: all are. */
  admits?(source: Hop): Admission
  /** Whether a connection from there is taken at all; asked before any handshake. Absent: all are. */
  admitsConnection?(address: string): boolean
  onMessage(message: SipMessage, source: Hop, transport: Transport): void
  /** A request that broke the grammar but can be answered. */
  onFault(request: SipRequest, fault: ParseFault, source: Hop, transport: Transport): void
  /** A datagram shorter than any message: a keep-alive mostly. */
  onShort?(datagram: Uint8Array): void
  /** Bytes that are no message, or one that cannot be answered. */
  onNoise?(source: Hop): void
  /** An error of ours, or of the application, that one message brought out; the next message is none the worse. */
  onThrown(error: unknown, where: string): void
}

/** Opens a listening address; rejects with a sentence for people. */
export type OpenTransport = (options: ListenOptions, sink: TransportSink) => Promise<Transport>
