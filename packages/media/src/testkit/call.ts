import type { TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { createEmbeddedEngine, type EmbeddedOptions } from '../embedded/engine.ts'
import { createRtpEndpoint, type RtpEndpoint, type RtpEndpointOptions } from '../endpoint/endpoint.ts'
import { endpointAnswer, endpointOffer, readRemote } from '../endpoint/endpoint-sdp.ts'
import type { MediaEngine, MediaEvent, MediaSession } from '../engine.ts'

type Codecs = readonly ('PCMA' | 'PCMU')[]

/** An engine on loopback that closes with the test. */
export async function startEngine(
  test: TestContext,
  options: Partial<EmbeddedOptions> = {},
): Promise<MediaEngine> {
  const engine = await createEmbeddedEngine({
    host: '127.0.0.1',
    portMin: 42_000,
    portMax: 49_000,
    portRestMs: 1000,
    timeoutSec: 60,
    ...options,
  })
  test.after(() => engine.close())
  return engine
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
