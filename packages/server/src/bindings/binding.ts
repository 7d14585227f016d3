import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'

/** Who may call whom: 0 both ways, 1 only A calls, 2 only the others call (spec/axb.md section 3, ax.md, axyb.md). */
export type CallDirection = 0 | 1 | 2

/** Personalised waiting tones (ApiPlayInfo). */
export type PreVoice = { readonly callerHintTone?: string; readonly calleeHintTone?: string }

/** What every binding has. */
type Common = {
  /** subscriptionId: UUID with dashes. */
  readonly id: string
  readonly appKey: string
  readonly x: E164
  readonly a: E164
  /** Instant of expiry; absent = never. */
  readonly expiresAt?: EpochMs
  readonly recordFlag: boolean
  readonly recordHintTone?: string
  readonly userData?: string
  /** City code given on bind, kept for the query. */
  readonly areaCode?: string
  /** Instant of bind or last change: `subscribeTime` of the query. */
  readonly changedAt: EpochMs
}

/** An AX binding: A is reached through X, and calls out through X (spec/ax.md). It never expires. */
export type AxBinding = Common & {
  readonly mode: 'AX'
  /** What A sees when others call: `0` X, `1` the real caller; absent when it was never set. */
  readonly calleeNumDisplay?: '0' | '1'
  /** Longest single call in minutes, 0 = no limit. */
  readonly maxDurationMin: number
  readonly lastMinVoice?: string
  readonly privateSms: boolean
  readonly preVoice?: PreVoice
  /** Power state (隐私开关机); `off`: nobody reaches A. */
  readonly turnFlag: 'on' | 'off'
  readonly callDirection: CallDirection
}

/** An AXB binding: A and B reach each other through X (spec/axb.md). */
export type AxbBinding = Common & {
  readonly mode: 'AXB'
  /** `calleeNum` of the API; `a` is its `callerNum`. */
  readonly b: E164
  readonly callDirection: CallDirection
  /** Seconds as given, 0 = never expires. */
  readonly durationSec: number
  /** Longest single call in minutes, 0 = no limit. */
  readonly maxDurationMin: number
  readonly lastMinVoice?: string
  readonly privateSms: boolean
  readonly preVoice?: PreVoice
}

/** An AXE binding: A is reached through X and the extension E (spec/axe.md). */
export type AxeBinding = Common & {
  readonly mode: 'AXE'
  /** E, a string of digits: leading zeros count. */
  readonly extension: string
  /** What A sees when others call: `0` X, `1` the real caller. */
  readonly displayNumMode?: '0' | '1'
  /** Played to A, or called by A, when there is no call-back record. A bind gives one of the two; the number goes first. */
  readonly callbackTone?: string
  readonly callbackNum?: E164
  /** As the bind gave them (or a modify, when the bind did not): what the query shows (spec/axe.md section 4). */
  readonly timeUnit?: '0' | '1'
  readonly bindExpiredTime?: number
  readonly callbackExpiredTime?: number
  /** How long a call-back record lives, ms; 0 = as long as the binding. */
  readonly callbackLifeMs: number
}

/** The A-X part of an AXYB relation (spec/axyb.md). */
export type AxybBinding = Common & {
  readonly mode: 'AXYB'
  readonly areaMatchMode: '0' | '1'
  readonly callDirection: CallDirection
  /** Seconds as given, 0 = never expires. */
  readonly durationSec: number
  /** Life of Y-B pairs that name none of their own, seconds; 0 = as long as A-X. */
  readonly ybDurationSec: number
  readonly preVoiceX?: string
}

/**
 * A Y-B pair of an AXYB relation. It carries a copy of the relation's settings, which never change, so that one
 * lookup routes a call; it dies with the relation, and `expiresAt` is never later than the relation's.
 */
export type AxybPair = Common & {
  readonly mode: 'AXYB-PAIR'
  /** subscriptionId of the relation; `id` is the pair's own and never on the wire. */
  readonly relationId: string
  readonly y: E164
  readonly b: E164
  readonly callDirection: CallDirection
  /** As given for this pair, seconds; 0 = as long as A-X. */
  readonly ybDurationSec: number
  readonly preVoiceX?: string
  readonly preVoiceY?: string
}

export type Binding = AxBinding | AxbBinding | AxeBinding | AxybBinding | AxybPair
export type BindingMode = Binding['mode']
export type BindingOf<M extends BindingMode> = Extract<Binding, { readonly mode: M }>

/** What a caller is in the binding that its claim leads to: A, or the other side. */
export type Role = 'a' | 'b'

/**
 * One claim of a binding on a number (docs/architecture.md): a row of claim(number, key) with a unique index. `key` is
 * `any`, `ext:E`, or `party` with the number that must call.
 */
export type Claim = { readonly number: E164; readonly key: ClaimKey; readonly role: Role }
export type ClaimKey =
  | { readonly kind: 'any' }
  | { readonly kind: 'party'; readonly party: E164 }
  | { readonly kind: 'ext'; readonly extension: string }

const ANY: ClaimKey = { kind: 'any' }
const partyKey = (party: E164): ClaimKey => ({ kind: 'party', party })
const extKey = (extension: string): ClaimKey => ({ kind: 'ext', extension })

/** The claims of a binding; every binding has exactly one claim of role `a` on the number whose place it takes. */
export function claimsOf(binding: Binding): readonly Claim[] {
  const { x, a } = binding
  switch (binding.mode) {
    case 'AX':
    case 'AXYB':
      return [
        { number: x, key: partyKey(a), role: 'a' },
        { number: x, key: ANY, role: 'b' },
      ]
    case 'AXB':
      return [
        { number: x, key: partyKey(a), role: 'a' },
        { number: x, key: partyKey(binding.b), role: 'b' },
      ]
    case 'AXE':
      return [
        { number: x, key: partyKey(a), role: 'a' },
        { number: x, key: extKey(binding.extension), role: 'b' },
      ]
    case 'AXYB-PAIR':
      return [
        { number: binding.y, key: partyKey(a), role: 'a' },
        { number: x, key: partyKey(binding.b), role: 'b' },
      ]
    default:
      return binding satisfies never
  }
}

/** The number whose place a binding takes (`x_number.bound`): Y for a pair, else X. */
export const placeOf = (binding: Binding): E164 => (binding.mode === 'AXYB-PAIR' ? binding.y : binding.x)

/**
 * What is remembered beside a binding and dies with it: the callee of A's next call (AX), whom A talked with last (AX), who
 * called A last (AXE). Those of AX say whose they are, because a modify may put another A in the place.
 */
export type Memories = {
  readonly 'temporary-callee': {
    readonly a: E164
    /** Tells one setting from the next, so that a call consumes only its own. */
    readonly token: string
    readonly callee: E164
    readonly calleeHintVoice?: string
    readonly userData?: string
  }
  readonly 'last-peer': { readonly a: E164; readonly peer: E164 }
  readonly callback: { readonly caller: E164 }
}
export type MemoryKind = keyof Memories
