/**
 * Faults of our own with a stable code: what happened, where, what to do stands in the message.
 * Callers match on `code`. Expected outcomes (no binding, busy) are values, not errors.
 */
export class AppError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'AppError'
    this.code = code
  }
}
