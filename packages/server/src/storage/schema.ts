import type { Generated } from 'kysely'

/**
 * The tables, as Kysely sees them; `migrations/` makes them. One schema for SQLite and PostgreSQL: text, integers
 * (instants in epoch milliseconds, booleans 0 and 1), no type that one of them lacks.
 *
 * `sealed…` columns hold what the sealer gives (docs/adr/0003-sealing.md). X numbers lie in clear: they are ours
 * and shown to everybody; real numbers, secrets and texts never do.
 */
export type Database = {
  tenant: {
    id: string
    sp_id: string
    /** `active` or `frozen`. */
    account_status: string
  }
  app: {
    key: string
    tenant_id: string
    sealed_secret: string
    /** The rest of App as JSON: switches, addresses, tones. */
    settings: string
  }
  x_number: {
    number: string
    app_key: string
    area_code: string
    province: string
    status: string
    sms_capable: number
    /** Rows of `binding` on this X, expired ones that are not swept yet included. */
    bound: number
    /** Instant of the last release of a binding, 0 = never. */
    released_at: number
  }
  binding: {
    seq: Generated<number>
    id: string
    app_key: string
    mode: string
    x: string
    /** Instant of expiry; null = never, 0 = unbound with its whole X and not cleared yet. */
    expires_at: number | null
    changed_at: number
    /** Parties, tones, user data and limits: the rest of Binding as sealed JSON. */
    sealed_detail: string
  }
  claim: {
    number: string
    /** `any`, or `party:` and the sealed number. */
    key: string
    binding_seq: number
    /** What the claimant is in the binding: `a` or `b`. */
    role: string
  }
  call_journal: {
    session_id: string
    /** Id of the node that owns the call (storage/node-id.ts). */
    node: string
    app_key: string | null
    x: string
    started_at: number
    /** Null while the call is open. */
    ended_at: number | null
    release_code: number | null
    /** CallRecord as sealed JSON. */
    sealed_record: string
  }
  /** Facts that were set aside because they could not be saved for their own sake. */
  journal_dead: {
    seq: Generated<number>
    session_id: string
    event: string
    at: number
    /** The fact and why it could not be saved, as sealed JSON. */
    sealed_fact: string
  }
  outbox: {
    id: number
    app_key: string
    kind: string
    url: string
    session_id: string
    sealed_body: string
    attempts: number
    batch_id: string | null
    first_failed_at: number | null
    due_at: number
    /** Why the last attempt failed. */
    error: string | null
  }
  subscriber: {
    sealed_username: string
    sealed_password: string
  }
  meta: { key: string; value: string }
}
