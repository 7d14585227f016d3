import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts, isBound } from './ports.ts'
import { startPeer } from './peer-process.ts'
import { makeTempDir } from './temp-dir.ts'
import { waitFor } from './wait.ts'

/**
 * Scenarios of ../scenarios by the part they play. `uac*` call (needs `remote` and `calls`), `uas*` are called.
 * `{{name}}` in a file is replaced by the value given here or by `values` of the run.
 */
export const SCENARIOS = {
  /** Calls, talks `talkMs`, hangs up. */
  uac: { file: 'uac.xml', values: {} },
  /** Calls and talks until the other side hangs up. */
  'uac-listens': { file: 'uac-listens.xml', values: {} },
  /** Calls, waits for 180, rings for `talkMs`, sends CANCEL. */
  'uac-cancel': { file: 'uac-cancel.xml', values: {} },
  /** Calls, talks `talkMs`, holds for `talkMs` (re-INVITE `sendonly`), takes back, waits for BYE. */
  'uac-holds': { file: 'uac-holds.xml', values: {} },
  /** Calls without an offer, answers the callee's in ACK, waits for BYE. */
  'uac-no-offer': { file: 'uac-no-offer.xml', values: {} },
  /** Calls and expects the final `status`. */
  'uac-refused': { file: 'uac-refused.xml', values: { status: '486' } },
  /** Requires reliable ringing, refreshes the session by UPDATE, hangs up. */
  'uac-extensions': { file: 'uac-extensions.xml', values: {} },
  /** 422, reliable 183, 200, waits for BYE. */
  'uas-extensions': { file: 'uas-extensions.xml', values: {} },
  /** 183s of two forks, 200 of the second without SDP, waits for BYE. */
  'uas-forks': { file: 'uas-forks.xml', values: {} },
  /** 180, `ringMs` later 200, waits for BYE. */
  uas: { file: 'uas.xml', values: { ringMs: '20' } },
  /** 180, 200, talks `talkMs`, hangs up. */
  'uas-hangs-up': { file: 'uas-hangs-up.xml', values: { ringMs: '20' } },
  'uas-busy': { file: 'uas-refuses.xml', values: { ringMs: '0', status: '486', reason: 'Busy Here' } },
  'uas-reject': { file: 'uas-refuses.xml', values: { ringMs: '0', status: '603', reason: 'Decline' } },
  /** Refuses with `status` `reason` and nothing before; `header` is one line more. */
  'uas-refuses-at-once': {
    file: 'uas-refuses-at-once.xml',
    values: { status: '480', reason: 'Temporarily Unavailable', header: 'Server: carrier-b' },
  },
  /** 180, then `status` `reason`. */
  'uas-refuses': { file: 'uas-refuses.xml', values: { ringMs: '0' } },
  /** 100 and nothing more: expects CANCEL. */
  'uas-silent': { file: 'uas-silent.xml', values: {} },
  /** 180 and nothing more: expects CANCEL. */
  'uas-noanswer': { file: 'uas-noanswer.xml', values: {} },
} as const satisfies Record<string, { file: string; values: Record<string, string> }>

export type ScenarioName = keyof typeof SCENARIOS
/** One call: the caller's number (From user and P-Asserted-Identity) and the number it dials. */
export type SippParties = { readonly caller: string; readonly dialled: string }
type Address = { readonly address: string; readonly port: number }

export type SippOptions = {
  /** A scenario by name, or the path of a file. */
  readonly scenario: ScenarioName | { readonly path: string }
  /** Replaces `{{name}}` in the scenario file. */
  readonly values?: Readonly<Record<string, string>>
  /** Port 0 or absent: a free one. */
  readonly local: { readonly address: string; readonly port?: number }
  readonly remote?: Address
  /** Used in turn, call by call, from the top again when there are more calls. */
  readonly parties?: readonly SippParties[]
  /** Ends after so many calls; absent (callee): until `stop`. */
  readonly calls?: number
  /** New calls a second; default 10. */
  readonly rate?: number
  readonly maxConcurrent?: number
  /** What `<pause/>` of the scenario lasts; default 0. */
  readonly talkMs?: number
  readonly transport?: 'udp' | 'tcp'
  /** Sends RTP back to whom it comes from: a talker hears itself. Default false. */
  readonly rtpEcho?: boolean
  /** A call that waits longer for a message has failed; default 10,000. */
  readonly receiveTimeoutMs?: number
  /** The whole run; calls left over count as failed. Default 60,000; 0 for none. */
  readonly timeoutMs?: number
  /** Keeps every message, for `received()`. Default false: costs CPU. */
  readonly trace?: boolean
  /** How often the statistics are written, seconds; default: only at the end (unless `stats` is used). */
  readonly statsEverySec?: number
}

/** Cumulative counts of a run (sipp's `(C)` columns). */
export type SippStats = {
  readonly created: number
  /** Calls open now. */
  readonly current: number
  readonly successful: number
  readonly failed: number
  readonly retransmissions: number
  readonly elapsedMs: number
  /** Failed calls by sipp's reason, only those above zero: `FailedUnexpectedMessage`, … */
  readonly failures: Readonly<Record<string, number>>
  /** Counters of the scenario (`counter="refused"`); names begin small, sipp's own columns do not. */
  readonly counters: Readonly<Record<string, number>>
}
export type SippResult = SippStats & {
  readonly exitCode: number | null
  /** What sipp complained about: unexpected messages with their text. */
  readonly errors: string
  /** Every message sipp received, back to back as on the wire (with `trace`). */
  readonly received: Buffer
}

export type SippRun = {
  readonly pid: number
  readonly local: Address
  /** As last written; see `statsEverySec`. */
  stats(): SippStats | undefined
  /** Ends by itself (caller, or `calls` given). */
  readonly finished: Promise<SippResult>
  /** Lets open calls end for `graceMs` (default 2,000), then ends it. */
  stop(graceMs?: number): Promise<SippResult>
}

/** Runs a scenario to its end. A failed call is in the result, not an error. */
export async function runSipp(options: SippOptions): Promise<SippResult> {
  return (await startSipp(options)).finished
}

/** Starts sipp and resolves when its port is bound. Its files are gone once it has finished. */
export async function startSipp(options: SippOptions): Promise<SippRun> {
  const dir = makeTempDir('sipp')
  const file = (name: string): string => join(dir.path, name)
  const transport = options.transport ?? 'udp'
  const port = options.local.port || (await freePorts(options.local.address))
  const local = { address: options.local.address, port }
  writeFileSync(file('scenario.xml'), scenarioText(options))
  const parties = options.parties ?? []
  if (parties.length > 0) writeFileSync(file('parties.csv'), partiesCsv(parties))

  const args = ['-sf', file('scenario.xml'), '-i', local.address, '-p', `${port}`, '-mi', local.address]
  args.push('-t', transport === 'tcp' ? 't1' : 'u1', '-nostdin', '-d', `${options.talkMs ?? 0}`)
  args.push('-trace_stat', '-stf', file('stat.csv'), '-fd', `${options.statsEverySec ?? 3_600}`)
  args.push('-trace_err', '-error_file', file('errors.log'))
  args.push('-recv_timeout', `${options.receiveTimeoutMs ?? 10_000}`, '-timeout_error')
  const timeoutMs = options.timeoutMs ?? 60_000
  if (timeoutMs > 0) args.push('-timeout', `${timeoutMs}ms`)
  if (options.trace === true) args.push('-trace_msg', '-message_file', file('messages.log'))
  if (options.rtpEcho === true) args.push('-rtp_echo')
  if (options.calls !== undefined) args.push('-m', `${options.calls}`)
  if (options.maxConcurrent !== undefined) args.push('-l', `${options.maxConcurrent}`)
  if (parties.length > 0) args.push('-inf', file('parties.csv'))
  if (options.remote !== undefined) {
    args.push('-r', `${options.rate ?? 10}`, `${options.remote.address}:${options.remote.port}`)
  }
  const peer = await startPeer({
    command: 'sipp',
    args,
    cwd: dir.path,
    env: { ...process.env, TERM: 'vt100' },
  })

  const finished = peer.exited.then((exit): SippResult => {
    const stats = existsSync(file('stat.csv'))
      ? parseSippStats(readFileSync(file('stat.csv'), 'latin1'))
      : undefined
    const errors = existsSync(file('errors.log')) ? readFileSync(file('errors.log'), 'latin1') : ''
    const trace = existsSync(file('messages.log')) ? readFileSync(file('messages.log')) : Buffer.alloc(0)
    dir.remove()
    if (stats === undefined) throw new Error(`sipp ended before its first call:\n${peer.output()}${errors}`)
    return { ...stats, exitCode: exit.code, errors, received: receivedMessages(trace) }
  })
  // Reported by whoever awaits it; a run that is only stopped must not crash the process.
  finished.catch(() => {})

  // A TCP caller binds no port of its own; any caller with few calls may be gone before it is seen bound.
  if (transport === 'udp' || options.remote === undefined) {
    await waitFor(() => peer.ended() !== undefined || isBound(transport, local.address, port), {
      what: `sipp to bind ${local.address}:${port}/${transport}`,
      detail: peer.output,
    })
  }
  return {
    pid: peer.pid,
    local,
    stats: () =>
      existsSync(file('stat.csv')) ? parseSippStats(readFileSync(file('stat.csv'), 'latin1')) : undefined,
    finished,
    async stop(graceMs = 2_000) {
      // SIGUSR1 is sipp's "q": no new calls, leave when the open ones have ended, statistics written.
      await peer.stop('SIGUSR1', graceMs)
      return finished
    },
  }
}

function scenarioText(options: SippOptions): string {
  const known = typeof options.scenario === 'string' ? SCENARIOS[options.scenario] : undefined
  const path =
    typeof options.scenario === 'string'
      ? join(import.meta.dirname, '../scenarios', SCENARIOS[options.scenario].file)
      : options.scenario.path
  const values: Record<string, string> = { ...known?.values, ...options.values }
  return readFileSync(path, 'latin1').replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${path} needs a value for {{${name}}}`)
    return value
  })
}

/** sipp's injection file: [field0] is the caller, [field1] the number dialled. */
export function partiesCsv(parties: readonly SippParties[]): string {
  return `SEQUENTIAL\n${parties.map(({ caller, dialled }) => `${caller};${dialled}`).join('\n')}\n`
}

/** The last complete row of a `-trace_stat` file; `undefined` while there is none. */
export function parseSippStats(csv: string): SippStats | undefined {
  // A row being written has no line end yet.
  const lines = csv
    .slice(0, csv.lastIndexOf('\n') + 1)
    .trimEnd()
    .split('\n')
  const names = lines[0]?.split(';')
  const row = lines.length > 1 ? lines.at(-1)?.split(';') : undefined
  if (names === undefined || row === undefined) return undefined
  const text = (name: string): string => row[names.indexOf(name)] ?? ''
  const count = (name: string): number => Number(text(name)) || 0
  const failures: Record<string, number> = {}
  for (const name of names) {
    if (!/^Failed(?!Call).*\(C\)$/.test(name) || count(name) === 0) continue
    failures[name.slice(0, -'(C)'.length)] = count(name)
  }
  const counters: Record<string, number> = {}
  for (const name of names)
    if (/^[a-z].*\(C\)$/.test(name)) counters[name.slice(0, -'(C)'.length)] = count(name)
  return {
    created: count('TotalCallCreated'),
    current: count('CurrentCall'),
    successful: count('SuccessfulCall(C)'),
    failed: count('FailedCall(C)'),
    retransmissions: count('Retransmissions(C)'),
    elapsedMs: clockToMs(text('ElapsedTime(C)')),
    failures,
    counters,
  }
}

/** `hh:mm:ss:µs` of sipp's statistics in milliseconds. */
function clockToMs(clock: string): number {
  const [hours = 0, minutes = 0, seconds = 0, micros = 0] = clock.split(':').map(Number)
  return ((hours * 60 + minutes) * 60 + seconds) * 1_000 + micros / 1_000
}

const RECEIVED = /(?:UDP|TCP|TLS) message received \[(\d+)\] bytes ?:\r?\n\r?\n/g

/** Cuts the messages that came in out of a `-trace_msg` log. */
export function receivedMessages(log: Buffer): Buffer {
  const text = log.toString('latin1')
  const parts: Buffer[] = []
  for (const match of text.matchAll(RECEIVED)) {
    const start = match.index + match[0].length
    parts.push(log.subarray(start, start + Number(match[1])))
  }
  return Buffer.concat(parts)
}
