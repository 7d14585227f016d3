/** The worker half of the embedded engine: sockets and packets, away from signalling and its garbage. */
import { parentPort, workerData } from 'node:worker_threads'
import { monotonicClock } from '../audio/players.ts'
import { Relay } from './relay.ts'
import type { Command, Post, Report } from './protocol.ts'
import { SocketPairs } from './socket-pairs.ts'

export type WorkerData = {
  readonly host: string
  readonly portMin: number
  readonly portMax: number
  readonly portRestMs: number
  readonly timeoutMs: number
}

const SWEEP_MS = 100

const port = parentPort
if (port === null) throw new Error('the media worker runs in a worker thread only')
const { host, portMin, portMax, portRestMs, timeoutMs } = workerData as WorkerData
const report = (message: Report): void => port.postMessage(message)
const pairs = new SocketPairs({ host, portMin, portMax, restMs: portRestMs, now: monotonicClock.now })
const relay = new Relay({
  clock: monotonicClock,
  timeoutMs,
  pairOf: (rtpPort) => pairs.get(rtpPort),
  report,
})

/** One binding at a time, so that ports stay in order and close comes after the last. */
let binding: Promise<void> = Promise.resolve()
const inTurn = (bind: () => Promise<void>): void => void (binding = binding.then(bind))

async function grow(count: number): Promise<void> {
  const ports = await pairs.grow(count)
  report({ op: 'ready', ports, exhausted: pairs.exhausted })
}

async function wake(): Promise<void> {
  const ports = await pairs.wake()
  if (ports.length > 0) report({ op: 'rested', ports })
}

const sweeper = setInterval(() => {
  relay.sweep()
  setImmediate(() => relay.sweepRecordings())
  inTurn(wake)
}, SWEEP_MS)

port.on('message', (post: Post) => {
  if (post === 'close') return close()
  if (typeof post !== 'string') return relay.keep(post)
  for (const command of JSON.parse(post) as Command[]) {
    if (command.op === 'grow') inTurn(() => grow(command.pairs))
    else relay.run(command)
    if (command.op === 'close') for (const rtpPort of command.ports) pairs.rest(rtpPort)
  }
})

function close(): void {
  clearInterval(sweeper)
  relay.close()
  void binding.then(() => {
    pairs.close()
    port?.close()
  })
}
