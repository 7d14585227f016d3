import { spawn, spawnSync } from 'node:child_process'
import { createWriteStream } from 'node:fs'

/** A foreign program that plays a part: sipp, baresip, Kamailio. */
export type PeerProcess = {
  readonly pid: number
  /** The last 16 KB of what it printed. */
  output(): string
  /** Set once it has ended. */
  ended(): PeerExit | undefined
  readonly exited: Promise<PeerExit>
  signal(name: NodeJS.Signals): void
  /** Sends `signal`, SIGKILL after `graceMs` (default 3,000), and resolves when it is gone. Idempotent. */
  stop(signal?: NodeJS.Signals, graceMs?: number): Promise<PeerExit>
}
export type PeerExit = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

export type PeerOptions = {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Where its output goes as well. */
  readonly logFile?: string
}

const OUTPUT_LIMIT = 16 * 1024
const running = new Set<PeerProcess>()
// A test that throws must not leave peers behind.
process.on('exit', () => {
  for (const peer of running) peer.signal('SIGKILL')
})

/** Starts a program; it never outlives this process. Rejects when it cannot be started. */
export async function startPeer(options: PeerOptions): Promise<PeerProcess> {
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let ended: PeerExit | undefined
  const log = options.logFile === undefined ? undefined : createWriteStream(options.logFile)
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString('latin1')).slice(-OUTPUT_LIMIT)
    log?.write(chunk)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const exited = new Promise<PeerExit>((resolve) => {
    child.once('close', (code, signal) => {
      ended = { code, signal }
      running.delete(peer)
      log?.end()
      resolve(ended)
    })
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) => reject(new Error(`cannot start ${options.command}`, { cause })))
  })
  const peer: PeerProcess = {
    pid: child.pid ?? 0,
    output: () => output,
    ended: () => ended,
    exited,
    signal(name) {
      if (ended === undefined) child.kill(name)
    },
    async stop(signal = 'SIGTERM', graceMs = 3_000) {
      peer.signal(signal)
      const killer = setTimeout(() => peer.signal('SIGKILL'), graceMs)
      const exit = await exited
      clearTimeout(killer)
      return exit
    },
  }
  running.add(peer)
  return peer
}

/** Whether a program is on the PATH: suites with foreign peers are skipped where the peer is not installed. */
export function isInstalled(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0
}
