import { once } from 'node:events'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { writeParties } from '../message/addresses.ts'
import { receiptBody } from '../message/receipt.ts'
import { writeUserData } from '../message/user-data.ts'
import type { MessageBody } from '../pdu/pdu.ts'
import { STATUS } from '../pdu/status.ts'
import { systemClock } from '../shared/clock.ts'
import { Peer } from './peer.ts'
import type { DeliverOutcome, Smsc, SmscOptions } from './types.ts'

/** Starts an SMSC and gives it once it listens. */
export async function startSmsc(options: SmscOptions): Promise<Smsc> {
  const { clock = systemClock, maxConnections = 1000, numbers } = options
  const peers = new Set<Peer>()
  let ids = 0
  let turn = 0
  let closing = false

  const server = listener(options, (socket) => {
    if (closing || peers.size >= maxConnections) {
      socket.on('error', () => {})
      socket.destroy()
      return
    }
    const peer = new Peer(socket, options, clock, {
      nextMessageId: () => (++ids).toString(16).padStart(8, '0'),
      sendReceipt,
      onClosed: () => peers.delete(peer),
    })
    peers.add(peer)
  })
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1')
  await once(server, 'listening')

  async function send(systemId: string, body: MessageBody): Promise<DeliverOutcome> {
    const able = [...peers].filter((peer) => peer.systemId === systemId && peer.canReceive)
    const peer = able[turn++ % able.length]
    return peer === undefined ? { state: 'unsent' } : peer.deliver(body)
  }

  const deliver: Smsc['deliver'] = async (systemId, part) => {
    const parties = writeParties(part.from, part.to, numbers)
    if (typeof parties === 'string') return { state: 'refused', status: STATUS.ESME_RINVSRCADR }
    return send(systemId, { ...parties, registered_delivery: 0, ...writeUserData(part) })
  }

  // A receipt comes from where the message went.
  const sendReceipt: Smsc['sendReceipt'] = async (systemId, receipt, { from, to, receivedAt }) => {
    const parties = writeParties(to, from, numbers)
    if (typeof parties === 'string') return { state: 'refused', status: STATUS.ESME_RINVDSTADR }
    return send(systemId, {
      ...parties,
      registered_delivery: 0,
      ...receiptBody(receipt, receivedAt, clock.now()),
    })
  }

  return {
    port: (server.address() as AddressInfo).port,
    deliver,
    sendReceipt,
    binds: () => [...peers].flatMap((peer) => peer.bind() ?? []),
    drop(systemId) {
      for (const peer of peers) {
        if (systemId === undefined || peer.systemId === systemId) peer.drop('dropped')
      }
    },
    async close() {
      closing = true
      const closed = once(server, 'close')
      server.close()
      for (const peer of peers) peer.close()
      await closed
    },
  }
}

function listener({ tls }: SmscOptions, onSocket: (socket: Socket) => void): Server {
  if (tls === undefined) return createTcpServer(onSocket)
  const { clientCert = false, ...identity } = tls
  const options = { ...identity, minVersion: 'TLSv1.2', requestCert: clientCert } as const
  return createTlsServer(options, onSocket)
}
