/** Where a push goes: the connection it needs and the request target on it. */
export type PushTarget = { readonly origin: string; readonly path: string }

/**
 * Splits a customer's URL. Path and query stay as the customer wrote them, as far as a request line can carry them
 * (spec/notifications.md section 1). Undefined for anything but http and https.
 */
export function parsePushUrl(url: string): PushTarget | undefined {
  if (!URL.canParse(url)) return undefined
  const parsed = new URL(url)
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') return undefined
  const [, written = ''] = /^[a-z]+:\/\/[^/?#]*([^#]*)/i.exec(url) ?? []
  const target = written.startsWith('/') ? written : `/${written}`
  return {
    origin: parsed.origin,
    path: /^[\x21-\x7e]*$/.test(target) ? target : parsed.pathname + parsed.search,
  }
}
