import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'

/** Who may call whom (spec/axb.md section 3): 0 both ways, 1 only A calls B, 2 only B calls A. */
export type CallDirection = 0 | 1 | 2

/** Personalised waiting tones (ApiPlayInfo). */
export type PreVoice = { readonly callerHintTone?: string; readonly calleeHintTone?: string }

/** An AXB binding: A and B reach each other through X (spec/axb.md). */
export type AxbBinding = {
  readonly mode: 'AXB'
  /** subscriptionId: UUID with dashes. */
  readonly id: string
  readonly appKey: string
  readonly x: E164
  /** `callerNum` of the API. */
  readonly a: E164
  /** `calleeNum` of the API. */
  readonly b: E164
  readonly callDirection: CallDirection
  /** Seconds as given, 0 = never expires. */
  readonly durationSec: number
  /** Instant of expiry; absent = never. */
  readonly expiresAt?: EpochMs
  /** Longest single call in minutes, 0 = no limit. */
  readonly maxDurationMin: number
  readonly recordFlag: boolean
  readonly recordHintTone?: string
  readonly lastMinVoice?: string
  readonly privateSms: boolean
  readonly preVoice?: PreVoice
  readonly userData?: string
  /** City code given on bind, kept for the query. */
  readonly areaCode?: string
  /** Instant of bind or last change: `subscribeTime` of the query. */
  readonly changedAt: EpochMs
}

/** All modes; AX, AXE, AXYB join here. */
export type Binding = AxbBinding

/**
 * One claim of a binding on a number (architecture section 2): a row of claim(number, key) with a unique index.
 * AXB claims (X, `party:A`) and (X, `party:B`).
 */
export type Claim = { readonly number: E164; readonly key: string; readonly role: 'a' | 'b' }

export const partyKey = (party: E164): string => `party:${party}`
export const ANY_KEY = 'any'
