import type { ParseResult } from '../message/parse.ts'
import { parseMessage } from '../message/parse.ts'
import type { Hop } from './address.ts'
import type { Transport, TransportSink } from './transport.ts'

/** Shorter than any message: keep-alives of NATed phones (CRLF, or a few zero bytes) are the usual case. */
const SHORTEST_DATAGRAM = 16

/** One datagram in; garbage is dropped without an answer. Never throws. */
export function receiveDatagram(
  data: Uint8Array,
  source: Hop,
  transport: Transport,
  sink: TransportSink,
): void {
  if (data.length < SHORTEST_DATAGRAM) {
    sink.onShort?.(data)
    return
  }
  try {
    if ((sink.admits?.(source) ?? 'read') !== 'read') return
    receiveParsed(parseMessage(data), source, transport, sink)
  } catch (error) {
    sink.onThrown(error, transport.name)
  }
}

/** Hands up a message, or a request that deserves a 4xx. ACK is never answered (RFC 3261 §17.1.1.3). */
export function receiveParsed(
  result: ParseResult,
  source: Hop,
  transport: Transport,
  sink: TransportSink,
): void {
  if (result.ok) sink.onMessage(result.message, source, transport)
  else if (result.answerable !== undefined && result.answerable.method !== 'ACK') {
    sink.onFault(result.answerable, result.fault, source, transport)
  } else sink.onNoise?.(source)
}
