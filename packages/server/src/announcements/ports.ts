import type { Announcement, AnnouncementKey, ReviewState } from './announcement.ts'

export type InsertAnnouncement = 'inserted' | 'name-taken' | 'account-full'

export type Review = {
  readonly state: Exclude<ReviewState, 'reviewing'>
  readonly note: string
  readonly at: number
}

/** Announcement files with their audio, shared by all nodes. */
export type AnnouncementStore = {
  /** By name; with `tenantId` only that account's. */
  list(tenantId?: string): Promise<readonly Announcement[]>
  find(key: AnnouncementKey): Promise<Announcement | undefined>
  /** The WAV file. */
  audio(key: AnnouncementKey): Promise<Uint8Array | undefined>
  /**
   * Adds a file unless its name is taken or the account has `most` already. With `replacing` a file of that name goes
   * in the same transaction.
   */
  insert(
    announcement: Announcement,
    wav: Uint8Array,
    options: { readonly replacing: boolean; readonly most: number },
  ): Promise<InsertAnnouncement>
  /** False when there is no such file. */
  review(key: AnnouncementKey, review: Review): Promise<boolean>
  /** False when there is no such file. */
  remove(key: AnnouncementKey): Promise<boolean>
}

/** Who names an announcement file in a binding. */
export type BindingTones = {
  /** How many bindings of an app that are not dead name the file. Opens each of them, some hundred at a time. */
  count(appKey: string, fileName: string, at: number): Promise<number>
}
