/** Where a push goes: the connection it needs and the request target on it. */
export type PushTarget = { readonly origin: string; readonly path: string }

/** Why an address takes no push; the words are for the operator. */
export type PushUrlFault = { readonly fault: string }

/** Scheme, authority, path and query as the customer wrote them; a fragment is not sent. */
const WRITTEN = /^https?:\/\/[^/?#]+([^#]*)/i

/**
 * Splits a customer's URL. Path and query stay as the customer wrote them, as far as a request line can carry them
 * (spec/notifications.md section 1). What the URL standard repairs silently (blanks around it, line breaks, tabs and
 * backslashes in it, slashes too few or too many) is a fault (spec/console.md): a repaired address may be another one.
 */
export function parsePushUrl(url: string): PushTarget | PushUrlFault {
  if (url.trim() !== url) return { fault: 'the address has blanks before or after it' }
  // oxlint-disable-next-line no-control-regex -- Control characters are what is looked for.
  if (/[\x00-\x1f\x7f\\]/.test(url))
    return { fault: 'the address has a line break, a tab or a backslash in it' }
  const written = WRITTEN.exec(url)?.[1]
  if (written === undefined || !URL.canParse(url)) return { fault: 'the address is not an http or https URL' }
  const path = written.startsWith('/') ? written : `/${written}`
  return {
    origin: new URL(url).origin,
    path: path.toWellFormed().replace(/[^\x21-\x7e]+/g, encodeURIComponent),
  }
}
