import type { BindRole } from '../pdu/pdu.ts'
import type { SmppClock } from '../shared/clock.ts'
import { Connection, type ConnectionHandlers, type ConnectionOptions } from './connection.ts'
import { createIncoming } from './incoming.ts'
import type { EsmeOptions } from './types.ts'

/** Opens the connections that were agreed on, with the defaults for what was not. */
export function openConnections(
  options: EsmeOptions,
  clock: SmppClock,
  handlers: Omit<ConnectionHandlers, 'answer'>,
): readonly Connection[] {
  const { bind, connections = 1, systemId, password, systemType = '', addressRange = '' } = options
  const roles: readonly BindRole[] = bind === 'separate' ? ['transmitter', 'receiver'] : ['transceiver']
  const shared: Omit<ConnectionOptions, 'number' | 'role'> = {
    hosts: options.hosts,
    tls: options.tls,
    bindBody: {
      system_id: systemId,
      password,
      system_type: systemType,
      interface_version: 0x34,
      address_range: addressRange,
    },
    window: options.window ?? 10,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    responseTimeoutMs: options.responseTimeoutMs ?? 30_000,
    enquireLinkMs: options.enquireLinkMs ?? 30_000,
    retryMs: options.retryMs ?? [1000, 60_000],
    throttleMs: options.throttleMs ?? [500, 30_000],
    maxIncoming: options.maxIncoming ?? 100,
    clock,
    random: options.random ?? Math.random,
  }
  return Array.from({ length: connections }, () => roles)
    .flat()
    .map((role, i) => {
      const number = i + 1
      const onFault = (detail: string) => handlers.onEvent({ kind: 'fault', connection: number, detail })
      const answer = createIncoming(options, () => clock.now(), onFault)
      return new Connection({ ...shared, number, role }, { ...handlers, answer })
    })
}
