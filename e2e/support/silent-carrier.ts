import { once } from 'node:events'
import { createSocket } from 'node:dgram'
import type { TrunkConfig } from '@maskline/server'

/** A trunk whose far end takes every INVITE and says nothing: a callee that neither rings nor fails. */
export type SilentCarrier = { readonly trunk: TrunkConfig; close(): Promise<void> }

export async function openSilentCarrier(): Promise<SilentCarrier> {
  const address = '127.0.0.3'
  const socket = createSocket('udp4')
  socket.bind(0, address)
  await once(socket, 'listening')
  const { port } = socket.address()
  return {
    trunk: {
      name: 'silent',
      peer: { address, port, transport: 'udp' },
      allowFrom: [address],
      numberFormat: 'e164',
    },
    async close() {
      const closed = once(socket, 'close')
      socket.close()
      await closed
    },
  }
}
