import { randomUUID } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startPeer } from './peer-process.ts'
import { type CapturedDatagram, parsePcap } from './pcap.ts'
import { makeTempDir } from './temp-dir.ts'
import { waitFor } from './wait.ts'

export type WireCapture = {
  /** Ends the capture and gives every UDP datagram that passed. */
  stop(): Promise<readonly CapturedDatagram[]>
}

/** RFC 863. */
const DISCARD_PORT = 9

/** Captures all UDP on loopback with tcpdump; needs root. */
export async function captureLoopback(): Promise<WireCapture> {
  const dir = makeTempDir('wire')
  const file = join(dir.path, 'wire.pcap')
  // -U: a packet is in the file when it has passed, so that stopping loses none. -Z root: the file is ours.
  const peer = await startPeer({
    command: 'tcpdump',
    args: [
      '-i',
      'lo',
      '-U',
      '--immediate-mode',
      '-n',
      '-B',
      '8192',
      '-s',
      '0',
      '-Z',
      'root',
      '-w',
      file,
      'udp',
    ],
  })
  await waitFor(() => peer.ended() !== undefined || peer.output().includes('listening on'), {
    what: 'tcpdump to listen',
    detail: peer.output,
  })
  if (peer.ended() !== undefined) throw new Error(`tcpdump ended at its start: ${peer.output()}`)
  return {
    async stop() {
      // A mark of our own behind everything else: when it is in the file, so is what came before.
      const mark = `end-of-capture-${randomUUID()}`
      const socket = createSocket('udp4')
      socket.send(mark, DISCARD_PORT, '127.0.0.1')
      await waitFor(() => readFileSync(file).includes(mark), {
        what: 'tcpdump to write what it saw',
        pollMs: 50,
        detail: peer.output,
      })
      socket.close()
      await peer.stop('SIGINT')
      const datagrams = parsePcap(readFileSync(file))
      dir.remove()
      return datagrams
    },
  }
}
