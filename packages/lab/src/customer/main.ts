/**
 * A customer server for load: `main.ts <port> <APP_Key>=<APP_Secret> …` prints `{"port":…}` when it listens and its
 * tally as one JSON line on SIGTERM or the IPC message `exit` (`report`: the tally, and goes on). It verifies every
 * push, but speaks HTTP on bare sockets, so that receiving costs a fraction of sending.
 */
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { parsePushBody } from './push-body.ts'
import { checkSignature } from './signature.ts'

const [portArg = '0', ...appArgs] = process.argv.slice(2)
const secrets = new Map(
  appArgs.map((arg): [string, string] => {
    const equals = arg.indexOf('=')
    return [arg.slice(0, equals), arg.slice(equals + 1)]
  }),
)

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
const RANK = { callin: 1, collectInfo: 2, callout: 3, alerting: 4, answer: 5, disconnect: 6, fee: 7 } as const
type Kind = keyof typeof RANK

const counts: Record<Kind, number> = {
  callin: 0,
  collectInfo: 0,
  callout: 0,
  alerting: 0,
  answer: 0,
  disconnect: 0,
  fee: 0,
}
/** By sessionId: a bit per kind received. */
const calls = new Map<string, number>()
const faults: string[] = []
let requests = 0
let faultCount = 0
let duplicates = 0
let outOfOrder = 0
let connections = 0

function fault(text: string): void {
  faultCount++
  if (faults.length < 10) faults.push(text)
}

function note(sessionId: string, kind: Kind): void {
  counts[kind]++
  const seen = calls.get(sessionId) ?? 0
  const bit = 1 << RANK[kind]
  if (seen & bit) duplicates++
  else if (seen >= bit) outOfOrder++
  calls.set(sessionId, seen | bit)
}

function receive(head: string, body: string): void {
  requests++
  const signature = checkSignature((name) => headerOf(head, name), secrets, Date.now())
  if ('fault' in signature) return fault(signature.fault)
  try {
    const push = parsePushBody(body)
    if (push.kind === 'event') note(push.event.statusInfo.sessionId, push.event.eventType)
    else if (push.kind === 'fee') for (const fee of push.fees) note(fee.sessionId, 'fee')
  } catch (error) {
    fault(error instanceof Error ? error.message : String(error))
  }
}

/** Value of a header in a request head; names are compared without case. */
function headerOf(head: string, name: string): string | undefined {
  let start = head.indexOf('\r\n') + 2
  while (start < head.length) {
    let end = head.indexOf('\r\n', start)
    if (end < 0) end = head.length
    if (
      head.charAt(start + name.length) === ':' &&
      head.slice(start, start + name.length).toLowerCase() === name
    ) {
      return head.slice(start + name.length + 1, end).trim()
    }
    start = end + 2
  }
  return undefined
}

/** Takes whole requests off the front of what has arrived; answers the rest. */
function consume(socket: Socket, arrived: Buffer): Buffer {
  let rest = arrived
  for (;;) {
    const headEnd = rest.indexOf('\r\n\r\n')
    if (headEnd < 0) return rest
    const head = rest.toString('latin1', 0, headEnd)
    const length = Number(headerOf(head, 'content-length'))
    if (!Number.isInteger(length)) {
      fault('Content-Length is missing')
      socket.destroy()
      return Buffer.alloc(0)
    }
    const end = headEnd + 4 + length
    if (rest.length < end) return rest
    receive(head, rest.toString('utf8', headEnd + 4, end))
    socket.write(OK)
    rest = rest.subarray(end)
  }
}

const server = createServer({ noDelay: true }, (socket) => {
  connections++
  let pending: Buffer | undefined
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    const rest = consume(socket, pending ? Buffer.concat([pending, chunk]) : chunk)
    pending = rest.length > 0 ? rest : undefined
  })
})

function report(): string {
  let complete = 0
  const disconnectAndFee = (1 << RANK.disconnect) | (1 << RANK.fee)
  for (const seen of calls.values()) if ((seen & disconnectAndFee) === disconnectAndFee) complete++
  return JSON.stringify({
    requests,
    connections,
    counts,
    calls: calls.size,
    complete,
    duplicates,
    outOfOrder,
    faultCount,
    faults,
    cpuMs: Math.round((process.cpuUsage().user + process.cpuUsage().system) / 1000),
  })
}

function exit(): void {
  process.stdout.write(`${report()}\n`, () => process.exit(0))
}

process.on('SIGTERM', exit)
process.on('SIGINT', exit)
process.on('message', (message) => {
  if (message === 'exit') exit()
  if (message === 'report') process.send?.(JSON.parse(report()))
})
server.listen(Number(portArg), '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`)
})
