import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { encode } from '@maskline/smpp'
import { listenFault } from '../shared/listen-fault.ts'
import type { Log } from '../shared/log.ts'
import type { Clock } from '../shared/time.ts'
import type { CarrierHandlers, DeliveryReceipt, IncomingPart } from './carrier.ts'

export type WebhookOptions = {
  readonly host: string
  /** 0 = a free one. */
  readonly port: number
  /** By the name of the aggregator. */
  readonly aggregators: ReadonlyMap<
    string,
    { readonly token: string; readonly handlers: Pick<CarrierHandlers, 'onPart' | 'onReceipt'> }
  >
  readonly clock: Clock
  readonly log: Log
}

/** Where aggregators hand in what people send to X, and receipts (docs/reference/sms-http.md). */
export type Webhook = { readonly port: number; close(): Promise<void> }

const LARGEST_BODY = 64 * 1024
const PATH = /^\/v1\/sms\/([^/?]+)\/(messages|receipts)$/

/** Throws AppError `SMS_LISTEN` when the port cannot be had. */
export async function startWebhook(options: WebhookOptions): Promise<Webhook> {
  const { host, port, aggregators, clock, log } = options

  const handle = async (request: IncomingMessage): Promise<Answer> => {
    const [, encoded = '', what] = PATH.exec(request.url ?? '') ?? []
    if (what === undefined) return refuse(404, 'there is nothing here; see POST /v1/sms/NAME/messages')
    if (request.method !== 'POST') return refuse(405, 'POST only')
    const aggregator = aggregators.get(nameOf(encoded))
    // One answer for a wrong name and a wrong token: names are not told.
    if (!aggregator || !isToken(request.headers.authorization, aggregator.token))
      return refuse(401, 'the header Authorization: Bearer TOKEN is missing or wrong')
    const body = await read(request)
    if (body === undefined) return refuse(413, `the body has more than ${LARGEST_BODY} bytes`)
    const { handlers } = aggregator
    if (what === 'messages') {
      const part = partIn(body, clock.now())
      if (typeof part === 'string') return refuse(400, part)
      await handlers.onPart(part)
    } else {
      const receipt = receiptIn(body)
      if (typeof receipt === 'string') return refuse(400, receipt)
      await handlers.onReceipt(receipt)
    }
    return { status: 204 }
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let { status, error }: Answer = refuse(503, 'it could not be stored; try again')
    try {
      ;({ status, error } = await handle(request))
    } catch (fault) {
      log.error({ err: fault }, 'what an aggregator handed in could not be stored; it is to try again')
    }
    response.writeHead(status, error === undefined ? {} : { 'content-type': 'application/json' })
    response.end(error === undefined ? undefined : JSON.stringify({ error }))
  }

  const server = createServer((request, response) => void answer(request, response))
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (cause) {
    const place = {
      who: 'the webhook for SMS',
      address: host,
      port,
      addressSetting: 'sms.http.host (MASKLINE_SMS_HTTP_HOST)',
      portSetting: 'sms.http.port (MASKLINE_SMS_HTTP_PORT)',
    }
    throw listenFault('SMS_LISTEN', place, cause)
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close()
      server.closeIdleConnections()
      await once(server, 'close')
    },
  }
}

type Answer = { readonly status: number; readonly error?: string }

const refuse = (status: number, error: string): Answer => ({ status, error })

function nameOf(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return ''
  }
}

/** Compares in a time that tells nothing of the token. */
function isToken(authorization: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${token}`))
}

async function read(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= LARGEST_BODY) chunks.push(chunk)
  }
  return bytes <= LARGEST_BODY ? Buffer.concat(chunks).toString('utf8') : undefined
}

type Json = Readonly<Record<string, unknown>>

function objectIn(body: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Json) : undefined
  } catch {
    return undefined
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** The SMS in a body, or what is wrong with it. */
function partIn(body: string, receivedAt: number): IncomingPart | string {
  const json = objectIn(body)
  if (!json) return 'the body must be a JSON object'
  const { id, from, to, text } = json
  if (!isText(from)) return 'from must be the number of the sender'
  if (!isText(to)) return 'to must be the number that it was sent to'
  if (typeof text !== 'string') return 'text must be the text, whole'
  if (id !== undefined && !isText(id)) return 'id must be a text'
  return {
    from,
    to,
    userData: encode(text, 'ucs2'),
    coding: 'ucs2',
    receivedAt,
    ...(id !== undefined && { id }),
  }
}

const STATES: readonly DeliveryReceipt['state'][] = [
  'delivered',
  'expired',
  'deleted',
  'undeliverable',
  'rejected',
  'unknown',
]

function receiptIn(body: string): DeliveryReceipt | string {
  const json = objectIn(body)
  if (!json) return 'the body must be a JSON object'
  const { messageId, error } = json
  const state = STATES.find((known) => known === json.state)
  if (!isText(messageId)) return 'messageId must be the id that the text was taken under'
  if (state === undefined) return `state must be one of ${STATES.join(', ')}`
  return { messageId, state, ...(isText(error) && { error }) }
}
