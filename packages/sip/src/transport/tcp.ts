import type { Timers } from '../shared/timers.ts'
import type { ListenOptions } from './address.ts'
import { ConnectionTransport } from './connection-transport.ts'
import { FLOW_LIMITS } from './flow-watch.ts'
import type { FlowLimits } from './flow-watch.ts'
import { openGate } from './gate.ts'
import { INBOUND_LIMITS } from './inbound-limits.ts'
import type { InboundLimits } from './inbound-limits.ts'
import { carry, carryOurs, dialSocket } from './socket-connection.ts'
import type { Transport, TransportSink } from './transport.ts'

/** SIP over TCP (RFC 3261 §18). */
export async function openTcp(
  options: ListenOptions,
  sink: TransportSink,
  timers: Timers,
  limits: InboundLimits = INBOUND_LIMITS,
  flowLimits: FlowLimits = FLOW_LIMITS,
): Promise<Transport> {
  const gate = await openGate(options, timers, limits, sink)
  const transport = new ConnectionTransport('tcp', gate, sink, (hop) => {
    const socket = dialSocket(hop, gate.local)
    const connection = carryOurs(transport, socket, hop, timers, flowLimits)
    socket.once('connect', () => socket.setTimeout(0))
    return connection
  })
  gate.onGuest = ({ socket, peer, watch }) =>
    void carry(transport, socket, watch, { ...peer, transport: 'tcp' }, false)
  return transport
}
