import { SUPPORTED } from '../core/features.ts'

export type Refusal = { readonly status: number; readonly headers: readonly string[] }

/**
 * What a request inside a dialog gets that nobody takes: SUBSCRIBE and NOTIFY 489, as there is no event package here (RFC 6665
 * §4.1.3, §4.2.1.1), REFER (RFC 3515 §2.4.2), MESSAGE, PUBLISH and the unknown 405 with Allow (RFC 3261 §8.2.1). OPTIONS is
 * answered as the INVITE would be (§11.2).
 */
export function refusalInDialog(method: string, allow: string): Refusal {
  switch (method) {
    case 'OPTIONS':
      return {
        status: 200,
        headers: ['Allow', allow, 'Accept', 'application/sdp', 'Supported', SUPPORTED],
      }
    case 'SUBSCRIBE':
    case 'NOTIFY':
      return { status: 489, headers: ['Allow', allow] }
    default:
      return { status: 405, headers: ['Allow', allow] }
  }
}
