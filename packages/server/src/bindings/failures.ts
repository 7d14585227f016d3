import type { BindFailure } from './axb-requests.ts'

/** A request that breaks a rule of a parameter: `1010002` in every mode, with the culprit. */
export const invalid = (parameter: string): BindFailure => ({ ok: false, code: '1010002', parameter })

/** A refusal by a mode's own code. */
export const refused = (code: string): BindFailure => ({ ok: false, code })
