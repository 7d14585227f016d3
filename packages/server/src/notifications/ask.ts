import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { CustomerAnswer } from '../bindings/route.ts'
import type { CallRecord } from '../calls/call-record.ts'
import type { Clock, EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import { parsePushUrl } from './push-url.ts'
import { eventBody } from './pushes.ts'
import { signingHeaders } from './signing.ts'

/** The largest answer that is read, bytes: a documented one stays under 2 kB. */
const LARGEST_ANSWER = 64 * 1024

/** Asks customers' servers and waits for their answers (Block mode of X, spec/x.md sections 2 to 4). */
export type Asker = {
  /** Posts the callin of a call once, never again. Never rejects. */
  ask(record: CallRecord, app: App, url: string, at: EpochMs, timeoutMs: number): Promise<CustomerAnswer>
  /** Posts any other question once, never again (Block of SMS, spec/sms.md section 5). Never rejects. */
  post(body: string, app: App, url: string, timeoutMs: number): Promise<CustomerAnswer>
  /** Breaks what is under way. */
  close(): void
}

/**
 * A question is rare beside pushes and its answer matters, so Node's own client carries it, on a connection of its own:
 * one that the server has just closed must not cost the call.
 */
export function createAsker(clock: Clock): Asker {
  const http = new HttpAgent({ keepAlive: false })
  const https = new HttpsAgent({ keepAlive: false, maxCachedSessions: 1_000 })
  const open = new Set<() => void>()

  const post: Asker['post'] = (body, app, url, timeoutMs) =>
    new Promise((resolve) => {
      const target = parsePushUrl(url)
      if ('fault' in target) return resolve({ kind: 'failed', why: target.fault })
      const isTls = target.origin.startsWith('https:')
      const send = isTls ? requestHttps : requestHttp
      const { hostname, port } = new URL(target.origin)
      const request = send({
        agent: isTls ? https : http,
        host: hostname.replace(/^\[|\]$/g, ''),
        ...(port !== '' && { port }),
        method: 'POST',
        path: target.path,
        setDefaultHeaders: false,
        headers: [
          'Host',
          new URL(target.origin).host,
          ...signingHeaders(app, clock.now()),
          'Content-Type',
          'application/json;charset=UTF-8',
          'Content-Length',
          String(Buffer.byteLength(body)),
          'Connection',
          'close',
        ],
        ...(isTls && { rejectUnauthorized: app.verifyPushCertificate }),
      })
      const settle = (answer: CustomerAnswer): void => {
        timer.cancel()
        open.delete(abandon)
        resolve(answer)
        request.destroy()
      }
      const fail = (why: string): void => settle({ kind: 'failed', why })
      const abandon = (): void => fail('the platform stops')
      const timer = clock.setTimer(timeoutMs, () => fail('no whole answer in time'))
      open.add(abandon)
      request.on('response', (response) => collect(response, settle, fail))
      request.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message))
      request.end(body)
    })

  return {
    post,
    ask: (record, app, url, at, timeoutMs) =>
      post(eventBody({ record, event: 'callin', at }, app), app, url, timeoutMs),
    close() {
      for (const abandon of open) abandon()
      http.destroy()
      https.destroy()
    },
  }
}

/** Reads an answer whole; one that is too long or breaks off is none. */
function collect(
  response: IncomingMessage,
  settle: (answer: CustomerAnswer) => void,
  fail: (why: string) => void,
): void {
  const chunks: Buffer[] = []
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > LARGEST_ANSWER) fail(`the answer is longer than ${LARGEST_ANSWER} bytes`)
  })
  response.on('end', () =>
    settle({
      kind: 'answer',
      status: response.statusCode ?? 0,
      body: Buffer.concat(chunks).toString('utf8'),
    }),
  )
  response.on('error', (error) => fail(error.message))
  response.on('aborted', () => fail('the answer breaks off'))
}
