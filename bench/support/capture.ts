import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isInstalled, startPeer } from '../../e2e/support/peer-process.ts'
import { makeTempDir } from '../../e2e/support/temp-dir.ts'
import { waitFor } from '../../e2e/support/wait.ts'
import { parsePcap, type CapturedDatagram } from '../../e2e/support/pcap.ts'

export type Capture = { stop(): Promise<CapturedDatagram[]> }

/** UDP payload begins with `INVI`: two packets a call, so that the capture itself costs next to nothing. */
const INVITES = 'udp[8:4] = 0x494e5649'

/** Captures INVITEs on loopback, or what `filter` lets through; `undefined` where dumpcap (Debian: tshark) or the right to use it is missing. */
export async function captureInvites(filter = INVITES): Promise<Capture | undefined> {
  if (!isInstalled('dumpcap')) return undefined
  const dir = makeTempDir('capture')
  const file = join(dir.path, 'invites.pcap')
  const args = ['-i', 'lo', '-P', '-q', '-s', '1500', '-f', filter, '-w', file]
  const peer = await startPeer({ command: 'dumpcap', args })
  await waitFor(() => peer.ended() !== undefined || peer.output().includes('File:'), {
    what: 'dumpcap to start',
    detail: peer.output,
  })
  if (peer.ended() !== undefined) {
    dir.remove()
    return undefined
  }
  return {
    async stop() {
      await peer.stop('SIGINT')
      const datagrams = parsePcap(readFileSync(file))
      dir.remove()
      return datagrams
    },
  }
}
