import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type PostgresServer, startPostgresServer } from '@maskline/server/testkit/postgres-server'
import { findPeer } from './peers.mjs'
import { coverageOf, formatCoverage, idsIn, readSpecRows } from './spec-rows.ts'

/**
 * `npm test`: the check, then every test file, in three suites on Node's own runner, with one report and one summary.
 * `npm test -- unit`, `npm test -- e2e` run one suite; any other word runs the files whose path contains it, or else the
 * tests whose title does. With an argument the check is left out: `npm run check` is one command away. A whole run also
 * counts the rows of the specification that a passed test names, and fails when one has none (spec-rows.ts).
 */
type Suite = {
  readonly name: string
  readonly files: readonly string[]
  readonly timeoutMs: number
  /** Files at once. End-to-end files own ports and peers of the machine, so they take turns. */
  readonly concurrency: number
}

const suites: readonly Suite[] = [
  {
    name: 'unit',
    files: ['packages/*/src/**/*.test.ts', 'scripts/**/*.test.ts', 'bench/**/*.test.ts'],
    timeoutMs: 120_000,
    concurrency: 2,
  },
  { name: 'integration', files: ['packages/*/test/**/*.test.ts'], timeoutMs: 120_000, concurrency: 2 },
  { name: 'e2e', files: ['e2e/**/*.test.ts'], timeoutMs: 300_000, concurrency: 1 },
]

type Counts = {
  tests: number
  suites: number
  passed: number
  failed: number
  cancelled: number
  skipped: number
  todo: number
}

const root = path.join(import.meta.dirname, '..')
process.chdir(root)
const words = process.argv.slice(2)
const started = performance.now()

if (words.length === 0) {
  const check = spawnSync(process.execPath, [...process.execArgv, 'scripts/check.ts'], { stdio: 'inherit' })
  if (check.status !== 0) {
    process.stderr.write('\nNo test was run: put right what the check says above, then run npm test again.\n')
    process.exit(1)
  }
}

const { plan, title } = choose(words)
if (plan.length === 0) {
  process.stderr.write('No test file was found.\n')
  process.exit(1)
}
const named = new Set<string>()
const counts: Counts = { tests: 0, suites: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 }
const events = new PassThrough({ objectMode: true })
const reported = pipeline(events, new spec(), process.stdout, { end: false })
const postgres = await startPostgres(plan.flatMap(({ files }) => files))
for (const suite of plan) await runSuite(suite)
await postgres?.stop()
events.end()
await reported
const rowsMissing = words.length === 0 && !specRowsCovered()
for (const line of [
  `tests ${counts.tests}`,
  `suites ${counts.suites}`,
  `pass ${counts.passed}`,
  `fail ${counts.failed}`,
  `cancelled ${counts.cancelled}`,
  `skipped ${counts.skipped}`,
  `todo ${counts.todo}`,
  `duration_ms ${Math.round(performance.now() - started)}`,
]) {
  process.stdout.write(`ℹ ${line}\n`)
}
process.exitCode = counts.failed + counts.cancelled > 0 || counts.tests === 0 || rowsMissing ? 1 : 0

/** Prints how many rows of the specification are covered; true when all are. */
function specRowsCovered(): boolean {
  const coverage = coverageOf(readSpecRows('spec-rows'), named)
  process.stdout.write(`\n${formatCoverage(coverage)}\n\n`)
  return coverage.missing.length + coverage.stale.length === 0
}

/** Suites with their files, narrowed by the words of the command line. */
function choose(wanted: readonly string[]): { plan: Suite[]; title?: RegExp } {
  const all = suites.map((suite) => ({ ...suite, files: globSync([...suite.files]).toSorted() }))
  const withFiles = (list: Suite[]) => list.filter(({ files }) => files.length > 0)
  if (wanted.length === 0) return { plan: withFiles(all) }
  const named = all.filter(({ name }) => wanted.includes(name))
  const words = wanted.filter((word) => !all.some(({ name }) => name === word))
  const base = named.length > 0 ? named : all
  if (words.length === 0) return { plan: withFiles(base) }
  const byPath = base.map((suite) => ({
    ...suite,
    files: suite.files.filter((file) => words.some((word) => file.includes(word))),
  }))
  if (byPath.some(({ files }) => files.length > 0)) return { plan: withFiles(byPath) }
  const literal = words.join(' ').replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return { plan: withFiles(base), title: new RegExp(literal, 'i') }
}

/** One PostgreSQL server for the whole run, started when a file uses the test kit for it. Files find it by the environment. */
async function startPostgres(files: readonly string[]): Promise<PostgresServer | undefined> {
  const wanted = files.some((file) => /\/testkit\/(?:engines|postgres)\.ts'/.test(readFileSync(file, 'utf8')))
  if (!wanted) return undefined
  const peer = findPeer('postgres')
  if ('reason' in peer) {
    process.env.MASKLINE_TEST_POSTGRES_REASON = peer.reason
    return undefined
  }
  const bin = path.dirname(peer.path)
  const server = await startPostgresServer(bin)
  process.env.MASKLINE_TEST_POSTGRES = server.socketDir
  process.env.MASKLINE_TEST_POSTGRES_BIN = bin
  return server
}

/** Runs one suite: its events go to the common report, its closing numbers are added up. */
async function runSuite({ files, timeoutMs, concurrency }: Suite): Promise<void> {
  const stream = run({
    files: files.map((file) => path.resolve(file)),
    concurrency,
    timeout: timeoutMs,
    execArgv: [...process.execArgv, '--import', path.join(root, 'scripts', 'test-guard.ts')],
    ...(title && { testNamePatterns: title }),
  })
  for await (const event of stream) {
    if (event.type === 'test:pass' && event.data.skip === undefined && event.data.todo === undefined)
      for (const id of idsIn(event.data.name)) named.add(id)
    if (event.type === 'test:summary') {
      // one for each file and, without a file, one for the whole suite
      if (event.data.file === undefined) add(event.data.counts)
    } else if (event.type !== 'test:diagnostic' || event.data.file !== undefined) events.write(event)
  }
}

function add(more: Omit<Counts, 'failed'> & { failed?: number }): void {
  for (const key of Object.keys(counts) as (keyof Counts)[]) counts[key] += more[key] ?? 0
}
