/**
 * The logger as the domain sees it: a fixed message, fields beside it. Numbers go through `maskNumber` at the call
 * site; the adapter's redaction is the second net.
 */
export type Log = {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
