import type { Hop, ServerCall } from '@maskline/sip'
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
  /** A trunk: the caller is read from the INVITE's headers. */
  | {
      readonly kind: 'trunk'
      readonly trunk: string
      /** Digits are collected after a 200 (default), or in early media (183) where the trunk allows it. */
      readonly collectsEarly?: boolean
    }
  /** A registered phone of the lab: the caller is who it authenticated as. */
  | { readonly kind: 'phone'; readonly number: E164 }
  /** Not let in; the INVITE has been answered (challenge or refusal). */
  | { readonly kind: 'refused' }

/** Where a call to a real number leaves the platform. */
export type Outbound = {
  /** Request-URI, and To. */
  readonly uri: string
  readonly hop: Hop
  readonly credentials?: { readonly username: string; readonly password: string }
  /** What this trunk means by its answers where it differs from the tables. */
  readonly releaseCodes?: ReleaseOverrides
  /** How numbers are written on this leg. */
  readonly format: (number: E164) => string
}

/** The trunk layer as calls need it: who may come in, and which way out leads to a number. */
export type Trunks = {
  admit(call: ServerCall): Admission
  /** `undefined`: no trunk and no registered phone leads there. */
  wayTo(callee: E164): Outbound | undefined
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
