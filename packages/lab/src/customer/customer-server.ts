import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parsePushBody } from './push-body.ts'
import type { CallEvent, FeeInfo, NumInfo } from './push-body.ts'
import { checkSignature } from './signature.ts'
import type { SmsEvent } from './sms-body.ts'

/** A POST as it arrived; `path` includes the query. */
export type ReceivedPush = {
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** APP_Key that signed; absent when the signature is not valid. */
  readonly app?: string
  /** What the customer answered; absent when the connection was dropped. */
  readonly status?: number
}

/** How to treat a push instead of answering 200; the first rule that matches is used. */
export type Misbehaviour = {
  readonly when?: (push: ReceivedPush) => boolean
  /** How many pushes it applies to; absent: until `behave()`. */
  readonly times?: number
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** The answer waits for this. */
  readonly until?: Promise<void>
  /** Breaks the connection without an answer. */
  readonly drop?: boolean
}

export type CustomerServerOptions = {
  readonly port?: number
  readonly host?: string
  /** APP_Secret by APP_Key. */
  readonly apps: Readonly<Record<string, string>>
  /** The customer's clock, ms; by default the machine's. */
  readonly now?: () => number
}

/** A customer's notification receiver in a box: strict about what it gets, obedient about how it answers. */
export type CustomerServer = {
  /** `http://127.0.0.1:<port>`; any path under it takes pushes. */
  readonly url: string
  readonly port: number
  /** Everything below is in the order of arrival. */
  readonly pushes: readonly ReceivedPush[]
  /** Events and CDR records that were valid and answered with 2xx. */
  readonly events: readonly CallEvent[]
  readonly fees: readonly FeeInfo[]
  readonly states: readonly NumInfo[]
  /** SMS that it was told of (`Notify`) or asked about (`Block`). */
  readonly sms: readonly SmsEvent[]
  /** What was wrong with pushes: signature, headers, body. A correct platform leaves this empty. */
  readonly faults: readonly string[]
  /** How X-mode callins are answered from now on: the JSON of `connect` or `close`. Default: an empty body. */
  decide(answer: (callin: CallEvent) => object): void
  /** How questions about SMS are answered from now on: the JSON of `actions`. Default: an empty body. */
  decideSms(answer: (asked: SmsEvent) => object): void
  misbehave(rule: Misbehaviour): void
  /** Forgets all rules: answers 200 again. */
  behave(): void
  /** Resolves once the predicate holds; it is asked after every push. Rejects with `what` after `timeoutMs`. */
  waitFor(predicate: (server: CustomerServer) => boolean, what?: string, timeoutMs?: number): Promise<void>
  close(): Promise<void>
}

export async function createCustomerServer(options: CustomerServerOptions): Promise<CustomerServer> {
  const { host = '127.0.0.1', now = Date.now } = options
  const secrets = new Map(Object.entries(options.apps))
  const pushes: ReceivedPush[] = []
  const events: CallEvent[] = []
  const fees: FeeInfo[] = []
  const states: NumInfo[] = []
  const sms: SmsEvent[] = []
  let decision: ((callin: CallEvent) => object) | undefined
  let smsDecision: ((asked: SmsEvent) => object) | undefined
  const faults: string[] = []
  const rules: { rule: Misbehaviour; left: number }[] = []
  const waiters = new Set<() => void>()

  const http = createServer((request, response) => {
    void receive(request, response) // Never rejects: what goes wrong is a fault of the push.
  })
  http.listen(options.port ?? 0, host)
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body: string
    try {
      body = await readBody(request)
    } catch {
      faults.push('the push broke off before its end')
      return tellWaiters()
    }
    const { headers } = request
    for (const fault of headerFaults(request, body)) faults.push(fault)
    const signature = checkSignature((name) => single(headers[name]), secrets, now())
    if ('fault' in signature) faults.push(signature.fault)
    const app = 'app' in signature ? signature.app : undefined
    const seen: ReceivedPush = { path: request.url ?? '', headers, body, ...(app !== undefined && { app }) }
    const rule = takeRule(seen)
    const status = rule?.status ?? 200
    pushes.push(rule?.drop ? seen : { ...seen, status })
    const decide = keep(body, !rule?.drop && status >= 200 && status < 300)
    tellWaiters()
    await rule?.until
    if (rule?.drop) return void request.socket.destroy()
    const decided = decide?.()
    const answer = rule?.body ?? (decided === undefined ? '' : JSON.stringify(decided))
    response.writeHead(status, { 'Content-Length': Buffer.byteLength(answer), ...rule?.headers })
    response.end(answer)
  }

  /** Keeps what a push tells; of one that asks for a decision it gives what decides. */
  function keep(body: string, accepted: boolean): (() => object | undefined) | undefined {
    try {
      const push = parsePushBody(body)
      if (!accepted) return undefined
      if (push.kind === 'fee') fees.push(...push.fees)
      else if (push.kind === 'numStatus') states.push(...push.states)
      else if (push.kind === 'sms') {
        sms.push(push.sms)
        if (push.sms.notificationMode === 'Block') return () => smsDecision?.(push.sms)
      } else {
        events.push(push.event)
        if (push.event.statusInfo.notifyMode === 'Block') return () => decision?.(push.event)
      }
    } catch (error) {
      faults.push(error instanceof Error ? error.message : String(error))
    }
    return undefined
  }

  function takeRule(push: ReceivedPush): Misbehaviour | undefined {
    const index = rules.findIndex(({ rule }) => rule.when?.(push) ?? true)
    const found = rules[index]
    if (found && --found.left <= 0) rules.splice(index, 1)
    return found?.rule
  }

  function tellWaiters(): void {
    for (const waiter of waiters) waiter()
  }

  const server: CustomerServer = {
    url: `http://${host}:${port}`,
    port,
    pushes,
    events,
    fees,
    states,
    sms,
    faults,
    decide: (answer) => void (decision = answer),
    decideSms: (answer) => void (smsDecision = answer),
    misbehave: (rule) => void rules.push({ rule, left: rule.times ?? Number.POSITIVE_INFINITY }),
    behave: () => void rules.splice(0),
    waitFor(predicate, what = 'the customer server waited in vain', timeoutMs = 10_000) {
      if (predicate(server)) return Promise.resolve()
      return new Promise((resolve, reject) => {
        const stop = (): void => {
          waiters.delete(ask)
          clearTimeout(timer)
        }
        const timer = setTimeout(() => {
          stop()
          reject(
            new Error(
              `${what}: ${events.length} events, ${fees.length} CDRs, ${sms.length} SMS, faults: ${faults.join('; ')}`,
            ),
          )
        }, timeoutMs)
        const ask = (): void => {
          if (!predicate(server)) return
          stop()
          resolve()
        }
        waiters.add(ask)
      })
    },
    async close() {
      const closed = once(http, 'close')
      http.close()
      http.closeAllConnections()
      await closed
    },
  }
  return server
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** What must hold of every push besides signature and body (spec/notifications.md section 2). */
function* headerFaults(request: IncomingMessage, body: string): Generator<string> {
  const { headers } = request
  if (request.method !== 'POST') yield `method is ${request.method}`
  if (headers['content-type'] !== 'application/json;charset=UTF-8')
    yield `Content-Type is ${headers['content-type']}`
  if (headers['transfer-encoding'] !== undefined) yield 'the body is chunked'
  if (headers['content-length'] !== String(Buffer.byteLength(body))) yield 'Content-Length is wrong'
}

const single = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value
