/** The engine alone in a process, so that its CPU can be told from the generator's. Talks to bench/relay.ts by IPC. */
import { createEmbeddedEngine, endpointOffer, readRemote, type MediaSession } from '@maskline/media'

export type EngineRequest =
  | { readonly kind: 'open'; readonly calls: number; readonly host: string; readonly port: number }
  | {
      readonly kind: 'set-up'
      readonly callsPerSec: number
      readonly seconds: number
      readonly holdMs: number
    }
  | { readonly kind: 'usage' }
  | { readonly kind: 'close' }
export type EngineReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'opened'; readonly ports: readonly (readonly [a: number, b: number])[] }
  | { readonly kind: 'usage'; readonly cpuMs: number; readonly rssMb: number }
  | { readonly kind: 'set-up'; readonly calls: number; readonly cpuMs: number; readonly mainMs: number }
  | { readonly kind: 'closed' }

const HOST = '127.0.0.1'
const SET_UP_WARM_UP_SEC = 3
const engine = await createEmbeddedEngine({
  host: HOST,
  portMin: 20_000,
  portMax: 39_998,
  portRestMs: 1000,
  timeoutSec: 60,
})
let sessions: MediaSession[] = []
const reply = (message: EngineReply): void => void process.send?.(message)
const open = (): Promise<MediaSession> => engine.open({ id: 'bench', onEvent: () => undefined })
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

const mainMs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

async function openCalls(calls: number, host: string, port: number): Promise<void> {
  const sdp = endpointOffer({ host, port, codecs: ['PCMA'] })
  const ports: [number, number][] = []
  for (let n = 0; n < calls; n++) {
    const session = await open()
    sessions.push(session)
    const forB = await session.offer('a', 'b', sdp)
    ports.push([readRemote(await session.answer('b', 'a', sdp)).port, readRemote(forB).port])
  }
  // Stats come after every command before them: the relay is ready.
  await sessions.at(-1)?.stats()
  reply({ kind: 'opened', ports })
}

/**
 * Calls without RTP: what signalling load costs here once the sockets are bound and the code is warm, both threads
 * together and the main thread alone.
 */
async function setUp(callsPerSec: number, seconds: number, holdMs: number): Promise<void> {
  await runCalls(callsPerSec, SET_UP_WARM_UP_SEC, holdMs)
  // The pacing timer wakes a thread that signalling keeps awake in a real server: its cost is taken off.
  const idle = await measured(() => runCalls(0, seconds / 2, holdMs))
  const load = await measured(() => runCalls(callsPerSec, seconds, holdMs))
  reply({
    kind: 'set-up',
    calls: load.calls,
    cpuMs: load.cpuMs - idle.cpuMs * 2,
    mainMs: load.mainMs - idle.mainMs * 2,
  })
}

async function measured(run: () => Promise<number>) {
  const cpuBefore = cpuMs()
  const mainBefore = mainMs()
  const calls = await run()
  return { calls, cpuMs: cpuMs() - cpuBefore, mainMs: mainMs() - mainBefore }
}

async function runCalls(callsPerSec: number, seconds: number, holdMs: number): Promise<number> {
  const offer = endpointOffer({ host: HOST, port: 9000 })
  const answer = endpointOffer({ host: HOST, port: 9002, codecs: ['PCMA'] })
  const talking: { readonly session: MediaSession; readonly endMs: number }[] = []
  const startMs = performance.now()
  let calls = 0
  for (let now = startMs; now - startMs < seconds * 1000; now = performance.now()) {
    for (; calls < ((now - startMs) * callsPerSec) / 1000; calls++) {
      const session = await open()
      await session.offer('a', 'b', offer)
      await session.answer('b', 'a', answer)
      talking.push({ session, endMs: now + holdMs })
    }
    while (talking[0] && talking[0].endMs <= now) await talking.shift()?.session.close()
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  for (const { session } of talking) await session.close()
  return calls
}

async function closeCalls(): Promise<void> {
  for (const session of sessions) await session.close()
  sessions = []
  reply({ kind: 'closed' })
}

process.on('message', (request: EngineRequest) => {
  if (request.kind === 'open') void openCalls(request.calls, request.host, request.port)
  else if (request.kind === 'set-up') void setUp(request.callsPerSec, request.seconds, request.holdMs)
  else if (request.kind === 'close') void closeCalls()
  else reply({ kind: 'usage', cpuMs: cpuMs(), rssMb: process.memoryUsage.rss() / 1e6 })
})
process.on('disconnect', () => process.exit(0))
reply({ kind: 'ready' })
