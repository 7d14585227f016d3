import { type Binding, type Claim, type ClaimKey, claimsOf } from '../bindings/binding.ts'
import type { E164 } from '../shared/e164.ts'
import type { Sealer } from '../shared/seal.ts'

/** What a row of `binding` gives; `sealed_detail` is opened by `toBinding`. */
export const ROW = [
  'seq',
  'id',
  'app_key',
  'mode',
  'binding.x',
  'parent_seq',
  'expires_at',
  'changed_at',
  'sealed_detail',
] as const

export type BindingRow = {
  readonly seq: number
  readonly id: string
  readonly app_key: string
  readonly mode: string
  readonly x: string
  readonly parent_seq: number | null
  readonly expires_at: number | null
  readonly changed_at: number
  readonly sealed_detail: string
}

/** What lies in columns of its own; all else is the sealed detail. */
type InColumns = 'mode' | 'id' | 'appKey' | 'expiresAt' | 'changedAt'

/** A claim as the table has it: its key as text. */
export type ClaimRow = { readonly number: E164; readonly key: string; readonly role: Claim['role'] }

/** Turns bindings into rows and back. Parties are sealed; so is every detail of a binding. */
export type BindingRows = {
  toBinding(row: BindingRow): Binding
  seal(binding: Binding): string
  key(key: ClaimKey): string
  claims(binding: Binding): readonly ClaimRow[]
  /** A, in the modes that count A's bindings. */
  aKey(binding: Binding): string | null
  bKey(binding: Binding): string | null
  party(number: E164): string
}

export function createBindingRows(sealer: Sealer): BindingRows {
  const key = (claim: ClaimKey): string => {
    switch (claim.kind) {
      case 'any':
        return 'any'
      case 'party':
        return `party:${sealer.sealNumber(claim.party)}`
      case 'ext':
        return `ext:${claim.extension}`
      default:
        return claim satisfies never
    }
  }
  return {
    key,
    party: (number) => sealer.sealNumber(number),
    claims: (binding) =>
      claimsOf(binding).map((claim) => ({ number: claim.number, key: key(claim.key), role: claim.role })),
    aKey: ({ mode, a }) => (mode === 'AX' || mode === 'AXYB' ? sealer.sealNumber(a) : null),
    bKey: (binding) => (binding.mode === 'AXYB-PAIR' ? sealer.sealNumber(binding.b) : null),
    seal(binding) {
      const { mode: _m, id: _i, appKey: _k, expiresAt: _e, changedAt: _c, ...detail } = binding
      // The number in the column of its own needs no second place.
      const { [binding.mode === 'AXYB-PAIR' ? 'y' : 'x']: _p, ...rest } = detail as Record<string, unknown>
      return sealer.sealText(JSON.stringify(rest), 'binding')
    },
    toBinding(row) {
      const detail = JSON.parse(sealer.openText(row.sealed_detail, 'binding')) as Omit<Binding, InColumns>
      const binding = {
        mode: row.mode,
        id: row.id,
        appKey: row.app_key,
        [row.mode === 'AXYB-PAIR' ? 'y' : 'x']: row.x as E164,
        ...detail,
        changedAt: row.changed_at,
        ...(row.expires_at !== null && { expiresAt: row.expires_at }),
      }
      return binding as unknown as Binding
    },
  }
}

/** The kind of a claim's key as the table has it. */
export const kindOf = (key: string): ClaimKey['kind'] =>
  key === 'any' ? 'any' : key.startsWith('ext:') ? 'ext' : 'party'
