const scratch = Buffer.alloc(1024)

/**
 * A copy of a text (wire characters) that stands on its own. What is cut from a message, or joined from such cuts, keeps the
 * whole message alive in V8; a key that lives for half a minute must not.
 */
export function ownText(text: string): string {
  if (text.length > scratch.length) return Buffer.from(text, 'latin1').toString('latin1')
  return scratch.toString('latin1', 0, scratch.write(text, 0, 'latin1'))
}
