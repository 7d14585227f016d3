/**
 * How many G.711 calls one core relays: this process is every party of every call, the engine runs in another.
 * `node bench/relay.ts [calls …]` prints a row per level and the results as JSON.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { fileURLToPath } from 'node:url'
import { buildRtp } from '@maskline/media'
import type { EngineReply, EngineRequest } from './relay-engine.ts'

export type RelayLevel = {
  readonly calls: number
  readonly sent: number
  readonly lost: number
  readonly delayP50Ms: number
  readonly delayP99Ms: number
  readonly delayMaxMs: number
  /** Of one core, both threads of the engine's process. */
  readonly engineCpuPercent: number
  readonly cpuUsPerPacket: number
  readonly rssMb: number
}
export type RelayResult = {
  readonly levels: readonly RelayLevel[]
  /** Signalling without RTP: engine CPU per call at 600 calls a second, and where the thread is busy anyway. */
  readonly setUp: {
    readonly calls: number
    readonly pacedUsPerCall: number
    readonly busyUsPerCall: number
    readonly busyMainUsPerCall: number
  }
}

const HOST = '127.0.0.1'
const FRAME_MS = 20
const WARM_UP_MS = 1500
const MEASURE_MS = 5000
const DEFAULT_LEVELS = [100, 200, 250, 300] as const

/** Runs every level, about eight seconds each, then the set-up load. */
export async function benchRelay(
  levels: readonly number[] = DEFAULT_LEVELS,
  log: (line: string) => void = console.log,
): Promise<RelayResult> {
  const engine = fork(fileURLToPath(new URL('./relay-engine.ts', import.meta.url)))
  try {
    await nextReply(engine, 'ready')
    const results: RelayLevel[] = []
    for (const calls of levels) {
      const level = await runLevel(engine, calls)
      results.push(level)
      log(row(level))
    }
    const load = await ask(engine, { kind: 'set-up', callsPerSec: 600, seconds: 5, holdMs: 100 }, 'set-up')
    const setUp = {
      calls: load.calls,
      pacedUsPerCall: Math.round(load.pacedUs),
      busyUsPerCall: Math.round(load.busyUs),
      busyMainUsPerCall: Math.round(load.busyMainUs),
    }
    log(
      `set-up without RTP: ${setUp.pacedUsPerCall} µs CPU per call at 600/s; ` +
        `${setUp.busyUsPerCall} µs on a busy thread (${setUp.busyMainUsPerCall} µs of it main thread)`,
    )
    return { levels: results, setUp }
  } finally {
    engine.disconnect()
  }
}

async function runLevel(engine: ChildProcess, calls: number): Promise<RelayLevel> {
  const socket = await bindSocket()
  const { port } = socket.address()
  const { ports } = await ask(engine, { kind: 'open', calls, host: HOST, port }, 'opened')
  const generator = createGenerator(socket, ports.flat())
  generator.start()
  await sleep(WARM_UP_MS)
  generator.measure(true)
  const before = await ask(engine, { kind: 'usage' }, 'usage')
  const startMs = performance.now()
  await sleep(MEASURE_MS)
  const after = await ask(engine, { kind: 'usage' }, 'usage')
  const elapsedMs = performance.now() - startMs
  generator.measure(false)
  await sleep(200)
  generator.stop()
  await ask(engine, { kind: 'close' }, 'closed')
  socket.close()
  const { sent, delaysMs } = generator
  const sorted = Float64Array.from(delaysMs).sort()
  const at = (share: number): number => round(sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN)
  const cpuMs = after.cpuMs - before.cpuMs
  return {
    calls,
    sent: sent(),
    lost: sent() - sorted.length,
    delayP50Ms: at(0.5),
    delayP99Ms: at(0.99),
    delayMaxMs: at(1),
    engineCpuPercent: round((cpuMs / elapsedMs) * 100),
    cpuUsPerPacket: round((cpuMs * 1000) / Math.max(1, sent())),
    rssMb: Math.round(after.rssMb),
  }
}

/** Sends a frame every 20 ms to each port, spread evenly; the send time travels in the payload. */
function createGenerator(socket: Socket, ports: readonly number[]) {
  const delaysMs: number[] = []
  const payload = Buffer.alloc(160, 0xd5)
  const spacingMs = FRAME_MS / ports.length
  let measuring = false
  let sentCount = 0
  let next = 0
  let startMs = 0
  let timer: NodeJS.Timeout | undefined
  socket.on('message', (packet) => {
    // Marked packets belong to the measured time.
    const sentAtMs = packet.readDoubleBE(12)
    if (packet[20] === 1) delaysMs.push(performance.now() - sentAtMs)
  })
  const tick = (): void => {
    const now = performance.now()
    for (; startMs + next * spacingMs <= now; next++) {
      const frame = Math.floor(next / ports.length)
      const leg = next % ports.length
      payload.writeDoubleBE(performance.now(), 0)
      payload[8] = measuring ? 1 : 0
      if (measuring) sentCount++
      const header = {
        payloadType: 8,
        marker: false,
        sequence: frame & 0xffff,
        timestamp: frame * 160,
        ssrc: leg + 1,
      }
      socket.send(buildRtp(header, payload), ports[leg] ?? 0, HOST)
    }
    timer = setTimeout(tick, 1)
  }
  return {
    delaysMs,
    sent: () => sentCount,
    measure: (on: boolean) => (measuring = on),
    start: () => {
      startMs = performance.now()
      tick()
    },
    stop: () => clearTimeout(timer),
  }
}

function bindSocket(): Promise<Socket> {
  const socket = createSocket({
    type: 'udp4',
    lookup: ((
      address: string,
      _options: unknown,
      done: (error: null, address: string, family: number) => void,
    ) => {
      done(null, address, 4)
    }) as never,
    recvBufferSize: 8 << 20,
  })
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(0, HOST, () => resolve(socket))
  })
}

type ReplyOf<K extends EngineReply['kind']> = Extract<EngineReply, { kind: K }>

function nextReply<K extends EngineReply['kind']>(engine: ChildProcess, kind: K): Promise<ReplyOf<K>> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`the engine process ended with ${code}`))
    engine.once('exit', onExit)
    engine.once('message', (reply: EngineReply) => {
      engine.off('exit', onExit)
      if (reply.kind === kind) resolve(reply as ReplyOf<K>)
      else reject(new Error(`the engine said ${reply.kind} instead of ${kind}`))
    })
  })
}

function ask<K extends EngineReply['kind']>(
  engine: ChildProcess,
  request: EngineRequest,
  kind: K,
): Promise<ReplyOf<K>> {
  const reply = nextReply(engine, kind)
  engine.send(request)
  return reply
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const round = (value: number): number => Math.round(value * 100) / 100

const row = (level: RelayLevel): string =>
  `relay ${String(level.calls).padStart(4)} calls  lost ${level.lost}/${level.sent}  ` +
  `delay p50 ${level.delayP50Ms} p99 ${level.delayP99Ms} max ${level.delayMaxMs} ms  ` +
  `engine ${level.engineCpuPercent} % of a core, ${level.cpuUsPerPacket} µs/packet, ${level.rssMb} MB`

if (import.meta.main) {
  const levels = process.argv.slice(2).map(Number)
  const result = await benchRelay(levels.length > 0 ? levels : DEFAULT_LEVELS)
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
