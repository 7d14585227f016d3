import { header } from '../message/headers.ts'
import type { SipMessage } from '../message/message.ts'
import { topVia } from '../message/via.ts'
import type { Connection } from './connection.ts'
import type { ConnectionTable } from './connection-table.ts'
import { defaultPortOf } from './default-port.ts'

/**
 * Takes a peer at its word that requests to its sent-by may come by the connection that it opened (`alias`, RFC 5923 §8): only
 * when its certificate is trusted, and only at the address that it connected from. Whether they may is asked again for each name
 * that they are meant for (`Connection.speaksFor`).
 */
export function noteAlias(table: ConnectionTable, connection: Connection, message: SipMessage): void {
  if (connection.certificate === undefined || connection.isOurs || message.kind !== 'request') return
  if (!(header(message, 'Via') ?? '').includes('alias')) return
  const via = topVia(message)
  if (via === undefined || !('alias' in via.params)) return
  const { address, transport } = connection.peer
  table.addAlias(connection, { address, port: via.port ?? defaultPortOf(transport) })
}
