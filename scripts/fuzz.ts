import { appendFileSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { CRASHERS, fuzzCorpus, fuzzRound, outcomeOf } from '@maskline/sip/fuzz'
import type { RoundReport } from '@maskline/sip/fuzz'

/**
 * `npm run fuzz [-- --minutes N --seed S]`: mutants of the SIP fixtures until the minutes of CPU time are over (default 10). What breaks
 * something is written to packages/sip/testdata/crashers, where a test replays it; its line in VERDICTS.tsv says how it ended.
 */
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } },
})
const minutes = Number(values.minutes)
const firstSeed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed)
if (!(minutes > 0) || !Number.isSafeInteger(firstSeed)) {
  process.stderr.write(
    'Give minutes above 0 and a whole number as the seed: npm run fuzz -- --minutes 10 --seed 1\n',
  )
  process.exit(2)
}

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
const MUTANTS_A_ROUND = 1500
const corpus = fuzzCorpus()
const seen = new Set<string>()
let slowest: RoundReport['slowest'] = { ms: 0, bytes: Buffer.alloc(0) }
let mutants = 0
let rounds = 0
for (; cpuMs() < minutes * 60_000; rounds++) {
  const report = await fuzzRound({
    seed: firstSeed + rounds,
    corpus,
    mutants: MUTANTS_A_ROUND,
    measure: cpuMs,
  })
  mutants += report.mutants
  if (report.slowest.ms > slowest.ms) slowest = report.slowest
  for (const { way, seed, bytes, error } of report.crashes) {
    const what = whatOf(error)
    // One of a kind is enough.
    const kind = `${way} ${what.replace(/ \+ actual.*| '.*/, '').slice(0, 60)}`
    if (seen.has(kind)) continue
    seen.add(kind)
    const file = `${way}-${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}.dat`
    writeFileSync(new URL(file, CRASHERS), bytes)
    appendFileSync(new URL('VERDICTS.tsv', CRASHERS), `${file}\t${outcomeOf(bytes)}\t${what}\n`)
    process.stdout.write(`seed ${seed}: ${file}: ${what}\n${stackOf(error)}\n`)
  }
}
process.stdout.write(
  `${mutants} mutants in ${rounds} rounds from seed ${firstSeed}, ${seen.size} kinds of faults; the slowest took ` +
    `${slowest.ms.toFixed(1)} ms of CPU for ${slowest.bytes.length} bytes\n`,
)
if (seen.size > 0) process.stdout.write(`Crashers are in ${fileURLToPath(CRASHERS)}\n`)
process.exitCode = seen.size > 0 ? 1 : 0

function whatOf(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error))
  const inner = cause instanceof Error ? `: ${cause.message}` : ''
  return `${message}${inner}`.replaceAll(/\s+/g, ' ').slice(0, 160)
}

function stackOf(error: unknown): string {
  const { stack, cause } = error instanceof Error ? error : new Error(String(error))
  const text = cause instanceof Error ? (cause.stack ?? '') : (stack ?? '')
  return text.split('\n').slice(0, 12).join('\n')
}
