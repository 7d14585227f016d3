import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { findPeer } from '../scripts/peers.mjs'
import { benchApi } from './api.ts'
import { benchRelay } from './relay.ts'
import { compareSip } from './comparison.ts'
import { sipServers } from './sip.ts'
import { renderReport, type BenchReport } from './report.ts'

/**
 * `npm run bench [-- [--short] [--rates 200,600]]`: everything that is measured, in one table; the figures in full go to
 * bench/results/latest.json. Takes about ten minutes, with --short two. What else the machine does shows: let it rest.
 */
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, rates: { type: 'string' } },
})
const { short } = values
const log = (line: string): void => console.error(line)

const leftOut: string[] = []
const hasSipp = canUse('sipp', 'calls are left out')
canUse('dumpcap', 'the time from INVITE to INVITE is left out')

const sip = hasSipp
  ? await compareSip({
      servers: sipServers((why) => leftOut.push(why)),
      rates: (values.rates ?? (short ? '200,600' : '200,600,1000')).split(',').map(Number),
      seconds: short ? 5 : 10,
      warmUpCalls: short ? 2_000 : 8_000,
      rounds: short ? 1 : 3,
      pairs: 500,
      heldCalls: short ? 1_000 : 2_000,
      heldRates: [],
      log,
    })
  : { rows: [], memory: [], held: [] }
const relay = await benchRelay(short ? [250] : [100, 250, 400], log)
const api = await benchApi({ seconds: short ? 3 : 6, connections: 32, log })

const [cpu] = cpus()
const report: BenchReport = {
  at: new Date().toISOString(),
  machine: {
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    node: process.version,
  },
  sip,
  relay,
  api,
  leftOut,
}
const folder = path.join(import.meta.dirname, 'results')
mkdirSync(folder, { recursive: true })
writeFileSync(path.join(folder, 'latest.json'), `${JSON.stringify(report, undefined, 2)}\n`)
console.log(renderReport(report))

function canUse(command: string, without: string): boolean {
  const found = findPeer(command)
  if ('path' in found) return true
  leftOut.push(`${without}: ${found.reason}`)
  return false
}
