import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { createEmbeddedEngine, type EmbeddedOptions } from '../embedded/engine.ts'
import { createRtpEndpoint, type RtpEndpoint, type RtpEndpointOptions } from '../endpoint/endpoint.ts'
import { endpointAnswer, endpointOffer, readRemote } from '../endpoint/endpoint-sdp.ts'
import { MediaError, type MediaEngine, type MediaEvent, type MediaSession } from '../engine.ts'

type Codecs = readonly ('PCMA' | 'PCMU')[]

/**
 * The loopback address of this test process alone, so that no other process takes its ports between looking and
 * binding; only one that binds every address could.
 */
export const ENGINE_HOST = `127.${64 + ((process.pid >> 16) & 63)}.${(process.pid >> 8) & 255}.${process.pid & 255}`
/** Below the ports the system gives to sockets that ask for any. */
const FIRST_PORT = 10_000
const LAST_PORT = 29_999

/** An engine on loopback, with ports in plenty, that closes with the test. */
export async function startEngine(
  test: TestContext,
  options: Partial<EmbeddedOptions> = {},
): Promise<MediaEngine> {
  const engine = await createEmbeddedEngine({ ...DEFAULTS, ...options })
  test.after(() => engine.close())
  return engine
}

const DEFAULTS: EmbeddedOptions = {
  host: ENGINE_HOST,
  portMin: FIRST_PORT,
  portMax: LAST_PORT,
  portRestMs: 1000,
  timeoutSec: 60,
}

/** Where the next tight range is looked for; a range is used once, so that no test meets the packets of another. */
let nextPort = FIRST_PORT

/**
 * An engine that owns exactly `calls` × 4 ports from `portMin` on, besides the ports at the `held` offsets, which the
 * test holds. Looks for a range that is free, and makes sure that the engine really got it.
 */
export async function startTightEngine(
  test: TestContext,
  calls: number,
  options: Partial<EmbeddedOptions> & { readonly ports?: number; readonly held?: readonly number[] } = {},
): Promise<{ readonly engine: MediaEngine; readonly portMin: number }> {
  const { ports = calls * 4, held = [], ...rest } = options
  while (nextPort + ports <= LAST_PORT) {
    const portMin = nextPort
    nextPort += ports + (ports & 1)
    const holders = await bindAll(held.map((offset) => portMin + offset))
    const engine = await createEmbeddedEngine({
      ...DEFAULTS,
      ...rest,
      portMin,
      portMax: portMin + ports - 1,
    }).catch(noPorts)
    if (engine !== undefined && holders.length === held.length && (await holds(engine, calls))) {
      test.after(async () => {
        await engine.close()
        for (const socket of holders) socket.close()
      })
      return { engine, portMin }
    }
    await engine?.close()
    for (const socket of holders) socket.close()
  }
  throw new Error(`no ${ports} ports in a row are free on ${ENGINE_HOST}`)
}

function noPorts(error: unknown): undefined {
  if (!(error instanceof MediaError && error.code === 'NO_PORTS')) throw error
}

async function holds(engine: MediaEngine, calls: number): Promise<boolean> {
  const sessions: MediaSession[] = []
  try {
    while (sessions.length < calls)
      sessions.push(await engine.open({ id: 'probe', onEvent: () => undefined }))
    return true
  } catch (error) {
    noPorts(error)
    return false
  } finally {
    for (const session of sessions) await session.close()
  }
}

/** Fewer than asked for when one is taken. */
async function bindAll(ports: readonly number[]): Promise<Socket[]> {
  const sockets: Socket[] = []
  for (const port of ports) {
    const socket = createSocket('udp4')
    try {
      socket.bind(port, ENGINE_HOST)
      await once(socket, 'listening')
      sockets.push(socket)
    } catch {
      socket.close()
    }
  }
  return sockets
}

export async function startEndpoint(
  test: TestContext,
  options: Partial<RtpEndpointOptions> = {},
): Promise<RtpEndpoint> {
  const endpoint = await createRtpEndpoint({ host: '127.0.0.1', ...options })
  test.after(() => endpoint.close())
  return endpoint
}

export type TestCall = {
  readonly session: MediaSession
  readonly events: MediaEvent[]
  readonly a: RtpEndpoint
  readonly b: RtpEndpoint
}

/** A call between two endpoints: a offered, b answered, both know where to send. */
export async function connectCall(
  test: TestContext,
  engine: MediaEngine,
  options: { readonly a?: Codecs; readonly b?: Codecs; readonly host?: string } = {},
): Promise<TestCall> {
  const host = options.host ?? '127.0.0.1'
  const events: MediaEvent[] = []
  const session = await engine.open({ id: 'test-call', onEvent: (event) => events.push(event) })
  const a = await startEndpoint(test, { host })
  const b = await startEndpoint(test, { host })
  const offer = endpointOffer({ host, port: a.localPort, codecs: options.a ?? ['PCMA', 'PCMU'] })
  const forB = await session.offer('a', 'b', offer)
  const answer = endpointAnswer(forB, { host, port: b.localPort, codecs: options.b ?? ['PCMA', 'PCMU'] })
  b.setRemote(answer.remote)
  a.setRemote(readRemote(await session.answer('b', 'a', answer.sdp)))
  return { session, events, a, b }
}

/** Polls until `condition` holds; fails with `what` after five seconds. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (await condition()) return
    await wait(5)
  }
  throw new Error(`waited five seconds in vain until ${what}`)
}
