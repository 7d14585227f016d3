import type { MediaEngine } from '@maskline/media'
import type { SipStack } from '@maskline/sip'
import type { Log } from '../shared/log.ts'
import type { Clock } from '../shared/time.ts'
import type { CallPolicy } from './call-machine.ts'
import type { Announcements, CallJournal, Trunks } from './ports.ts'

/** What a call works with; one object for all calls. */
export type CallServices = {
  readonly journal: CallJournal
  readonly media: MediaEngine
  readonly sip: { readonly host: string; stack(): SipStack }
  readonly trunks: Trunks
  readonly announcements: Announcements
  readonly clock: Clock
  readonly policy: CallPolicy
  /** Whether a 183 counts as ringing (spec/notifications.md section 4.1; default no). */
  readonly alertOn183: boolean
  readonly log: Log
  /** The call has ended and freed what it held. */
  forget(sessionId: string): void
}
