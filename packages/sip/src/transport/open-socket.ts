import type { Timers } from '../shared/timers.ts'
import type { ListenOptions } from './address.ts'
import { openTcp } from './tcp.ts'
import { openTls } from './tls.ts'
import type { Transport, TransportSink } from './transport.ts'
import { openUdp } from './udp.ts'
import { openWebSocket } from './ws.ts'

/** Opens a listening address on real sockets. */
export function openSocket(listen: ListenOptions, sink: TransportSink, timers: Timers): Promise<Transport> {
  switch (listen.transport) {
    case 'udp':
      return openUdp(listen, sink, timers)
    case 'tcp':
      return openTcp(listen, sink, timers)
    case 'tls':
      return openTls(listen, sink, timers)
    case 'ws':
    case 'wss':
      return openWebSocket(listen, sink, timers)
    default:
      return listen satisfies never
  }
}
