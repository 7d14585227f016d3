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
    /** What of App holds real numbers (black lists, a transfer number), as sealed JSON; null = nothing. */
    sealed_private: string | null
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
    /** The extension last given on it by the platform (AXE), as a number; 0 = none yet. */
    last_extension: number
    /** Why it is unusable: `cause` of the status push (spec/number-status.md); null = none. */
    cause: string | null
  }
  binding: {
    seq: Generated<number>
    id: string
    app_key: string
    mode: string
    /** The number whose place it takes: X, or Y of a Y-B pair. */
    x: string
    /** The relation a Y-B pair belongs to; null for all others. */
    parent_seq: number | null
    /** A, sealed, in the modes that count A's bindings (AX, AXYB); else null. */
    a_key: string | null
    /** B of a Y-B pair, sealed; else null. */
    b_key: string | null
    /** Instant of expiry; null = never, 0 = unbound with its whole X and not cleared yet. */
    expires_at: number | null
    changed_at: number
    /** Parties, tones, user data and limits: the rest of Binding as sealed JSON. */
    sealed_detail: string
  }
  claim: {
    number: string
    /** `any`, `ext:` and the extension, or `party:` and the sealed number. */
    key: string
    binding_seq: number
    /** What the claimant is in the binding: `a` or `b`. */
    role: string
  }
  /** How often a party was bound on a day, where that is limited. */
  bind_count: {
    /** App and sealed A. */
    key: string
    /** Days since 1970 (UTC). */
    day: number
    binds: number
  }
  /** What is remembered beside a binding: one value of a kind. */
  binding_memory: {
    binding_seq: number
    kind: string
    remembered_at: number
    expires_at: number | null
    sealed_value: string
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
  /** Recordings: what the CDRs name, and where it is (recordings/ports.ts). */
  recording: {
    object: string
    bucket: string
    domain: string
    app_key: string
    session_id: string
    started_at: number
    kept_until: number
    bytes: number
    duration_ms: number
    /** Null while the file waits in the folder of parts. */
    stored_at: number | null
    deleted_at: number | null
  }
  /** SMS that came to X (sms/message.ts); an id begins with the instant of arrival. */
  sms_message: {
    id: string
    /** Id of the node that works on it. */
    node: string
    app_key: string | null
    x: string
    sealed_from: string
    sealed_called: string | null
    state: string
    /** Null once it is ended. */
    due_at: number | null
    /**
     * Sealed: sender, X and reference of parts that belong together, or a carrier's id, or the whole of a text that came alone; counts
     * until `gather_until`, and without one while the acknowledgement is in doubt.
     */
    gather_key: string | null
    gather_until: number | null
    /** When the part came whose acknowledgement the network is not known to have read; null = none. */
    unread_since: number | null
    subscription_id: string | null
    result: number | null
    /** The rest of SmsMessage as sealed JSON. */
    sealed_detail: string
  }
  /** Parts of SMS that go to receivers. */
  sms_part: {
    message_id: string
    idx: number
    segments: number
    state: string
    carrier: string | null
    /** The carrier's id of it. */
    carrier_id: string | null
    status: number | null
    at: number
    receipt: string | null
  }
  subscriber: {
    sealed_username: string
    sealed_password: string
  }
  announcement: {
    tenant_id: string
    name: string
    /** `reviewing`, `approved`, `rejected`. */
    state: string
    description: string
    review_note: string
    uploaded_by: string
    uploaded_at: number
    reviewed_at: number | null
    /** Of the WAV file, hex. */
    sha256: string
    /** Bytes of the WAV file. */
    size: number
    duration_ms: number
    original_name: string
    /** The WAV file, base64. */
    audio: string
  }
  meta: { key: string; value: string }
}
