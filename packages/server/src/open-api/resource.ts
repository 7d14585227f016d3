import type { EpochMs } from '../shared/time.ts'
import type { App, Mode } from '../tenants/app.ts'
import type { Answer } from './answers.ts'
import type { JsonSchema, Params, Table } from './params.ts'
import type { ResultKey } from './result-codes.ts'

/** An authenticated request as a resource sees it. `query` values are strings; of a repeated one the first counts. */
export type ApiCall = {
  readonly app: App
  readonly query: Params
  readonly body: Buffer | undefined
  readonly from: Requester
}

/** Who asks, from where, when, and the address that they know us by: scheme, host and port, without a slash at the end. */
export type Requester = { readonly ip: string; readonly now: EpochMs; readonly baseUrl: string }

export type ApiHandler = (call: ApiCall) => Promise<Answer>

export type ApiMethod = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** What the OpenAPI document says of one operation. Tables are those the handler reads with. */
export type OperationDoc = {
  /** Unique among all operations: `bindAxb`. */
  readonly id: string
  readonly summary: string
  /** Query parameters, and members of the JSON body. Where several tables are alternatives, all of their members. */
  readonly query?: Table
  readonly body?: Table
  /** Members of a successful answer beside resultcode and resultdesc. */
  readonly answer?: Readonly<Record<string, JsonSchema>>
  /** Success is a 301 without JSON: what its address leads to. */
  readonly redirects?: string
  /** Result codes besides those of every operation. */
  readonly codes: readonly string[]
}

export type BarredApps = {
  /** Default 1010008. */
  readonly suspended?: ResultKey
  /** Default 1010029; `served`: the call is taken all the same. */
  readonly frozen?: ResultKey | 'served'
}

/** One path of the API and the mode that owns it; absent: every mode may call it. */
export type Resource = {
  readonly path: string
  readonly mode?: Mode
  /** What this path does with apps that may not call, where it differs from most. */
  readonly barred?: BarredApps
  readonly handlers: Readonly<Partial<Record<ApiMethod, ApiHandler>>>
  /** One for each handler. */
  readonly docs: Readonly<Partial<Record<ApiMethod, OperationDoc>>>
}
