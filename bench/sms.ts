import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type PeerProcess, startPeer } from '../e2e/support/peer-process.ts'
import {
  axbApp,
  callApi,
  pickPorts,
  type PlatformProcess,
  seed,
  startServe,
} from '../e2e/support/platform-process.ts'
import { makeTempDir } from '../e2e/support/temp-dir.ts'
import { AXB } from '../e2e/support/trunk-lab.ts'
import { waitFor } from '../e2e/support/wait.ts'
import type { SmsTally } from './sms/tally.ts'
import { figure, markdownTable } from './support/markdown.ts'
import { benchPairs } from './support/parties.ts'
import { cpuSeconds } from './support/process-tree.ts'

export type SmsBenchOptions = {
  readonly messages: number
  /** SMS under way between the SMSC and the platform. */
  readonly window: number
  /** The platform dies as by `kill -9` when half of the SMS were acknowledged, and is started again. */
  readonly restart: boolean
  /** SMS beforehand, which do not count. */
  readonly warmUp: number
  readonly log?: (line: string) => void
}

export type SmsBenchResult = {
  readonly messages: number
  readonly restart: boolean
  /** From the first SMS handed in until the last has reached its receiver and the customer was told, the restart included. */
  readonly seconds: number
  readonly perSecond: number
  /** CPU of the platform for one SMS, milliseconds: all threads. Absent with a restart. */
  readonly cpuMs: number | undefined
  readonly tally: SmsTally
}

type Progress = { readonly acknowledged: number; readonly told: number }

const ENVIRONMENT = { MASKLINE_LOG_LEVEL: 'error', MASKLINE_APP_RATE: '0', MASKLINE_PLATFORM_RATE: '0' }
const PAIRS = 100
const SECRET = 'secret-of-the-app'
/** SMS that wait for the next attempt after a restart come by then. */
const SETTLE_MS = 60_000

/**
 * SMS from handsets through X to handsets: MO over SMPP, stored, looked up, stored again, MT over SMPP, pushed to the customer as a
 * Notify. The platform is `maskline serve` in a process of its own; SMSC and customer are in another one (bench/sms/load.ts).
 */
export async function benchSms(options: SmsBenchOptions): Promise<SmsBenchResult> {
  const { messages, restart, warmUp, log = () => {} } = options
  const all = messages + warmUp
  const dir = makeTempDir('bench-sms')
  let platform: PlatformProcess | undefined
  let load: PeerProcess | undefined
  try {
    load = await startLoad(all, options.window)
    const { smppPort, httpPort } = await lineOf<{ smppPort: number; httpPort: number }>(load, 'ready')
    const customer = `http://127.0.0.1:${httpPort}`
    const pairs = benchPairs(PAIRS)
    const app = axbApp(SECRET, customer, {
      smsEnabled: true,
      smsNotifyUrl: `${customer}/sms`,
      smsContentInNotify: true,
    })
    await seed(
      dir.path,
      app,
      pairs.map(({ x }) => x),
    )
    const ports = await pickPorts()
    const start = (): Promise<PlatformProcess> =>
      startServe(dir.path, ports, { config: configFor(smppPort), env: ENVIRONMENT })
    platform = await start()
    for (const { caller: callerNum, callee: calleeNum, x: relationNum } of pairs) {
      const bound = await callApi(ports.http, app, 'POST', AXB, { callerNum, calleeNum, relationNum })
      if (bound['resultcode'] !== '0') throw new Error(`cannot bind: ${JSON.stringify(bound)}`)
    }

    load.signal('SIGUSR1')
    await until(load, ({ acknowledged }) => acknowledged >= warmUp)
    const from = { at: performance.now(), cpu: cpuSeconds([platform.peer.pid]), seen: progressOf(load)! }
    if (restart) {
      await until(load, ({ acknowledged }) => acknowledged >= warmUp + messages / 2)
      await platform.kill()
      log('killed; started again')
      platform = await start()
    }
    await lineOf(load, 'handedIn')
    await until(load, ({ told }) => told >= all)
    const seconds = (performance.now() - from.at) / 1000
    const counted = all - from.seen.told
    const cpuMs = restart ? undefined : ((cpuSeconds([platform.peer.pid]) - from.cpu) * 1000) / counted
    // What should not come has a little time to come.
    await platform.stop()
    await load.stop('SIGTERM')
    const tally = await lineOf<SmsTally>(load, 'tally')
    return { messages: all, restart, seconds, perSecond: counted / seconds, cpuMs, tally }
  } finally {
    await platform?.kill()
    await load?.stop('SIGKILL')
    dir.remove()
  }
}

const configFor = (port: number): object => ({
  sms: {
    smscs: [
      {
        name: 'bench',
        hosts: [{ host: '127.0.0.1', port }],
        systemId: 'bench',
        password: 'bench',
        window: 200,
      },
    ],
  },
})

function startLoad(messages: number, window: number): Promise<PeerProcess> {
  const args = [
    '--disable-warning=ExperimentalWarning',
    join(import.meta.dirname, 'sms/load.ts'),
    ...['--messages', `${messages}`, '--window', `${window}`, '--pairs', `${PAIRS}`],
  ]
  return startPeer({ command: process.execPath, args })
}

/** The value of the last line `{"NAME":VALUE}` once there is one. */
async function lineOf<T>(load: PeerProcess, name: string): Promise<T> {
  const pattern = new RegExp(`^\\{"${name}":(.*)\\}$`, 'm')
  const line = await waitFor(() => pattern.exec(load.output())?.[1] ?? alive(load), {
    what: `the load to say ${name}`,
    detail: load.output,
    timeoutMs: 600_000,
  })
  return JSON.parse(line) as T
}

function progressOf(load: PeerProcess): Progress | undefined {
  const last = load
    .output()
    .match(/^\{"progress":.*\}$/gm)
    ?.at(-1)
  return last === undefined ? undefined : (JSON.parse(last) as { progress: Progress }).progress
}

/** Until it holds, or nothing has gone on for so long that it never will: the tally says what lacks. */
async function until(load: PeerProcess, holds: (progress: Progress) => boolean): Promise<void> {
  let seen = ''
  let since = performance.now()
  await waitFor(
    () => {
      const progress = progressOf(load) ?? alive(load)
      if (!progress) return false
      const now = JSON.stringify(progress)
      if (now !== seen) since = performance.now()
      seen = now
      return holds(progress) || performance.now() - since > SETTLE_MS
    },
    { what: 'the load to go on', detail: load.output, timeoutMs: 900_000, pollMs: 20 },
  )
}

function alive(load: PeerProcess): undefined {
  if (load.ended() !== undefined) throw new Error(`the load ended:\n${load.output()}`)
  return undefined
}

/** What is wrong; empty when every SMS that was acknowledged went out once or was told as failed once. */
export function smsFaults({ messages, restart, tally }: SmsBenchResult): string[] {
  const faults = [...tally.faults]
  if (tally.acknowledged !== messages) faults.push(`${messages - tally.acknowledged} SMS were never taken`)
  if (!restart && tally.delivered !== messages)
    faults.push(`${messages - tally.delivered} SMS did not go out`)
  return faults
}

export function renderSms(results: readonly SmsBenchResult[]): string {
  const head = [
    'SMS',
    'MO→MT a second',
    'CPU ms each',
    'went out once',
    'told as failed',
    'told as unknown',
    'repeated by the SMSC',
    'lost',
    'twice',
  ]
  const rows = results.map(({ messages, restart, perSecond, cpuMs, tally }) => [
    `${messages}${restart ? ', killed half-way' : ''}`,
    figure(perSecond, 0),
    figure(cpuMs),
    `${tally.delivered}`,
    `${tally.toldAsFailed}`,
    `${tally.unsure}`,
    `${tally.repeated}`,
    `${tally.lost}`,
    `${tally.twice}`,
  ])
  return markdownTable(head, rows)
}

/**
 * `npm run bench:sms [-- --messages 100000 --window 200 --restart]`: how many SMS go through a second. Ends with 1 when one was lost,
 * went out twice or was told twice; with `--restart` although the platform dies half-way.
 */
if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      messages: { type: 'string', default: '100000' },
      window: { type: 'string', default: '200' },
      restart: { type: 'boolean', default: false },
    },
  })
  const result = await benchSms({
    messages: Number(values.messages),
    window: Number(values.window),
    warmUp: 5_000,
    restart: values.restart,
    log: (line) => console.error(line),
  })
  console.log(renderSms([result]))
  for (const fault of smsFaults(result)) {
    console.error(fault)
    process.exitCode = 1
  }
}
