import type { App, AppStore } from './app.ts'

/** What administration needs of storage beyond `AppStore`. */
export type AppAdmin = AppStore & {
  /**
   * Inserts the app or replaces the one with its key, together with its account: `spId` and `accountStatus` hold
   * for every app of the tenant.
   */
  saveApp(app: App): Promise<void>
  /** All apps, by key; with `tenantId` only that account's. */
  listApps(tenantId?: string): Promise<readonly App[]>
}

/** A SIP user of the lab registrar, standing in for a carrier's subscriber. The username is often a real number. */
export type Subscriber = { readonly username: string; readonly password: string }

export type SubscriberStore = {
  find(username: string): Promise<Subscriber | undefined>
  save(subscriber: Subscriber): Promise<void>
  remove(username: string): Promise<boolean>
  list(): Promise<readonly Subscriber[]>
}
