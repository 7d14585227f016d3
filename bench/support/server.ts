import { join } from 'node:path'
import { startPeer, type PeerProcess } from '../../e2e/support/peer-process.ts'
import { isBound } from '../../e2e/support/ports.ts'
import { makeTempDir } from '../../e2e/support/temp-dir.ts'
import { waitFor } from '../../e2e/support/wait.ts'
import { nodeFlags } from '../../scripts/node24.mjs'
import { findPeer } from '../../scripts/peers.mjs'
import { type PushTally, startPushReceiver } from './push-receiver.ts'
import type { Place } from './workload.ts'

/** A server under test, started anew for every run. */
export type BenchServer = {
  readonly name: string
  /** Whether it can run here; a string says why not. */
  available(): true | string
  /** Starts it with `pairs` bindings of `benchPairs` in force. */
  start(pairs: number, place?: Place): Promise<RunningServer>
}
export type RunningServer = {
  /** Root of its process tree. */
  readonly pid: number
  readonly place: Place
  /** What it printed last. */
  output(): string
  /** What it keeps just now, once garbage is collected; absent where the server does not tell. */
  sample?(): Promise<ServerSample>
  /** Ends it once all it owes is delivered; what the customer counted, where the server pushes. */
  stop(): Promise<PushTally | undefined>
}

/** What a server keeps: memory and database in bytes, the rest counted. */
export type ServerSample = {
  readonly rss: number
  readonly heapUsed: number
  /** Outside the heap: buffers. */
  readonly external: number
  readonly transactions: number
  readonly dialogs: number
  readonly activeCalls: number
  /** INVITEs answered 503 since the start. */
  readonly refused: number
  readonly databaseBytes: number
}

/**
 * Three loopback addresses, so that a capture tells the parties apart; not the SIP port, which a Maskline or another
 * server of the machine may hold on every address. scenarios/kamailio-masked.cfg names the first place as well.
 */
export const placeOf = (index: number): Place => {
  const at = (host: number) => ({ address: `127.0.${7 + index}.${host}`, port: 5460 })
  return { caller: at(1), server: at(2), callee: at(3) }
}
const FIRST_PLACE = placeOf(0)

/**
 * The reference: Kamailio as a stateful proxy with topology hiding and From/To rewriting
 * (scenarios/kamailio-masked.cfg), the cheapest masking that a Debian package gives. It looks nothing up.
 */
export const kamailio: BenchServer = {
  name: 'Kamailio masked',
  available() {
    const found = findPeer('kamailio')
    return 'path' in found || found.reason
  },
  async start() {
    const dir = makeTempDir('kamailio')
    const config = join(import.meta.dirname, '../scenarios/kamailio-masked.cfg')
    const args = ['-f', config, '-DD', '-E', '-m', '256', '-M', '8', '-Y', dir.path]
    const peer = await startPeer({ command: 'kamailio', args })
    await bound(peer, 'Kamailio', FIRST_PLACE)
    return running(peer, FIRST_PLACE, async () => void dir.remove())
  },
}

/** The application that `maskline-server.ts` makes. */
const APP = { key: 'bench', secret: 'bench-secret' } as const
/** Stopping waits for the last pushes. */
const STOP_MS = 20_000

/**
 * Maskline as `script` starts it: `node SCRIPT --pairs N --push URL`, which prints one JSON line once it takes calls.
 * Its events and CDRs go to a receiver beside it.
 */
export function maskline(script: string): BenchServer {
  return {
    name: 'Maskline',
    available: () => true,
    async start(pairs, place = FIRST_PLACE) {
      const { caller, server, callee } = place
      const receiver = await startPushReceiver(APP)
      const args = [
        ...nodeFlags,
        ...process.execArgv,
        script,
        ...['--pairs', `${pairs}`, '--address', server.address, '--sip-port', `${server.port}`],
        ...['--caller', caller.address, '--callee', callee.address],
        ...['--push', receiver.url, '--key', APP.key, '--secret', APP.secret],
      ]
      const peer = await startPeer({ command: process.execPath, args })
      await waitFor(() => alive(peer, 'Maskline') && /^\{.*\}$/m.test(peer.output()), {
        what: "Maskline's ready line",
        timeoutMs: 60_000,
        detail: peer.output,
      })
      await bound(peer, 'Maskline', place)
      return { ...running(peer, place, receiver.stop), sample: () => sampleOf(peer) }
    },
  }
}

async function bound(peer: PeerProcess, name: string, { server }: Place): Promise<void> {
  await waitFor(() => alive(peer, name) && isBound('udp', server.address, server.port), {
    what: `${name} to bind ${server.address}:${server.port}`,
    detail: peer.output,
  })
}

function alive(peer: PeerProcess, name: string): true {
  if (peer.ended() === undefined) return true
  throw new Error(`${name} ended:\n${peer.output()}`)
}

/** Asks with SIGUSR2 for one line more of `{"sample":…}`. */
async function sampleOf(peer: PeerProcess): Promise<ServerSample> {
  const last = (): string | undefined =>
    peer
      .output()
      .match(/^\{"sample":.*\}$/gm)
      ?.at(-1)
  const before = last()
  peer.signal('SIGUSR2')
  const line = await waitFor(() => alive(peer, 'Maskline') && last() !== before && last(), {
    what: 'a sample of the server',
    detail: peer.output,
  })
  return JSON.parse(line) as ServerSample
}

function running(
  peer: PeerProcess,
  place: Place,
  after: () => Promise<PushTally | undefined | void>,
): RunningServer {
  return {
    pid: peer.pid,
    place,
    output: peer.output,
    async stop() {
      await peer.stop('SIGTERM', STOP_MS)
      return (await after()) ?? undefined
    },
  }
}
