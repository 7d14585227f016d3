import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { conformanceCounts } from '@maskline/sip/testkit'
import { compareSip, renderRounds, renderSipReport } from './comparison.ts'
import { measureHeldRate } from './held-rate.ts'
import { measureOverload, renderOverload } from './overload.ts'
import { measureProcesses, renderProcesses } from './processes.ts'
import { renderSoak, soak, soakFaults } from './soak.ts'
import { kamailio, maskline, type BenchServer } from './support/server.ts'

/** The servers that can run here, Maskline first; `onMissing` is told why another cannot. */
export function sipServers(onMissing: (why: string) => void, only = ''): BenchServer[] {
  const script = join(import.meta.dirname, 'maskline-server.ts')
  return [maskline(script), kamailio].filter((server) => {
    if (!server.name.toLowerCase().startsWith(only.toLowerCase())) return false
    const available = server.available()
    if (available !== true) onMissing(`${server.name} is left out: ${available}`)
    return available === true
  })
}

/** The RFCs' own messages: how many are treated as they must be. */
async function conformanceLines(): Promise<string> {
  const counts = await conformanceCounts()
  return counts.map(({ name, cases, passed }) => `${name}: ${passed}/${cases}`).join('\n')
}

/** Where the highest rate held is looked for, calls a second. */
const HELD_RATES = '400,600,800,1000,1200,1400,1600,2000,2500'

/**
 * `npm run bench:sip [-- OPTIONS]`: the masked call beside the reference at equal rates, in turn, and the counts of the conformance
 * suites. `--short`: one short round, without the search for the highest rate held; `--only NAME`, `--rates 200,600,1000`,
 * `--seconds 10`, `--rounds 3`, `--held-calls 2000`, `--held-rates 400,600,…`, `--json`. Instead of the table:
 *
 * - `--overload [--held N]`: twice the rate held (found first, unless given) for `--seconds` 20;
 * - `--soak N [--rate 300]`: N calls at a steady rate, and what the server keeps of them; ends with 1 unless that is nothing;
 * - `--processes 2 [--rate 300]`: several at once, at that rate each, beside one alone.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      short: { type: 'boolean', default: false },
      only: { type: 'string' },
      rates: { type: 'string', default: '200,600,1000' },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      'held-calls': { type: 'string' },
      'held-rates': { type: 'string' },
      pairs: { type: 'string', default: '500' },
      json: { type: 'boolean', default: false },
      overload: { type: 'boolean', default: false },
      held: { type: 'string' },
      soak: { type: 'string' },
      processes: { type: 'string' },
      rate: { type: 'string', default: '300' },
    },
  })
  const { short } = values
  const log = (line: string): void => console.error(line)
  const numbers = (list: string): number[] => list.split(',').filter(Boolean).map(Number)
  const seconds = (long: number): number => Number(values.seconds ?? (short ? long / 2 : long))
  const print = <T>(result: T, render: (result: T) => string): void =>
    console.log(values.json ? JSON.stringify(result, undefined, 2) : render(result))
  const common = { warmUpCalls: short ? 2_000 : 8_000, pairs: Number(values.pairs), log }
  const heldRates = (none = ''): number[] => numbers(values['held-rates'] ?? (short ? none : HELD_RATES))

  const servers = sipServers(log, values.only)
  const [server] = servers
  if (server === undefined) throw new Error(`no server is named ${values.only}`)
  if (values.overload) {
    const rates = heldRates(HELD_RATES)
    const found = async () => (await measureHeldRate({ ...common, server, rates, seconds: seconds(10) })).rate
    const heldRate = values.held === undefined ? await found() : Number(values.held)
    if (heldRate === 0) throw new Error(`${server.name} does not even hold ${rates[0]} calls/s here`)
    const result = await measureOverload({ ...common, server, heldRate, times: 2, seconds: seconds(20) })
    return print(result, renderOverload)
  }
  if (values.soak !== undefined) {
    const calls = Number(values.soak)
    const sampleEvery = Math.min(5_000, Math.ceil(calls / 20))
    const result = await soak({ ...common, server, calls, rate: Number(values.rate), sampleEvery })
    if (soakFaults(result).length > 0) process.exitCode = 1
    return print(result, renderSoak)
  }
  if (values.processes !== undefined) {
    const shape = { processes: Number(values.processes), rate: Number(values.rate), heldRates: heldRates() }
    return print(
      await measureProcesses({ ...common, ...shape, server, seconds: seconds(10) }),
      renderProcesses,
    )
  }
  const report = await compareSip({
    ...common,
    servers,
    rates: numbers(values.rates),
    seconds: seconds(10),
    rounds: Number(values.rounds ?? (short ? 1 : 3)),
    heldCalls: Number(values['held-calls'] ?? (short ? 1_000 : 2_000)),
    heldRates: heldRates(),
  })
  print(report, () => `${renderSipReport(report)}\n\n${renderRounds(report.rows)}`)
  if (!values.json) console.log(`\n${await conformanceLines()}`)
}

if (import.meta.main) await main()
