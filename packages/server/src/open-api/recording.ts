import type { LinkSigner } from '../recordings/links.ts'
import type { RecordingLibrary } from '../recordings/recordings.ts'
import type { App } from '../tenants/app.ts'
import { failure, invalidParameter, redirect, type Answer } from './answers.ts'
import { MinuteLimit } from './flow-control.ts'
import { networkOf } from '../shared/ip.ts'
import { readParams, required, text } from './params.ts'
import type { ApiCall, Resource } from './resource.ts'

export type RecordingDependencies = {
  readonly recordings: {
    readonly library: Pick<RecordingLibrary, 'find' | 'open'>
    readonly links: LinkSigner
    /** How long a link opens its recording. */
    readonly linkHours: number
    /** Links given out per minute to one source address, and to one app; 0 = no limit. */
    readonly linkRatePerMin: number
  }
}

/** spec/stop-call-and-recording.md section 3; both as the CDR names them. */
const RECORD = { fileName: required(text(1, 128)), recordDomain: required(text(1, 128)) } as const

const HOUR_MS = 3_600_000

/**
 * `/rest/provision/voice/record/v1.0`: the download address of a recording, for every mode. The page lists 1010004 for a
 * suspended app, and has 1012007 stand for an account in arrears.
 */
export function recordingResource({ recordings }: RecordingDependencies): Resource {
  const limit = new MinuteLimit(recordings.linkRatePerMin)
  return {
    path: '/rest/provision/voice/record/v1.0',
    barred: { suspended: '403 1010004', frozen: '403 1012007' },
    handlers: {
      GET: async (call) => (admits(limit, call) ? address(recordings, call) : failure('403 1011006')),
    },
    docs: {
      GET: {
        id: 'getRecordingAddress',
        summary: 'Get the download address of a recording',
        query: RECORD,
        redirects:
          'The download address, in the header Location. It needs no signature and can be used again.',
        codes: ['1010002', '1011006', '1012007', '1012012'],
      },
    },
  }
}

const admits = (limit: MinuteLimit, { app, from }: ApiCall): boolean =>
  limit.admit([`ip ${networkOf(from.ip)}`, `app ${app.key}`], from.now)

async function address(
  { library, links, linkHours }: RecordingDependencies['recordings'],
  { app, query, from }: ApiCall,
): Promise<Answer> {
  const read = readParams(RECORD, query)
  if (!read.ok) return invalidParameter(read.parameter)
  if (!app.recordingEnabled) return failure('403 1012012')
  const entry = await library.find(read.values.fileName, from.now)
  if (entry === undefined || !isTheirs(entry, app, read.values.recordDomain)) return failure('403 1012007')
  const until = Math.min(from.now + linkHours * HOUR_MS, entry.keptUntil)
  return redirect(from.baseUrl + links.write({ object: entry.object, until }))
}

const isTheirs = (entry: { appKey: string; domain: string }, app: App, domain: string): boolean =>
  entry.appKey === app.key && entry.domain === domain
