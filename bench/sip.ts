import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { conformanceCounts } from '@maskline/sip/testkit'
import { compareSip, renderRounds, renderSipReport } from './comparison.ts'
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

/**
 * `npm run bench:sip [-- [--short] [--only NAME] [--rates 200,600,1000] [--seconds 10] [--rounds 3] [--held 2000]
 * [--held-rates 400,600,…] [--json]]`: the masked call beside the reference at equal rates, in turn, and the counts of the
 * conformance suites.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      short: { type: 'boolean', default: false },
      only: { type: 'string' },
      rates: { type: 'string', default: '200,600,1000' },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      held: { type: 'string' },
      'held-rates': { type: 'string' },
      pairs: { type: 'string', default: '500' },
      json: { type: 'boolean', default: false },
    },
  })
  const { short } = values
  const numbers = (list: string): number[] => list.split(',').filter(Boolean).map(Number)
  const report = await compareSip({
    servers: sipServers((why) => console.error(why), values.only),
    rates: numbers(values.rates),
    seconds: Number(values.seconds ?? (short ? 5 : 10)),
    warmUpCalls: short ? 2_000 : 8_000,
    rounds: Number(values.rounds ?? (short ? 1 : 3)),
    pairs: Number(values.pairs),
    heldCalls: Number(values.held ?? (short ? 1_000 : 2_000)),
    heldRates: numbers(values['held-rates'] ?? (short ? '' : HELD_RATES)),
    log: (line) => console.error(line),
  })
  if (values.json) return void console.log(JSON.stringify(report, undefined, 2))
  console.log(`${renderSipReport(report)}\n\n${renderRounds(report.rows)}\n\n${await conformanceLines()}`)
}

/** Where the highest rate held is looked for, calls a second. */
const HELD_RATES = '400,600,800,1000,1200,1400,1600,2000,2500'

if (import.meta.main) await main()
