import type { Hop, ServerCall, SipResponse } from '@maskline/sip'
import type { PlayAudio } from '@maskline/media'
import type { E164 } from '../shared/e164.ts'
import type { App } from '../tenants/app.ts'
import type { CustomerAnswer } from '../bindings/route.ts'
import type { EpochMs } from '../shared/time.ts'
import type { CallFact, CallRecord, RecordingRef } from './call-record.ts'
import type { ReleaseOverrides } from './release-map.ts'

/**
 * The durable memory of calls. `append` groups: facts of many calls are committed together within a few
 * milliseconds, journal row and outbox rows in one transaction (architecture section 3).
 */
export type CallJournal = {
  /** Queues a fact; never throws, never waits. A storage failure is retried and reported by the adapter. */
  append(fact: CallFact): void
  /** Resolves when everything appended so far is committed. */
  flush(): Promise<void>
  /** Calls of this node that have no end: read once after a crash, before the first call is taken. */
  openCalls(): Promise<readonly CallRecord[]>
}

/** Who a new INVITE comes from, once the door has let it in. */
export type Admission =
  /** A trunk: the parties are read from the INVITE, as the trunk writes them. */
  | {
      readonly kind: 'trunk'
      readonly trunk: string
      /** Digits are collected after a 200 (default), or in early media (183) where the trunk allows it. */
      readonly collectsEarly?: boolean
      /** Headers that may name the caller, in order; default P-Asserted-Identity, From. */
      readonly callerFrom?: readonly string[]
      readonly caller?: NumberForm
      readonly callee?: NumberForm
      /** User of the Contact that we registered with the trunk: calls for it name the number dialled elsewhere. */
      readonly contactUser?: string
      /** Speech codecs of this leg, the preferred first; absent: any. */
      readonly codecs?: readonly string[]
      /** Gives the channel back that the call holds. Once. */
      ended(): void
    }
  /** A registered phone of the lab: the caller is who it authenticated as. */
  | { readonly kind: 'phone'; readonly number: E164 }
  /** Not let in; the INVITE has been answered (challenge or refusal). */
  | { readonly kind: 'refused' }

/** How a peer writes numbers. */
export type NumberForm = {
  /** Takes off what only that peer means by it. */
  readonly read?: (user: string) => string
  /** Of national numbers, where it is not the platform's. */
  readonly countryCode?: string
}

/** Where a call to a real number leaves the platform: one way of perhaps several. */
export type Outbound = {
  /** Name of the trunk, for logs; empty for a registered phone. */
  readonly trunk: string
  /** Request-URI, and To. */
  readonly uri: string
  /** Absent: the URI's host is resolved. */
  readonly hop?: Hop
  readonly credentials?: { readonly username: string; readonly password: string }
  /** What this trunk means by its answers where it differs from the tables. */
  readonly releaseCodes?: ReleaseOverrides
  /** Speech codecs of this leg, the preferred first; absent: any. */
  readonly codecs?: readonly string[]
  /** What a 3xx does; absent: it fails the call. */
  readonly redirects?: 'refuse' | 'follow'
  /** Final statuses, before any provisional one but 100, upon which the next way is tried. */
  readonly retryOn: ReadonlySet<number>
  /** How long an address may say nothing at all before the next one is tried, and after the last the next way, ms; absent: 32 s. */
  readonly answerWithinMs?: number
  /** What the callee's side is told of who calls. */
  identity(display: E164): CallIdentity
  /** Takes a channel and a call of this second; false when the trunk has none left. */
  begun(): boolean
  /** Gives back what `begun` took. Once. */
  ended(): void
  /** What the peer said first to the INVITE, but for 100, or that nothing came: its health. Once an INVITE. */
  fared(response: SipResponse | 'silent'): void
}

/** From, Contact's user part, and the headers beside them. */
export type CallIdentity = {
  readonly from: string
  readonly contactUser?: string
  /** Flat [name, value, …]. */
  readonly headers: readonly string[]
}

/** The trunk layer as calls need it: who may come in, and which ways out lead to a number. */
export type Trunks = {
  admit(call: ServerCall): Admission
  /** In the order in which they are tried; none: no trunk and no registered phone leads there. */
  waysTo(callee: E164): readonly Outbound[]
}

/** Announcement audio by file name; `undefined` when there is no such file, or none that is approved. */
export type Announcements = { find(app: App | undefined, fileName: string): PlayAudio | undefined }

/** Where recordings go. */
export type Recordings = {
  /** Names a recording that begins now, and the file the media engine writes it to. */
  begin(app: App, at: EpochMs): { readonly ref: RecordingRef; readonly file: string }
  /**
   * Keeps the file of a recording that has ended: what `ref` names is stored when this resolves with true. False when
   * there is nothing to keep: no file, or less than 3 s of it (spec/stop-call-and-recording.md section 2); the file is
   * gone then. Also for a file whose call was cut by a crash. Never rejects.
   */
  finish(record: CallRecord, ref: RecordingRef): Promise<boolean>
}

/** Asks the customer's server what to do with a call (X mode, spec/x.md). Never rejects. */
export type Customers = {
  ask(record: CallRecord, app: App, url: string, at: EpochMs, timeoutMs: number): Promise<CustomerAnswer>
}
