import type { App, Mode } from '../tenants/app.ts'
import type { Answer } from './answers.ts'
import type { Params } from './params.ts'

/** An authenticated request as a resource sees it. `query` values are strings; of a repeated one the first counts. */
export type ApiCall = { readonly app: App; readonly query: Params; readonly body: Buffer | undefined }

export type ApiHandler = (call: ApiCall) => Promise<Answer>

export type ApiMethod = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** One path of the API and the mode that owns it; absent: every mode may call it. */
export type Resource = {
  readonly path: string
  readonly mode?: Mode
  readonly handlers: Readonly<Partial<Record<ApiMethod, ApiHandler>>>
}
