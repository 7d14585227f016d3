import { join } from 'node:path'
import { startPeer, type PeerProcess } from '../../e2e/support/peer-process.ts'
import { isBound } from '../../e2e/support/ports.ts'
import { makeTempDir } from '../../e2e/support/temp-dir.ts'
import { waitFor } from '../../e2e/support/wait.ts'
import { nodeFlags } from '../../scripts/node24.mjs'
import { findPeer } from '../../scripts/peers.mjs'
import { type PushTally, startPushReceiver } from './push-receiver.ts'

/** A server under test, started anew for every run. */
export type BenchServer = {
  readonly name: string
  /** Whether it can run here; a string says why not. */
  available(): true | string
  /** Starts it with `pairs` bindings of `benchPairs` in force, listening on `SERVER_AT`. */
  start(pairs: number): Promise<RunningServer>
}
export type RunningServer = {
  /** Root of its process tree. */
  readonly pid: number
  readonly sip: { readonly address: string; readonly port: number }
  /** What it printed last. */
  output(): string
  /** Ends it once all it owes is delivered; what the customer counted, where the server pushes. */
  stop(): Promise<PushTally | undefined>
}

/**
 * Three loopback addresses, so that a capture tells the parties apart; not the SIP port, which a Maskline or another
 * server of the machine may hold on every address. scenarios/kamailio-masked.cfg names them as well.
 */
export const CALLER_AT = { address: '127.0.7.1', port: 5460 } as const
export const SERVER_AT = { address: '127.0.7.2', port: 5460 } as const
export const CALLEE_AT = { address: '127.0.7.3', port: 5460 } as const

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
    await bound(peer, 'Kamailio')
    return running(peer, async () => void dir.remove())
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
    async start(pairs) {
      const receiver = await startPushReceiver(APP)
      const args = [
        ...nodeFlags,
        ...process.execArgv,
        script,
        ...['--pairs', `${pairs}`, '--sip-port', `${SERVER_AT.port}`],
        ...['--push', receiver.url, '--key', APP.key, '--secret', APP.secret],
      ]
      const peer = await startPeer({ command: process.execPath, args })
      await waitFor(() => alive(peer, 'Maskline') && /^\{.*\}$/m.test(peer.output()), {
        what: "Maskline's ready line",
        timeoutMs: 60_000,
        detail: peer.output,
      })
      await bound(peer, 'Maskline')
      return running(peer, receiver.stop)
    },
  }
}

async function bound(peer: PeerProcess, name: string): Promise<void> {
  await waitFor(() => alive(peer, name) && isBound('udp', SERVER_AT.address, SERVER_AT.port), {
    what: `${name} to bind ${SERVER_AT.address}:${SERVER_AT.port}`,
    detail: peer.output,
  })
}

function alive(peer: PeerProcess, name: string): true {
  if (peer.ended() === undefined) return true
  throw new Error(`${name} ended at its start:\n${peer.output()}`)
}

function running(peer: PeerProcess, after: () => Promise<PushTally | undefined | void>): RunningServer {
  return {
    pid: peer.pid,
    sip: SERVER_AT,
    output: peer.output,
    async stop() {
      await peer.stop('SIGTERM', STOP_MS)
      return (await after()) ?? undefined
    },
  }
}
