import type { Endpoint, Hop } from './address.ts'
import type { Connection } from './connection.ts'

/**
 * Connections by where they lead. A hop with a domain is only given one whose peer may speak for the domain (RFC 5922 §7.3):
 *
 *     address port          the peer's own socket address
 *     address port name     the same, with the domain that it was found to speak for
 *     address port (alias)  where a peer that connected to us says that it can be reached (RFC 5923 §8)
 */
export class ConnectionTable {
  readonly #connections = new Set<Connection>()
  readonly #byKey = new Map<string, Connection>()

  /** A peer's connection replaces the one that had its socket address: that one must be dead. */
  add(connection: Connection): void {
    this.#connections.add(connection)
    const { peer, isOurs } = connection
    const key = keyOf(peer)
    if (!isOurs || !this.#byKey.has(key)) this.#put(key, connection)
    if (isOurs && peer.serverName !== undefined) this.#put(`${key} ${peer.serverName}`, connection)
  }

  remove(connection: Connection): void {
    this.#connections.delete(connection)
    for (const key of connection.keys) {
      if (this.#byKey.get(key) === connection) this.#byKey.delete(key)
    }
    connection.keys.clear()
  }

  /** Notes that a peer can be reached at its address and another port by the connection that it opened. */
  addAlias(connection: Connection, at: Endpoint): void {
    const key = aliasOf(at)
    if (this.#byKey.get(key) !== connection) this.#put(key, connection)
  }

  find(hop: Hop): Connection | undefined {
    const key = keyOf(hop)
    const exact = this.#byKey.get(key)
    const { serverName } = hop
    if (serverName === undefined) return exact ?? this.#alias(hop, hop.address)
    const named = this.#byKey.get(`${key} ${serverName}`)
    if (named !== undefined) return named
    const found = exact?.speaksFor(serverName) === true ? exact : this.#alias(hop, serverName)
    if (found !== undefined) this.#put(`${key} ${serverName}`, found)
    return found
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.#connections.values()
  }

  #alias(hop: Hop, name: string): Connection | undefined {
    const connection = this.#byKey.get(aliasOf(hop))
    return connection?.speaksFor(name) === true ? connection : undefined
  }

  #put(key: string, connection: Connection): void {
    this.#byKey.set(key, connection)
    connection.keys.add(key)
  }
}

const keyOf = ({ address, port }: Endpoint): string => `${address} ${port}`
const aliasOf = ({ address, port }: Endpoint): string => `${address} ${port} (alias)`
