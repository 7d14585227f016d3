import { RESULTS, businessResult, type Result, type ResultKey } from './result-codes.ts'

/** What goes back to the customer: an HTTP status and a finished JSON text, pure ASCII. */
export type Answer = {
  readonly status: number
  readonly body: string
  readonly code: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Success: the envelope first, then `fields` in their order; undefined ones are left out. */
export function success(fields?: object): Answer {
  if (fields === undefined) return SUCCESS
  const body = ascii(JSON.stringify({ resultcode: '0', resultdesc: 'Success', ...fields }))
  return { status: 200, body, code: '0' }
}

/** A documented failure with its documented text. */
export function failure(key: ResultKey): Answer {
  return FAILURES[key]
}

/** A documented failure under another HTTP status, for what is no API call (download links). */
export function underStatus(status: number, key: ResultKey): Answer {
  return { ...FAILURES[key], status }
}

/** The one success that is no 200: exactly 301, never to be cached (spec/stop-call-and-recording.md section 3). */
export function redirect(location: string): Answer {
  return { status: 301, body: '', code: '0', headers: { location, 'cache-control': 'no-store' } }
}

/** 403 `1010002` that names the culprit, a name out of our own parameter tables. */
export function invalidParameter(parameter: string): Answer {
  return invalidRequest(403, parameter)
}

/** `1010002` under another status, for faults below the API: unknown path, method, oversize, broken HTTP. */
export function invalidRequest(status: number, what: string): Answer {
  return plain({ status, code: '1010002', text: `Invalid request. ${what} is invalid.` })
}

/** A refusal of the domain by its bare code; a code outside the registry is our own fault: 500 `1010001`. */
export function refusal(code: string, parameter?: string): Answer {
  if (code === '1010002' && parameter !== undefined) return invalidParameter(parameter)
  const result = businessResult(code)
  return result === undefined ? failure('500 1010001') : plain(result)
}

/** 403 `1012010` of AXYB, whose text names the number. */
export function numberBound(number: string): Answer {
  const result = RESULTS['403 1012010 AXYB']
  return plain({ ...result, text: result.text.replace('$', number) })
}

function plain({ status, code, text }: Result): Answer {
  return { status, body: JSON.stringify({ resultcode: code, resultdesc: text }), code }
}

const NON_ASCII = /[^\x20-\x7e]/
const EVERY_NON_ASCII = /[^\x20-\x7e]/g

/** Writes what is not ASCII as `\uXXXX`: one deployed client re-encodes every answer from GBK (client-habits 17). */
export function ascii(json: string): string {
  if (!NON_ASCII.test(json)) return json
  return json.replace(EVERY_NON_ASCII, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const SUCCESS = plain(RESULTS['200 0'])
const FAILURES = Object.fromEntries(
  Object.entries(RESULTS).map(([key, result]) => [key, plain(result)]),
) as Readonly<Record<ResultKey, Answer>>
