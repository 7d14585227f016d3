import { tonesOfApp } from '../announcements/uses.ts'
import { parsePushUrl } from '../notifications/push-url.ts'
import { parseApiNumber } from '../shared/e164.ts'
import { isCidr } from '../shared/ip.ts'
import type { App } from '../tenants/app.ts'

const URLS = ['statusUrl', 'callinUrl', 'cdrUrl', 'numberStatusUrl', 'smsNotifyUrl', 'smsControlUrl'] as const

/** What an app as a whole breaks, beyond what the schema of a member sees; every rule in a sentence. */
export function appFaults(
  app: App,
  context: {
    /** The other apps of the account. */
    readonly others: readonly App[]
    readonly announcementExists: (app: App, fileName: string) => boolean
    /** The app as it was: a tone it had already may be gone or in review again, and counts as none meanwhile. */
    readonly before?: App
  },
): readonly string[] {
  const faults: string[] = []
  if (context.others.some(({ name }) => name === app.name))
    faults.push(`name: the account has another app called ${app.name}`)
  const known = new Map(context.before && tonesOfApp(context.before))
  for (const [field, file] of tonesOfApp(app))
    if (known.get(field) !== file && !context.announcementExists(app, file))
      faults.push(`${field}: there is no approved announcement file ${file}`)
  for (const field of URLS) {
    const url = app[field]
    const parsed = url === undefined ? undefined : parsePushUrl(url)
    if (parsed !== undefined && 'fault' in parsed) faults.push(`${field}: ${parsed.fault}`)
  }
  if (app.mode === 'X' && app.statusUrl === undefined)
    faults.push('statusUrl is missing: in X mode calls are asked for there')
  if (app.smsEnabled && (app.mode === 'AX' || app.mode === 'X') && app.smsControlUrl === undefined)
    faults.push(`smsControlUrl is missing: in ${app.mode} mode SMS are asked for there`)
  for (const entry of app.ipAllowlist)
    if (!isCidr(entry)) faults.push(`ipAllowlist: ${entry} is no address and no CIDR`)
  faults.push(...modeFaults(app), ...numberFaults(app))
  const { zone } = app.controls ?? {}
  if (zone !== undefined && !isZone(zone)) faults.push(`controls.zone: ${zone} is no time zone`)
  return faults
}

function modeFaults({ mode, axe, memoryCallback, askTimeoutMs }: App): readonly string[] {
  const faults: string[] = []
  if (axe !== undefined && mode !== 'AXE') faults.push(`axe is for AXE apps; this one is ${mode}`)
  if (axe?.noCallbackTone !== undefined && axe.noCallbackNumber !== undefined)
    faults.push('axe.noCallbackTone and axe.noCallbackNumber exclude each other')
  if (memoryCallback === true && mode !== 'AX')
    faults.push(`memoryCallback is for AX apps; this one is ${mode}`)
  if (askTimeoutMs !== undefined && mode !== 'X')
    faults.push(`askTimeoutMs is for X apps; this one is ${mode}`)
  return faults
}

/** Real numbers stay out of the sentences. */
function numberFaults({ axe, controls }: App): readonly string[] {
  const numbers = {
    'axe.noCallbackNumber': axe?.noCallbackNumber === undefined ? [] : [axe.noCallbackNumber],
    'controls.blockedCallees': controls?.blockedCallees ?? [],
    'controls.blockedCallers': controls?.blockedCallers ?? [],
  }
  return Object.entries(numbers).flatMap(([field, given]) =>
    given.some((number) => parseApiNumber(number) === undefined)
      ? [`${field} holds what is no telephone number in global form`]
      : [],
  )
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}
