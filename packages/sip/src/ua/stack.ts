import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { sessionLimits } from '../core/session-interval.ts'
import { CallGate } from '../guard/call-gate.ts'
import type { Overload } from '../guard/overload.ts'
import { formatHostPort } from '../message/host-port.ts'
import { dnsRecords } from '../resolve/dns-records.ts'
import { Locator } from '../resolve/locator.ts'
import { faultReport } from '../shared/fault-report.ts'
import type { FaultReport } from '../shared/fault-report.ts'
import type { Timers } from '../shared/timers.ts'
import { TimerWheel, timersOf } from '../transaction/clock.ts'
import { MAX_UDP_REQUEST_BYTES } from '../transaction/large-requests.ts'
import { TransactionLayer } from '../transaction/layer.ts'
import { TIMER_C_MS } from '../transaction/timing.ts'
import type { Hop, TransportName } from '../transport/address.ts'
import { openSocket } from '../transport/open-socket.ts'
import type { OpenTransport, Transport } from '../transport/transport.ts'
import { ChallengeMemory } from '../core/challenge-memory.ts'
import { OutgoingCall } from './client-call.ts'
import { faceFor } from '../core/core.ts'
import type { Core, Face } from '../core/core.ts'
import { OutOfDialogRequest } from './out-of-dialog-request.ts'
import { RequestDispatcher } from './request-dispatcher.ts'
import { Traces } from './traces.ts'
import type { SipStack, StackOptions } from '../core/types.ts'

const DEFAULT_MAX_TRANSACTIONS = 200_000
const DEFAULT_MAX_DIALOGS = 200_000
/** Transports by which we open connections; WebSockets are opened by clients alone (RFC 7118). */
const DIALLED: readonly TransportName[] = ['udp', 'tcp', 'tls']

/**
 * Opens every listening address and serves SIP on them. Rejects, with nothing left open, when one of them cannot be opened;
 * the error says which and why.
 */
export async function createSipStack(options: StackOptions): Promise<SipStack> {
  const report = faultReport(options.handlers.onFault?.bind(options.handlers))
  const wheel = options.clock === undefined ? new TimerWheel(report) : undefined
  const timers = wheel ?? timersOf(options.clock!, report)
  const product = options.productName ?? 'Maskline'
  const serverHeaders = ['Server', product]
  const faces: Face[] = []
  const dispatcher = new RequestDispatcher(options.handlers)
  const calls: Core['calls'] = new Map()
  const { guard, overload } = options
  const gate = new CallGate({
    overload,
    maxDialogs: options.maxDialogs ?? DEFAULT_MAX_DIALOGS,
    dialogs: () => calls.size,
    now: () => timers.now(),
  })
  const layer = new TransactionLayer({
    timers,
    guard,
    gate,
    maxTransactions: options.maxTransactions ?? DEFAULT_MAX_TRANSACTIONS,
    responseHeaders: serverHeaders,
    report,
    user: dispatcher,
    maxUdpRequestBytes: options.maxUdpRequestBytes ?? MAX_UDP_REQUEST_BYTES,
    besideUdp: ({ family }) =>
      faces.find(({ transport }) => transport.name === 'tcp' && transport.family === family),
  })
  const traces = new Traces(layer, report)
  const { onMessage } = options.handlers
  if (onMessage !== undefined) traces.add((...seen) => onMessage.call(options.handlers, ...seen))
  const locator = locatorOf(options, timers, report, faces)
  const core: Core = {
    layer,
    timers,
    locator,
    challenges: new ChallengeMemory(),
    faces,
    userAgentHeaders: ['User-Agent', product],
    serverHeaders,
    calls,
    guard,
    sessionLimits: sessionLimits(options.sessionTimer?.expiresSec, options.sessionTimer?.minSec),
    inviteTimeoutMs: options.inviteTimeoutMs ?? TIMER_C_MS,
    report,
  }
  dispatcher.serve(core)

  const open: OpenTransport = options.openTransport ?? ((listen, sink) => openSocket(listen, sink, timers))
  const transports: Transport[] = []
  const closeAll = async (): Promise<void> => {
    layer.close()
    for (const call of core.calls.values()) call.drop()
    core.calls.clear()
    // Without a face nothing can be sent: what is begun from now on fails with 503.
    faces.length = 0
    locator.close()
    wheel?.close()
    await Promise.all(transports.map((transport) => transport.close()))
  }
  try {
    for (const listen of options.listen) {
      const transport = await open(listen, layer)
      transports.push(transport)
      faces.push(faceOf(transport, options.publicHost))
    }
  } catch (error) {
    await closeAll()
    throw error
  }
  if (overload !== undefined && wheel !== undefined) watchLoop(overload, wheel, transports)
  let closing: Promise<void> | undefined
  return {
    clock: wheel ?? options.clock!,
    addresses: transports.map(({ local, name }) => ({ ...local, transport: name })),
    invite: (inviteOptions, handlers) => new OutgoingCall(core, inviteOptions, handlers),
    request: (requestOptions, onFinal) => void new OutOfDialogRequest(core, requestOptions, onFinal),
    locate: (uri) =>
      new Promise((resolve) =>
        locator.locate(uri, undefined, (first, others) =>
          resolve(first === undefined ? [] : [first, ...others]),
        ),
      ),
    keepFlow: (hop, onLost, pingAfterMs) =>
      faceFor(core, hop)?.transport.keep(hop, onLost, pingAfterMs) ?? (() => {}),
    trace: (onMessage) => traces.add(onMessage),
    stats: () => ({
      transactions: layer.size,
      dialogs: calls.size,
      ...(guard && { guard: guard.stats() }),
      ...(overload && { refusedInvites: gate.refusals }),
    }),
    close: () => (closing ??= closeAll()),
  }
}

/** Ticks are those of the timers, and queues those of the UDP sockets, which send to themselves. */
function watchLoop(overload: Overload, wheel: TimerWheel, transports: readonly Transport[]): void {
  wheel.onEachTick(() => overload.onTick())
  for (const transport of transports) {
    if (transport.name !== 'udp') continue
    const { address, port } = transport.local
    const hop: Hop = { address: LOOPBACK[address] ?? address, port, transport: 'udp' }
    overload.addQueue((probe) => transport.send(probe, hop))
  }
}

/** Where a socket that listens on every address reaches itself. */
const LOOPBACK: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

function locatorOf(
  { listen, dns }: StackOptions,
  timers: Timers,
  report: FaultReport,
  faces: readonly Face[],
): Locator {
  const has = (family: 4 | 6): boolean =>
    listen.some(({ address }) => address.includes(':') === (family === 6))
  return new Locator({
    spoken: new Set(DIALLED.filter((name) => listen.some(({ transport }) => transport === name))),
    records: dnsRecords({ families: ([4, 6] as const).filter(has), ...dns }, () => timers.now()),
    timers,
    chance: dns?.chance ?? Math.random,
    canReach: (hop) => faceFor({ faces }, hop) !== undefined,
    report,
  })
}

function faceOf(transport: Transport, publicHost: string | undefined): Face {
  const { name, family } = transport
  const { address, port } = transport.local
  const hostPort = formatHostPort(hostFor(family, publicHost) ?? reachable(address, family), port)
  const alias = name === 'tcp' || name === 'tls' ? ';alias' : ''
  return {
    transport,
    via: `SIP/2.0/${name.toUpperCase()} ${hostPort};rport${alias};branch=`,
    hostPort,
    uriParams: name === 'udp' ? '' : `;transport=${name === 'wss' ? 'ws' : name}`,
  }
}

/** The public host where it can stand for an address of this family: a name, or one of its own. */
function hostFor(family: 4 | 6, publicHost: string | undefined): string | undefined {
  if (publicHost === undefined) return undefined
  const is = isIP(publicHost)
  return is === 0 || is === family ? publicHost : undefined
}

/** A wildcard address means nothing to a peer: the first outside address of this machine stands for it. */
function reachable(address: string, family: 4 | 6): string {
  if (address !== '0.0.0.0' && address !== '::') return address
  const wanted = family === 4 ? 'IPv4' : 'IPv6'
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const outside = all.find(({ internal, family: has }) => !internal && has === wanted)
  return outside?.address ?? (family === 4 ? '127.0.0.1' : '::1')
}
