import type { Endpoint, Hop } from './address.ts'
import type { Connection } from './connection.ts'

/**
 * Connections by where they lead. A hop is only given one whose peer may speak for what the hop was found for (RFC 5922 §7.3,
 * RFC 5923 §8): its domain, or without one its address.
 *
 *     address port          the peer's own socket address, unless we opened it for a domain alone
 *     address port name     the same, with the domain that it was found to speak for
 *     address port (alias)  where a peer that connected to us says that it can be reached (RFC 5923 §8)
 */
export class ConnectionTable {
  readonly #connections = new Set<Connection>()
  readonly #byKey = new Map<string, Connection>()
  /** All to one socket address. */
  readonly #byPeer = new Map<string, Set<Connection>>()

  /** A peer's connection replaces the one that had its socket address: that one must be dead. */
  add(connection: Connection): void {
    this.#connections.add(connection)
    const { peer, isOurs } = connection
    const key = keyOf(peer)
    const like = this.#byPeer.get(key)
    if (like === undefined) this.#byPeer.set(key, new Set([connection]))
    else like.add(connection)
    if (!isOurs) this.#put(key, connection)
    else if (peer.serverName !== undefined) this.#put(`${key} ${peer.serverName}`, connection)
    else if (!this.#byKey.has(key)) this.#put(key, connection)
  }

  remove(connection: Connection): void {
    this.#connections.delete(connection)
    const peerKey = keyOf(connection.peer)
    const like = this.#byPeer.get(peerKey)
    like?.delete(connection)
    if (like?.size === 0) this.#byPeer.delete(peerKey)
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
    const { serverName } = hop
    const key = serverName === undefined ? keyOf(hop) : `${keyOf(hop)} ${serverName}`
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const found = this.#speaker(hop, serverName ?? hop.address)
    if (found !== undefined) this.#put(key, found)
    return found
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.#connections.values()
  }

  /** One to this place that may carry what is meant for a name or an address. */
  #speaker(hop: Hop, name: string): Connection | undefined {
    for (const connection of this.#byPeer.get(keyOf(hop)) ?? [])
      if (connection.speaksFor(name)) return connection
    const alias = this.#byKey.get(aliasOf(hop))
    return alias?.speaksFor(name) === true ? alias : undefined
  }

  #put(key: string, connection: Connection): void {
    this.#byKey.set(key, connection)
    connection.keys.add(key)
  }
}

const keyOf = ({ address, port }: Endpoint): string => `${address} ${port}`
const aliasOf = ({ address, port }: Endpoint): string => `${address} ${port} (alias)`
