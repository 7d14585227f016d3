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
  readonly timeoutMs: number
}

const SWEEP_MS = 100

const port = parentPort
if (port === null) throw new Error('the media worker runs in a worker thread only')
const { host, portMin, portMax, timeoutMs } = workerData as WorkerData
const report = (message: Report): void => port.postMessage(message)
const pairs = new SocketPairs(host, portMin, portMax)
const relay = new Relay({
  clock: monotonicClock,
  timeoutMs,
  pairOf: (rtpPort) => pairs.get(rtpPort),
  report,
})
const sweeper = setInterval(() => relay.sweep(), SWEEP_MS)

/** One growth at a time, so that ports stay in order. */
let growing: Promise<void> = Promise.resolve()
const grow = (count: number): Promise<void> =>
  (growing = growing.then(async () => {
    const ports = await pairs.grow(count)
    report({ op: 'ready', ports, exhausted: pairs.exhausted })
  }))

port.on('message', (post: Post) => {
  if (post === 'close') return close()
  if (typeof post !== 'string') return relay.keep(post)
  for (const command of JSON.parse(post) as Command[]) {
    if (command.op === 'grow') void grow(command.pairs)
    else relay.run(command)
  }
})

function close(): void {
  clearInterval(sweeper)
  relay.close()
  void growing.then(() => {
    pairs.close()
    port?.close()
  })
}
