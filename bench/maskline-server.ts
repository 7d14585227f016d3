import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type E164, createLogger, loadConfig, newApp, startPlatform } from '@maskline/server'
import { benchPairs } from './support/parties.ts'

/**
 * The server under test: the whole platform with its defaults on temporary data, one trunk in and out, `--pairs`
 * bindings in force and, with `--push URL`, every event and CDR pushed there. Prints one JSON line when it takes calls, and
 * one at each SIGUSR2: what it keeps once garbage is collected (`ServerSample`).
 */
const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '500' },
    push: { type: 'string' },
    address: { type: 'string', default: '127.0.7.2' },
    caller: { type: 'string', default: '127.0.7.1' },
    callee: { type: 'string', default: '127.0.7.3' },
    /** Its own and the trunk's. */
    'sip-port': { type: 'string', default: '5060' },
    'http-port': { type: 'string', default: '0' },
    key: { type: 'string', default: 'bench' },
    secret: { type: 'string', default: 'bench-secret' },
  },
})

const dataDir = mkdtempSync(path.join(tmpdir(), 'maskline-bench-'))
const base = loadConfig({
  MASKLINE_DATA: dataDir,
  MASKLINE_HOST_NAME: 'bench.example',
  MASKLINE_SIP_HOST: values.address,
  MASKLINE_SIP_PORT: values['sip-port'],
  MASKLINE_SIP_REGISTRAR: 'false',
  MASKLINE_HTTP_PORT: values['http-port'],
  MASKLINE_HTTPS_PORT: '0',
  MASKLINE_API_HOST: '127.0.0.1',
  MASKLINE_APP_RATE: '0',
  MASKLINE_PLATFORM_RATE: '0',
  MASKLINE_ADMIN: 'false',
  MASKLINE_MEDIA_HOST: values.address,
  MASKLINE_LOG_LEVEL: 'warn',
})
const platform = await startPlatform(
  {
    ...base,
    sip: {
      ...base.sip,
      trunks: [
        {
          name: 'bench',
          peer: { address: values.callee, port: Number(values['sip-port']), transport: 'udp' },
          allowFrom: [values.caller, values.callee],
          numberFormat: 'e164',
        },
      ],
    },
  },
  { log: createLogger('warn', process.stderr) },
)

const app = newApp({
  key: values.key,
  secret: values.secret,
  tenantId: 'bench',
  mode: 'AXB',
  ...(values.push && { statusUrl: `${values.push}/status`, cdrUrl: `${values.push}/fee` }),
})
const pairs = benchPairs(Number(values.pairs))
const { storage } = platform
await storage.apps.saveApp(app)
await storage.numbers.save(
  pairs.map(({ x }) => ({
    number: x as E164,
    appKey: app.key,
    areaCode: '0755',
    province: '广东省',
    status: 'normal',
    smsCapable: false,
  })),
)
const now = Date.now()
await Promise.all(
  pairs.map(({ caller, x, callee }, i) =>
    storage.bindings.insert(
      {
        mode: 'AXB',
        id: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
        appKey: app.key,
        x: x as E164,
        a: caller as E164,
        b: callee as E164,
        callDirection: 0,
        durationSec: 0,
        maxDurationMin: 0,
        recordFlag: false,
        privateSms: true,
        changedAt: now,
      },
      { capacity: 5000 },
      now,
    ),
  ),
)
console.log(JSON.stringify({ ready: true, pid: process.pid, sip: platform.sip, api: platform.api }))

let samples = 0
process.on('SIGUSR2', () => {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
  const { rss, heapUsed, external } = process.memoryUsage()
  const { transactions, dialogs, refusedInvites: refused = 0 } = platform.sipStats()
  const { activeCalls } = platform
  const sample = { sample: ++samples, rss, heapUsed, external, transactions, dialogs, refused, activeCalls }
  console.log(JSON.stringify({ ...sample, databaseBytes: databaseBytes() }))
})

/** With what is yet to be checkpointed. */
function databaseBytes(): number {
  const files = readdirSync(dataDir).filter((file) => /\.db(?:-wal)?$/.test(file))
  return files.reduce((sum, file) => sum + statSync(path.join(dataDir, file)).size, 0)
}

process.once('SIGTERM', () => {
  void platform
    .settle()
    .then(() => platform.close())
    .finally(() => rmSync(dataDir, { recursive: true, force: true }))
})
