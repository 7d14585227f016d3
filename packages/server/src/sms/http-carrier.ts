import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { Clock } from '../shared/time.ts'
import type { OutgoingPart, SmsCarrier, SubmitOutcome } from './carrier.ts'

/** An aggregator that is spoken to over HTTP (docs/reference/sms-http.md). */
export type HttpCarrierOptions = {
  readonly name: string
  /** Where texts are posted to. */
  readonly url: string
  /** Bearer token that the aggregator wants. */
  readonly token?: string
  /** For the whole exchange, ms. */
  readonly timeoutMs: number
  readonly clock: Clock
}

/** The largest answer that is read, bytes. */
const LARGEST_ANSWER = 64 * 1024

/**
 * Sends texts by POST, each on a connection of its own: on one that is kept, a break would not tell whether the text had left. The id
 * of a text goes along as `Idempotency-Key`.
 */
export function createHttpCarrier(options: HttpCarrierOptions): SmsCarrier {
  const { name, token, timeoutMs, clock } = options
  const url = new URL(options.url)
  const isTls = url.protocol === 'https:'
  const agent = isTls ? new HttpsAgent({ maxCachedSessions: 1_000 }) : new HttpAgent()
  const open = new Set<() => void>()

  const submit = (part: OutgoingPart): Promise<SubmitOutcome> =>
    new Promise((resolve) => {
      const body = JSON.stringify({ id: part.id, from: part.from, to: part.to, text: part.text })
      let hasLeft = false
      const request = (isTls ? requestHttps : requestHttp)(url, {
        agent,
        method: 'POST',
        headers: {
          'content-type': 'application/json;charset=UTF-8',
          'content-length': Buffer.byteLength(body),
          'idempotency-key': part.id,
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
      })
      const settle = (outcome: SubmitOutcome): void => {
        timer.cancel()
        open.delete(breakOff)
        resolve(outcome)
        request.destroy()
      }
      const breakOff = (): void => settle({ state: hasLeft ? 'unknown' : 'unsent' })
      const timer = clock.setTimer(timeoutMs, breakOff)
      open.add(breakOff)
      // Only a connection that stands can carry anything away.
      request.on('socket', (socket) =>
        socket.once(isTls ? 'secureConnect' : 'connect', () => {
          if (!open.has(breakOff)) return
          hasLeft = true
          request.end(body)
        }),
      )
      request.on('error', breakOff)
      request.on(
        'response',
        (response) => void read(response).then((text) => settle(outcomeOf(response, text, part)), breakOff),
      )
    })

  return {
    name,
    takes: 'texts',
    submit,
    close() {
      for (const breakOff of [...open]) breakOff()
      agent.destroy()
      return Promise.resolve()
    },
  }
}

/** Reads an answer whole; rejects when it breaks off or is too long. */
async function read(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > LARGEST_ANSWER) throw new Error(`an answer of more than ${LARGEST_ANSWER} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Statuses that say: not now. */
const NOT_NOW: ReadonlySet<number> = new Set([408, 425, 429, 503])

/** 2xx takes the text, under the id it gives or else ours; 4xx refuses it; what else a server says leaves open what it did. */
function outcomeOf(
  { statusCode: status = 0 }: IncomingMessage,
  body: string,
  { id }: OutgoingPart,
): SubmitOutcome {
  if (status >= 200 && status < 300) return { state: 'accepted', messageId: messageIdIn(body) ?? id }
  if (NOT_NOW.has(status)) return { state: 'refused', status, temporary: true }
  if (status >= 300 && status < 500) return { state: 'refused', status, temporary: false }
  return { state: 'unknown' }
}

function messageIdIn(body: string): string | undefined {
  try {
    const { messageId } = JSON.parse(body) as { readonly messageId?: unknown }
    return typeof messageId === 'string' && messageId !== '' ? messageId : undefined
  } catch {
    return undefined
  }
}
