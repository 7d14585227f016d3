/** One row of the result-code table: HTTP status, `resultcode`, English text. */
export type Result = { readonly status: number; readonly code: string; readonly text: string }

/**
 * Every result code of the API (spec/auth-and-errors.md section 6), keyed by HTTP status and code, because
 * `1010010` means two things by status. The one code with two texts has a third word for its mode.
 */
const TABLE = {
  '200 0': 'Success',

  // Headers of the request (section 6.1).
  '400 1023006': 'Authorization not contained in the HTTP header.',
  '400 1023007': 'realm not contained in Authorization.',
  '400 1023008': 'profile not contained in Authorization.',
  '400 1023009': 'The value of realm in Authorization must be SDP.',
  '400 1023010': 'The value of profile in Authorization must be UsernameToken.',
  '400 1023011': 'The value of type in Authorization must be app_key.',
  '400 1023012': 'type not contained in Authorization.',
  '400 1023013': 'WSSE not contained in Authorization.',
  '400 1023026': 'X-WSSE not contained in the HTTP header.',
  '400 1023027': 'Username not contained in X-WSSE.',
  '400 1023028': 'Nonce not contained in X-WSSE.',
  '400 1023029': 'Created not contained in X-WSSE.',
  '400 1023030': 'PasswordDigest not contained in X-WSSE.',
  '400 1023031': 'The format of Created in X-WSSE is Invalid.',
  '400 1023033': 'HTTP header not found X-AKSK field.',
  '400 1023034': 'UserName not contained in X-AKSK.',
  '400 1023035': 'Nonce not contained in X-AKSK.',
  '400 1023036': 'Created not contained in X-AKSK.',
  '400 1023037': 'PasswordDigest not contained in X-AKSK.',
  '400 1023038': 'The format of Created in X-AKSK is Invalid.',

  // Who asks, and whether he may (section 6.1).
  '401 1010010': 'Invalid digest.',
  '401 1010013': 'Time out limit.',
  '403 1010002': 'Invalid request.',
  '403 1010003': 'Invalid app_key.',
  '403 1010004': 'The status of the app_key is unavailable.',
  '403 1010008': 'The status of the app_key is unavailable.',
  '403 1010010': 'The flow control upper limit is reached on the platform.',
  '403 1010029': 'The subscriber status is frozen.',
  '403 1010040': 'The app_key is not allowed to invoke the API.',
  '403 1020166': 'The app client ip is not in ip white list.',
  '403 1020176': 'Authentication failed, try again later',
  '500 1010001': 'Internal system error.',
  '500 1023001': 'Internal error.',
  '500 1023002': 'Response timeout.',

  // Of terminate call (spec/stop-call-and-recording.md section 1).
  '500 1020001': 'Parameter error.',
  '500 1020002': 'Internal error.',

  // Of the modes (section 6.2).
  '403 1011001': 'Account does not exist.',
  '403 1011002': 'Insufficient number of resources.',
  '403 1011003': 'Exceeded the upper limit of resources that can be applied for.',
  '403 1011004': 'The number is not applied for binding application.',
  '403 1011005': 'Resources have been allocated.',
  '403 1011006': 'Under traffic control status',
  '403 1012001': 'Resource of number is not to be applied.',
  '403 1012007': 'The record does not exist.',
  '403 1012008': 'Insufficient number of resources',
  '403 1012009': 'Maximum number of resources has been exceeded',
  '403 1012010': 'The relation number has been bound.',
  /** `$` stands for the number. */
  '403 1012010 AXYB': 'The number $ has been bound.',
  '403 1012012': 'Application does not open recording function',
  '403 1012102': 'The number is contained in the blacklist.',
  '403 1016001': 'The record does not exist.',
  '403 1016002': 'The record already exists.',
  '403 1020167': 'No idle extend Number.',
  '403 1020178': 'The transparent mode is not allowed.',
  '403 1020182': 'The number succeeds the max bind times per day',
} as const

export type ResultKey = keyof typeof TABLE

/** The registry: every documented result by its key. */
export const RESULTS = Object.fromEntries(
  Object.entries(TABLE).map(([key, text]) => {
    const [status, code] = key.split(' ')
    return [key, { status: Number(status), code, text }]
  }),
) as Readonly<Record<ResultKey, Result>>

/** The result of a business refusal (status 403) by its bare code; undefined for a code that is not documented. */
export function businessResult(code: string): Result | undefined {
  const key = `403 ${code}`
  return Object.hasOwn(RESULTS, key) ? RESULTS[key as ResultKey] : undefined
}
