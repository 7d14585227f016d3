import { header } from '../../message/headers.ts'
import type { SipRequest } from '../../message/message.ts'
import { parseMessage } from '../../message/parse.ts'
import { faultInFields } from '../../message/validate.ts'
import type { Hop } from '../../transport/address.ts'
import { createRegistrar } from '../../registrar/registrar.ts'
import { createSipStack } from '../../ua/stack.ts'
import type { ServerCall, SipStack } from '../../core/types.ts'
import { recorder } from '../bench.ts'
import { ManualClock } from '../manual-clock.ts'
import { MemoryNetwork, summaryOf } from '../memory-network.ts'
import type { ParserVerdict } from './case.ts'

/** What `parseMessage` and `faultInFields` say of a datagram. */
export function parserVerdictOf(bytes: Uint8Array): ParserVerdict {
  const result = parseMessage(bytes)
  if (!result.ok) {
    const { code, status } = result.fault
    return { refuses: code, status, answerable: result.answerable !== undefined }
  }
  const { message } = result
  return {
    reads: message.kind === 'request' ? message.method : message.status,
    body: message.body.length,
    field: faultInFields(message)?.status,
  }
}

/** What was seen from outside the stack, and what it still held when everything had had its time. */
export type StackOutcome = {
  readonly seen: readonly string[]
  readonly left: { readonly transactions: number; readonly dialogs: number }
  /** Where each message went. */
  readonly sentTo: readonly Hop[]
  /** Told to `onFault`: must stay empty. */
  readonly faults: readonly unknown[]
}

/** Timer C, and all that may follow it. */
const ALL_TIMERS_MS = 400_000

type Harness = {
  readonly clock: ManualClock
  readonly network: MemoryNetwork
  readonly stack: SipStack
  readonly server: Hop
  readonly peer: Hop
  readonly seen: string[]
  readonly faults: unknown[]
  readonly calls: ServerCall[]
}

/** A stack with all its handlers and a registrar on a memory network of one address family, and the address of a stranger. */
async function openHarness(family: 4 | 6): Promise<Harness> {
  const clock = new ManualClock()
  const network = new MemoryNetwork({ clock })
  const [address, from] = family === 4 ? ['192.0.2.2', '192.0.2.1'] : ['2001:db8::10', '2001:db8::9:1']
  const server = { address, port: 5060, transport: 'udp' } as const
  const peer: Hop = { address: from, port: 5060, transport: 'udp' }
  const seen: string[] = []
  const faults: unknown[] = []
  const calls: ServerCall[] = []
  const registrar = createRegistrar({ realm: 'example.com', findPassword: () => undefined, clock })
  const stack = await createSipStack({
    listen: [server],
    clock,
    openTransport: network.open,
    handlers: {
      onInvite(call) {
        seen.push('onInvite')
        call.handlers = recorder(seen, [])
        calls.push(call)
      },
      onRequest(request) {
        seen.push(`onRequest ${request.request.method}`)
        if (request.request.method === 'REGISTER') registrar.handle(request)
        else request.respond(200)
      },
      onMessage(direction, message) {
        if (direction === 'out') seen.push(summaryOf(message))
      },
      onFault: (error) => void faults.push(error),
    },
  })
  return { clock, network, stack, server, peer, seen, faults, calls }
}

/** A call that nobody answered has its 100 by then (RFC 3261 §17.2.1), and nothing was sent twice. */
const TRYING_MS = 200

/** Sends one datagram of a stranger to the stack. */
export async function stackOutcomeOf(bytes: Uint8Array, family: 4 | 6): Promise<StackOutcome> {
  const harness = await openHarness(family)
  harness.network.send(bytes, harness.peer, harness.server)
  harness.clock.advance(TRYING_MS)
  return outcomeOf(harness)
}

/** Long enough for a request that was not answered to be sent two times more (Timers A and E). */
const TWO_REPEATS_MS = 2000

/** Lets the stack send a request of the response's method first, and makes the response one to that. */
export async function fittedOutcomeOf(bytes: Uint8Array, family: 4 | 6): Promise<StackOutcome> {
  const harness = await openHarness(family)
  const { clock, network, stack, peer, server, seen } = harness
  const text = Buffer.from(bytes).toString('latin1')
  const uri = `sip:${family === 4 ? peer.address : `[${peer.address}]`}`
  const target = { uri, from: '<sip:caller@example.com>', to: `<${uri}>`, hop: peer }
  const isInvite = /^CSeq:.*INVITE/im.test(text)
  const call = isInvite ? stack.invite(target, recorder(seen, [])) : undefined
  if (!isInvite)
    stack.request({ ...target, method: 'OPTIONS' }, ({ status }) => void seen.push(`onFinal ${status}`))
  const sent = network.carried.at(-1)?.message as SipRequest
  seen.length = 0
  const fitted = text.replace(/^Via:.*$/m, `Via: ${header(sent, 'Via')}`)
  network.send(Buffer.from(fitted, 'latin1'), peer, server)
  clock.advance(TWO_REPEATS_MS)
  return outcomeOf(harness, () => {
    call?.ack()
    call?.bye()
  })
}

function outcomeOf(harness: Harness, hangUp: () => void = () => {}): StackOutcome {
  const { clock, network, stack, server, seen, faults, calls } = harness
  const atOnce = [...seen]
  const sentTo = network.carried.filter(({ from }) => from.address === server.address).map(({ to }) => to)
  for (const call of calls) call.reject(480)
  hangUp()
  clock.advance(ALL_TIMERS_MS)
  return { seen: atOnce, left: stack.stats(), sentTo, faults }
}
