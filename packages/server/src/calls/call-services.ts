import type { MediaEngine } from '@maskline/media'
import type { SipStack } from '@maskline/sip'
import type { Log } from '../shared/log.ts'
import type { Clock } from '../shared/time.ts'
import type { Router } from '../bindings/route.ts'
import type { CallPolicy } from './machine/states.ts'
import type { Announcements, CallJournal, Customers, Recordings, Trunks } from './ports.ts'

/** What a call works with; one object for all calls. */
export type CallServices = {
  readonly router: Router
  readonly journal: CallJournal
  readonly media: MediaEngine
  readonly sip: { readonly host: string; stack(): SipStack }
  readonly trunks: Trunks
  readonly announcements: Announcements
  readonly recordings: Recordings
  readonly customers: Customers
  /** Keys of calls that exclude others while they last (`Connect.exclusive`). */
  readonly busyKeys: Set<string>
  readonly clock: Clock
  readonly policy: CallPolicy
  /** Whether a 183 counts as ringing (spec/notifications.md section 4.1; default no). */
  readonly alertOn183: boolean
  readonly log: Log
  /** The call has ended and freed what it held. */
  forget(sessionId: string): void
}
