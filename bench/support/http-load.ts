import { connect, type Socket } from 'node:net'

export type HttpLoad = {
  readonly host: string
  readonly port: number
  /** Kept-alive connections, each with one request under way. */
  readonly connections: number
  readonly seconds: number
  /** Bytes of the next request; undefined ends the run early. */
  next(): string | undefined
  /** Sees the body of every answer. */
  seen?(body: string): void
}

export type HttpLoadResult = {
  readonly requests: number
  /** Answers with a status other than 200. */
  readonly failed: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/**
 * Sends requests as fast as the answers come, without pipelining. Sockets and hand-cut answers instead of an HTTP
 * client: the generator must cost less than the server it measures.
 */
export async function runHttpLoad(load: HttpLoad): Promise<HttpLoadResult> {
  const delaysMs: number[] = []
  let failed = 0
  const startedAt = performance.now()
  const endsAt = startedAt + load.seconds * 1000
  await Promise.all(
    Array.from({ length: load.connections }, () =>
      runConnection(load, endsAt, (status, body, ms) => {
        delaysMs.push(ms)
        if (status !== 200) failed += 1
        load.seen?.(body)
      }),
    ),
  )
  const seconds = (performance.now() - startedAt) / 1000
  const sorted = Float64Array.from(delaysMs).sort()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return {
    requests: sorted.length,
    failed,
    perSecond: Math.round(sorted.length / seconds),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
  }
}

type OnAnswer = (status: number, body: string, ms: number) => void

function runConnection({ host, port, next }: HttpLoad, endsAt: number, onAnswer: OnAnswer): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = ''
    let sentAt = 0
    let done = false
    const socket: Socket = connect(port, host)
    const send = () => {
      const request = performance.now() < endsAt ? next() : undefined
      if (request === undefined) {
        done = true
        return socket.end()
      }
      sentAt = performance.now()
      socket.write(request, 'latin1')
    }
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    socket.on('connect', send)
    socket.on('data', (chunk) => {
      received += chunk.toString()
      const answer = cutAnswer(received)
      if (answer === undefined) return
      received = ''
      onAnswer(answer.status, answer.body, performance.now() - sentAt)
      send()
    })
    socket.on('error', reject)
    socket.on('close', () =>
      done ? resolve() : reject(new Error('the server closed a connection in the middle of the load')),
    )
  })
}

/** The answer in `text` once it is whole; it has a Content-Length. */
export function cutAnswer(text: string): { readonly status: number; readonly body: string } | undefined {
  const head = text.indexOf('\r\n\r\n')
  if (head === -1) return undefined
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head))?.[1])
  const body = text.slice(head + 4)
  return body.length < length ? undefined : { status: Number(text.slice(9, 12)), body }
}
