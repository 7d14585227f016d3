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
  | {
      readonly kind: 'set-up'
      readonly calls: number
      readonly pacedUs: number
      readonly busyUs: number
      readonly busyMainUs: number
    }
  | { readonly kind: 'closed' }

const HOST = '127.0.0.1'
const PORT_REST_MS = 1000
const SET_UP_WARM_UP_SEC = 3
const BUSY_ROUNDS = 4
const engine = await createEmbeddedEngine({
  host: HOST,
  // Below the ports the system gives to the parties, which must not be the engine's own.
  portMin: 12_000,
  portMax: 32_767,
  portRestMs: PORT_REST_MS,
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
 * Calls without RTP, once the sockets are bound and the code is warm: at a steady rate, where waking two threads for
 * every few calls is part of the price, and one after the other, as when signalling keeps the thread awake anyway.
 */
async function setUp(callsPerSec: number, seconds: number, holdMs: number): Promise<void> {
  await runPaced(callsPerSec, SET_UP_WARM_UP_SEC, holdMs)
  // The generator's own timer is not the engine's cost.
  const idle = await measured(() => runPaced(0, seconds, holdMs))
  const paced = await measured(() => runPaced(callsPerSec, seconds, holdMs))
  const busy = await measured(() => runBusy(callsPerSec, BUSY_ROUNDS))
  reply({
    kind: 'set-up',
    calls: paced.calls,
    pacedUs: ((paced.cpuMs - idle.cpuMs) * 1000) / paced.calls,
    busyUs: (busy.cpuMs * 1000) / busy.calls,
    busyMainUs: (busy.mainMs * 1000) / busy.calls,
  })
}

async function runBusy(callsPerRound: number, rounds: number): Promise<number> {
  const talking: MediaSession[] = []
  for (let round = 0; round < rounds; round++) {
    for (let n = 0; n < callsPerRound; n++) {
      talking.push(await connect())
      if (talking.length > 60) await talking.shift()?.close()
      await new Promise((resolve) => setImmediate(resolve))
    }
    // The ports of a round rest before the next, so that no new ones are bound.
    await new Promise((resolve) => setTimeout(resolve, PORT_REST_MS * 1.2))
  }
  for (const session of talking) await session.close()
  return callsPerRound * rounds
}

const OFFER = endpointOffer({ host: HOST, port: 9000 })
const ANSWER = endpointOffer({ host: HOST, port: 9002, codecs: ['PCMA'] })

async function connect(): Promise<MediaSession> {
  const session = await open()
  await session.offer('a', 'b', OFFER)
  await session.answer('b', 'a', ANSWER)
  return session
}

async function measured(run: () => Promise<number>) {
  const cpuBefore = cpuMs()
  const mainBefore = mainMs()
  const calls = await run()
  return { calls, cpuMs: cpuMs() - cpuBefore, mainMs: mainMs() - mainBefore }
}

async function runPaced(callsPerSec: number, seconds: number, holdMs: number): Promise<number> {
  const talking: { readonly session: MediaSession; readonly endMs: number }[] = []
  const startMs = performance.now()
  let calls = 0
  for (let now = startMs; now - startMs < seconds * 1000; now = performance.now()) {
    for (; calls < ((now - startMs) * callsPerSec) / 1000; calls++) {
      const session = await connect()
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
