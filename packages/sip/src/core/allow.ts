import type { DialogHandlers } from './types.ts'

/** What the stack itself takes part in. */
const ALWAYS = 'INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE'
const WITH_REQUESTS = `${ALWAYS}, INFO`

/**
 * The value of Allow (RFC 3261 §20.5): what will be handled, and nothing else. INFO, or what they name, belongs to it where
 * the handlers of a dialog take requests; `more` are methods that an application takes outside dialogs.
 */
export function allowOf(
  handlers: Pick<DialogHandlers, 'onRequest' | 'takes'> | undefined,
  more?: readonly string[],
): string {
  const base =
    handlers?.onRequest === undefined
      ? ALWAYS
      : handlers.takes === undefined
        ? WITH_REQUESTS
        : `${ALWAYS}, ${handlers.takes.join(', ')}`
  return more === undefined || more.length === 0 ? base : `${base}, ${more.join(', ')}`
}
