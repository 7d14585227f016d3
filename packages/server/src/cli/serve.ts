import { formatHostPort } from '@maskline/sip'
import type { Config } from '../config/config.ts'
import { createLogger } from '../observability/logger.ts'
import { type Platform, startPlatform } from '../platform.ts'
import { redactDatabaseUrl } from '../shared/database-url.ts'
import type { Log } from '../shared/log.ts'
import { ensureLab, labGuide, noteReach } from './lab.ts'

/** Runs until SIGINT or SIGTERM; a second signal ends at once. Resolves to the exit code. */
export async function serve(config: Config): Promise<number> {
  const log = createLogger(config.logLevel)
  const platform = await startPlatform(config, { log })
  const { admin, api, sip } = platform
  const { databaseUrl } = config.storage
  const created = await ensureLab(platform.storage, config)
  if (created) await platform.reloadSubscribers()
  noteReach(config, { sip, api, ...(admin && { admin }) })
  process.stdout.write(
    `maskline is running\n` +
      sipAddresses(sip, config.sip.ws.path)
        .map((address, i) => `  ${i === 0 ? 'SIP' : '   '}    ${address}\n`)
        .join('') +
      `  API    http://127.0.0.1:${api.httpPort} and https://127.0.0.1:${api.httpsPort}\n` +
      `  data   ${config.dataDir}${databaseUrl ? `, and ${redactDatabaseUrl(databaseUrl)}` : ''}\n` +
      (platform.crashedCalls > 0
        ? `  ${platform.crashedCalls} calls that a crash had left open were closed\n`
        : '') +
      (created
        ? `\n${await labGuide(platform.storage, { sip, api })}`
        : '\n`npm run maskline -- lab` prints the lab again. Phones that were registered must register anew.\n') +
      `\nCtrl-C stops it.\n`,
  )
  if (sip.tlsPort !== undefined || sip.wssPort !== undefined) reloadOnHangUp(platform, log)
  await stopSignal()
  process.stdout.write('\nmaskline stops: no new calls; running calls are ended and written down …\n')
  await platform.close()
  return 0
}

/** What a phone, a carrier or a browser is told. */
function sipAddresses({ host, port, tlsPort, wsPort, wssPort }: Platform['sip'], path: string): string[] {
  const at = (of: number): string => formatHostPort(host, of)
  return [
    `${at(port)} (UDP and TCP)`,
    ...(tlsPort === undefined ? [] : [`${at(tlsPort)} (TLS)`]),
    ...(wsPort === undefined ? [] : [`ws://${at(wsPort)}${path}`]),
    ...(wssPort === undefined ? [] : [`wss://${at(wssPort)}${path}`]),
  ]
}

/** SIGHUP is how whoever renews certificates says that there are new ones. */
function reloadOnHangUp(platform: Platform, log: Log): void {
  process.on('SIGHUP', () => {
    platform.reloadCertificates().then(
      () => log.info({}, 'the certificates of SIP were read again'),
      (err: unknown) => log.error({ err }, 'the new certificates of SIP cannot be used; the old ones stay'),
    )
  })
}

/** A repeat so soon is the same signal again: npm, the launcher and a service manager each pass it on. */
const SAME_SIGNAL_MS = 1000

/** Resolves at the first SIGINT or SIGTERM; a further one, later than a moment, ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let first: number | undefined
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => {
        if (first === undefined) {
          first = performance.now()
          resolve()
        } else if (performance.now() - first > SAME_SIGNAL_MS) process.exit(130)
      })
  })
}
