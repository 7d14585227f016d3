import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { CallFact, CallRecord } from '../calls/call-record.ts'
import type { E164 } from '../shared/e164.ts'
import type { Clock, EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import type { OutboxItem, OutboxStore } from './outbox.ts'

/** 2026-01-24 02:30:03 UTC. */
export const T0: EpochMs = Date.UTC(2026, 0, 24, 2, 30, 3)
export const MINUTE = 60_000

export type ManualClock = Clock & { advance(ms: number): void; readonly pending: number }

/** A clock whose hands the test turns; timers fire in order inside `advance`. */
export function createManualClock(start: EpochMs = T0): ManualClock {
  let now = start
  const timers = new Set<{ at: EpochMs; run: () => void }>()
  const earliest = (until: EpochMs) =>
    [...timers].filter((timer) => timer.at <= until).toSorted((a, b) => a.at - b.at)[0]
  return {
    now: () => now,
    setTimer(delayMs, run) {
      const timer = { at: now + delayMs, run }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
    advance(ms) {
      const until = now + ms
      for (let timer = earliest(until); timer; timer = earliest(until)) {
        timers.delete(timer)
        now = Math.max(now, timer.at)
        timer.run()
      }
      now = until
    },
    get pending() {
      return timers.size
    },
  }
}

export type MemoryOutbox = OutboxStore & {
  readonly rows: ReadonlyMap<number, OutboxItem>
  /** Commits rows as storage does and answers what `onCommitted` announces. */
  commit(...drafts: readonly Partial<OutboxItem>[]): readonly OutboxItem[]
  /** Makes the next calls of a method reject. */
  refuse(method: 'remove' | 'postpone' | 'due', times: number): void
  readonly removals: readonly (readonly number[])[]
}

export function createMemoryOutbox(clock: Clock): MemoryOutbox {
  const rows = new Map<number, OutboxItem>()
  const refusals = new Map<string, number>()
  const removals: (readonly number[])[] = []
  let lastId = 0
  async function gate(method: string): Promise<void> {
    await Promise.resolve()
    const left = refusals.get(method) ?? 0
    if (left === 0) return
    refusals.set(method, left - 1)
    throw new Error(`the disk refuses ${method}`)
  }
  return {
    rows,
    removals,
    commit(...drafts) {
      return drafts.map((draft) => {
        const item: OutboxItem = {
          id: ++lastId,
          appKey: 'demoKey',
          kind: 'event',
          url: 'http://192.0.2.1/status',
          sessionId: `s${lastId}`,
          body: `{"n":${lastId}}`,
          attempts: 0,
          dueAt: clock.now(),
          ...draft,
        }
        rows.set(item.id, item)
        return item
      })
    },
    refuse: (method, times) => void refusals.set(method, times),
    async due(at, limit) {
      await gate('due')
      return [...rows.values()]
        .filter((row) => row.dueAt <= at)
        .toSorted((a, b) => a.dueAt - b.dueAt || a.id - b.id)
        .slice(0, limit)
    },
    async nextDueAt(after) {
      const times = [...rows.values()].map((row) => row.dueAt).filter((dueAt) => dueAt > after)
      return times.length > 0 ? Math.min(...times) : undefined
    },
    async remove(ids) {
      await gate('remove')
      removals.push(ids)
      for (const id of ids) rows.delete(id)
    },
    async postpone(ids, { error: _error, ...change }) {
      await gate('postpone')
      for (const id of ids) {
        const row = rows.get(id)
        if (row) rows.set(id, { ...row, ...change })
      }
    },
  }
}

export type Received = {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly body: string
  readonly at: EpochMs
  readonly socket: Socket
}

/** How the receiver treats a push: a status (default 200), an optional wait, raw bytes, or a broken connection. */
export type Reaction = {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly after?: Promise<void>
  readonly drop?: boolean
  /** Written to the socket as it is, then closed unless `keepOpen`. */
  readonly raw?: string
  readonly keepOpen?: boolean
}

export type Receiver = {
  readonly url: string
  readonly received: Received[]
  react: (push: Received, index: number) => Reaction
  /** Connections that were opened so far. */
  readonly connections: number
  /** Resolves at the arrival of the `count`th push. */
  arrived(count: number): Promise<void>
  close(): Promise<void>
}

/** A customer's HTTP server on a free port that does as the test says. */
export async function createReceiver(clock: Clock, port = 0): Promise<Receiver> {
  const received: Received[] = []
  const waiters = new Set<() => void>()
  let connections = 0
  const http = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const push: Received = {
        path: request.url ?? '',
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        body: Buffer.concat(chunks).toString('utf8'),
        at: clock.now(),
        socket: request.socket,
      }
      received.push(push)
      const reaction = receiver.react(push, received.length - 1)
      for (const waiter of waiters) waiter()
      void answer(reaction)
    })
    async function answer(reaction: Reaction): Promise<void> {
      await reaction.after
      if (reaction.drop) return void request.socket.destroy()
      if (reaction.raw !== undefined) {
        request.socket.write(reaction.raw)
        if (!reaction.keepOpen) request.socket.end()
        return
      }
      response.writeHead(reaction.status ?? 200, reaction.headers)
      response.end(reaction.body ?? '')
    }
  })
  http.on('connection', () => connections++)
  http.keepAliveTimeout = 0
  http.listen(port, '127.0.0.1')
  await once(http, 'listening')
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    received,
    react: () => ({}),
    get connections() {
      return connections
    },
    arrived(count) {
      if (received.length >= count) return Promise.resolve()
      return new Promise((resolve) => {
        const ask = (): void => {
          if (received.length < count) return
          waiters.delete(ask)
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
  return receiver
}

/** Reads a signature header as an old deployed receiver does: split at commas, values by position. */
export function tokenByPosition(header: unknown) {
  if (typeof header !== 'string') throw new Error('the signature header is missing')
  const values = header.split(',').map((part) => part.slice(part.indexOf('"') + 1, part.lastIndexOf('"')))
  const [username = '', digest = '', nonce = '', created = ''] = values
  return { username, digest, nonce, created }
}

/** The digests, written from the documents and not from our code. */
export const expectedAksk = (secret: string, nonce: string, created: string): string =>
  createHmac('sha256', Buffer.from(secret, 'utf8'))
    .update(Buffer.from(nonce + created, 'utf8'))
    .digest()
    .toString('base64')
export const expectedWsse = (secret: string, nonce: string, created: string): string =>
  createHash('sha256')
    .update(Buffer.from(nonce + created + secret, 'utf8'))
    .digest()
    .toString('base64')

export function demoApp(change: Partial<App> = {}): App {
  return {
    key: 'demoKey',
    secret: 'demo secret',
    tenantId: 'demo',
    spId: 'demo_sp',
    name: 'demo',
    mode: 'AXB',
    status: 'normal',
    accountStatus: 'active',
    recordingEnabled: false,
    smsEnabled: false,
    allowFixedLineCaller: false,
    lenientUserData: false,
    ipAllowlist: [],
    statusUrl: 'http://192.0.2.1/status',
    cdrUrl: 'http://192.0.2.1/fee',
    pushSignature: 'aksk',
    verifyPushCertificate: true,
    ...change,
  }
}

const A = '+8613800000021' as E164
const B = '+8613800000022' as E164
const X = '+8617000000001' as E164

/** The call of spec/notifications.md section 5.5, as it is at arrival. */
export function demoRecord(change: Partial<CallRecord> = {}): CallRecord {
  return {
    sessionId: '1200_1827_4294967295_20260124023003@pn01.example',
    icid: '0123456789abcdef0123456789abcdef.3978210603.1001.5',
    hostName: 'pn01.example',
    appKey: 'demoKey',
    spId: 'demo_sp',
    direction: 1,
    serviceType: '004',
    subscriptionId: '1d39eaef-0000-4000-8000-000000000001',
    x: X,
    caller: A,
    callInAt: T0,
    ...change,
  }
}

export const forwarded = { display: X, callee: B, startAt: T0 } as const
export const rung = { ...forwarded, alertingAt: T0 + 1_000 } as const
export const answered = { ...rung, answerAt: T0 + 3_000 } as const
export const ended = { at: T0 + 19_000, releaseCode: 0, q850: 0, sipStatus: 0 } as const

export const fact = (event: CallFact['event'], record: CallRecord, at: EpochMs = T0): CallFact => ({
  event,
  record,
  at,
})
