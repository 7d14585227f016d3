import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { signHeaders } from '@maskline/server'
import { nodeFlags } from '../scripts/node24.mjs'
import { startPeer } from '../e2e/support/peer-process.ts'
import { waitFor } from '../e2e/support/wait.ts'
import { runHttpLoad, type HttpLoadResult } from './support/http-load.ts'
import { benchPairs } from './support/parties.ts'
import { cpuSeconds } from './support/process-tree.ts'

export type ApiBenchOptions = {
  readonly seconds: number
  readonly connections: number
  readonly log?: (line: string) => void
}

export type ApiRow = HttpLoadResult & {
  readonly operation: string
  /** CPU of the server for one request, microseconds, its share of background work included. */
  readonly cpuUs: number
}

const AXB_PATH = '/rest/caas/relationnumber/partners/v1.0'
const APP = { key: 'bench', secret: 'bench-secret' }
const ADDRESS = '127.0.7.4'
/** An X takes 5,000 pairs: room for half a million binds. */
const X_NUMBERS = 100

/** Binds, queries and unbinds a second over kept-alive HTTP against the whole platform in a process of its own. */
export async function benchApi(options: ApiBenchOptions): Promise<readonly ApiRow[]> {
  const script = join(import.meta.dirname, 'maskline-server.ts')
  const args = [
    ...nodeFlags,
    ...process.execArgv,
    script,
    '--pairs',
    `${X_NUMBERS}`,
    '--address',
    ADDRESS,
    '--secret',
    APP.secret,
    '--sip-port',
    '5461',
  ]
  const server = await startPeer({ command: process.execPath, args })
  try {
    await waitFor(() => server.ended() !== undefined || /^\{.*\}$/m.test(server.output()), {
      what: "Maskline's ready line",
      timeoutMs: 60_000,
      detail: server.output,
    })
    const ready = JSON.parse(/^\{.*\}$/m.exec(server.output())?.[0] ?? '{}') as { api?: { httpPort: number } }
    if (ready.api === undefined) throw new Error(`Maskline ended at its start:\n${server.output()}`)
    return await measureAll(server.pid, ready.api.httpPort, options)
  } finally {
    await server.stop('SIGTERM')
  }
}

async function measureAll(pid: number, port: number, options: ApiBenchOptions): Promise<readonly ApiRow[]> {
  const ids: string[] = []
  const noteId = (body: string) => {
    const id = /"subscriptionId":"([^"]+)"/.exec(body)?.[1]
    if (id !== undefined) ids.push(id)
  }
  const measure = async (
    operation: string,
    seconds: number,
    next: () => string | undefined,
    seen?: typeof noteId,
  ) => {
    const before = cpuSeconds([pid])
    const { connections } = options
    const result = await runHttpLoad({
      host: '127.0.0.1',
      port,
      connections,
      seconds,
      next,
      ...(seen && { seen }),
    })
    const row = { operation, ...result, cpuUs: ((cpuSeconds([pid]) - before) / result.requests) * 1e6 }
    options.log?.(formatRow(row))
    return row
  }
  const binds = bindRequests()
  const { seconds } = options
  await runHttpLoad({ host: '127.0.0.1', port, connections: 4, seconds: 1, next: binds })

  const rows = [await measure('bind, X given', seconds, binds, noteId)]
  let at = 0
  const anId = () => ids[(at += 7919) % ids.length]
  rows.push(await measure('query by id', seconds, () => signedRequest('GET', `?subscriptionId=${anId()}`)))
  const x = benchPairs(X_NUMBERS)
  const byParty = () => {
    const pair = x[(at += 7) % x.length]!
    return signedRequest('GET', `?relationNum=%2B${pair.x.slice(1)}&callerNum=%2B${pair.caller.slice(1)}`)
  }
  rows.push(await measure('query by X and A', seconds, byParty))
  rows.push(await measure('bind, X by area', seconds, bindRequests('areaCode')))
  const nextUnbind = () => {
    const id = ids.pop()
    return id === undefined ? undefined : signedRequest('DELETE', `?subscriptionId=${id}`)
  }
  rows.push(await measure('unbind by id', seconds, nextUnbind))
  return rows
}

/** Binds of pairs that are never used twice, X in turn or picked by the platform. */
function bindRequests(by: 'relationNum' | 'areaCode' = 'relationNum'): () => string {
  const xs = benchPairs(X_NUMBERS).map((pair) => pair.x)
  const prefixes = by === 'relationNum' ? ['135', '136'] : ['157', '158']
  let n = 0
  return () => {
    n += 1
    const [callerNum, calleeNum] = prefixes.map((prefix) => `+86${prefix}${String(n).padStart(8, '0')}`)
    const where = by === 'relationNum' ? { relationNum: xs[n % xs.length] } : { areaCode: '0755' }
    return signedRequest(
      'POST',
      '',
      JSON.stringify({ callerNum, calleeNum, ...where, duration: 3600, userData: `order ${n}` }),
    )
  }
}

let nonce = 0

function signedRequest(method: string, query: string, body = ''): string {
  nonce += 1
  const headers = signHeaders({
    scheme: 'AKSK',
    ...APP,
    now: Date.now(),
    nonce: String(nonce).padStart(32, '0'),
  })
  let head = `${method} ${AXB_PATH}${query} HTTP/1.1\r\nHost: api.example\r\nConnection: keep-alive\r\n`
  for (const name in headers) head += `${name}: ${headers[name]}\r\n`
  if (body !== '') head += `Content-Length: ${body.length}\r\n`
  return `${head}\r\n${body}`
}

function formatRow(row: ApiRow): string {
  const failed = row.failed > 0 ? `  ${row.failed} FAILED` : ''
  return (
    `${row.operation.padEnd(18)} ${String(row.perSecond).padStart(7)}/s  ` +
    `p50 ${row.p50Ms.toFixed(1)} ms  p99 ${row.p99Ms.toFixed(1)} ms  ${row.cpuUs.toFixed(0)} us CPU${failed}`
  )
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '6' },
      connections: { type: 'string', default: '32' },
      json: { type: 'boolean', default: false },
    },
  })
  const rows = await benchApi({
    seconds: Number(values.seconds),
    connections: Number(values.connections),
    log: (line) => console.error(line),
  })
  if (values.json) console.log(JSON.stringify(rows, undefined, 2))
}
