import type { EpochMs } from '../shared/time.ts'

/** 待审核, 审核通过, 审核不通过 (spec/announcements.md section 4). */
export type ReviewState = 'reviewing' | 'approved' | 'rejected'

/**
 * An announcement file (放音文件) that an account uploaded. Its name is what API parameters and app settings call it by. Its
 * audio lies apart: A-law WAV at 8 kHz, mono.
 */
export type Announcement = {
  readonly tenantId: string
  /** Unique in the account. */
  readonly name: string
  readonly state: ReviewState
  /** 文件说明, of the one who uploaded it. */
  readonly description: string
  /** 审核说明: why it was rejected, what to do. */
  readonly reviewNote: string
  readonly uploadedBy: string
  readonly uploadedAt: EpochMs
  readonly reviewedAt?: EpochMs
  /** Of the WAV file as it is played, hex. */
  readonly sha256: string
  /** Of that file, bytes. */
  readonly size: number
  readonly durationMs: number
  /** What the uploaded file was called. */
  readonly originalName: string
}

/** Digits, letters and `-` `_` `.` `@`, at most 128 (spec/announcements.md section 4). */
export const ANNOUNCEMENT_NAME = /^[A-Za-z0-9\-_.@]{1,128}$/

/** Bytes of the WAV file as it is played: about four minutes. */
export const MOST_FINAL_BYTES = 2 * 1024 * 1024
/** Bytes of the file as it is uploaded. */
export const MOST_SOURCE_BYTES = 6 * 1024 * 1024
/** Files of an account. */
export const MOST_FILES = 200

export type AnnouncementKey = { readonly tenantId: string; readonly name: string }
