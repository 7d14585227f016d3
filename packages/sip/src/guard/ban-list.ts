import { keepNewest } from './oldest.ts'

/** What a source is banned for; see the points of each in offences.ts. */
export type Offence = 'scanner' | 'digest' | 'dialling' | 'malformed' | 'noise' | 'stray' | 'challenged'

export type Ban = {
  /** An IPv4 address, or the /64 of an IPv6 address. */
  readonly source: string
  /** What it did last. */
  readonly why: Offence
  /** Milliseconds since the epoch. */
  readonly until: number
  /** Which ban of this source it is; each lasts twice as long as the one before. */
  readonly times: number
  /**
   * Whether connections are refused too. Not so when all that was heard of the source were datagrams: somebody else may have
   * put its address on them.
   */
  readonly connectionsToo: boolean
}

/** Beyond it the ban that was spoken first is lifted. */
const MAX_BANS = 65_536
/** However often. */
const LONGEST_MS = 24 * 3600_000
/** A source that kept quiet for so long after a ban begins anew. */
const FORGOTTEN_AFTER_MS = 24 * 3600_000

/** Sources that are not listened to: bans end by themselves, and grow. */
export class BanList {
  readonly #banMs: number
  readonly #bans = new Map<string, Ban>()

  /** `banMs` of 0: nobody is ever banned. */
  constructor(banMs: number) {
    this.#banMs = banMs
  }

  get size(): number {
    return this.#bans.size
  }

  isBanned(source: string, byConnection: boolean, now: number): boolean {
    if (this.#bans.size === 0) return false
    const ban = this.#bans.get(source)
    return ban !== undefined && ban.until > now && (!byConnection || ban.connectionsToo)
  }

  /** Undefined when nobody is banned here, or the source is already. */
  ban(source: string, why: Offence, connectionsToo: boolean, now: number): Ban | undefined {
    if (this.#banMs === 0) return undefined
    const last = this.#bans.get(source)
    const isLive = last !== undefined && last.until > now
    if (isLive && (last.connectionsToo || !connectionsToo)) return undefined
    const times = isLive ? last.times : last === undefined || isForgotten(last, now) ? 1 : last.times + 1
    const until = now + Math.min(LONGEST_MS, this.#banMs * 2 ** (times - 1))
    const ban: Ban = { source, why, until, times, connectionsToo }
    this.#bans.delete(source)
    this.#bans.set(source, ban)
    keepNewest(this.#bans, MAX_BANS)
    return ban
  }

  /** False when it was not banned. */
  lift(source: string, now: number): boolean {
    const ban = this.#bans.get(source)
    this.#bans.delete(source)
    return ban !== undefined && ban.until > now
  }

  list(now: number): readonly Ban[] {
    return [...this.#bans.values()].filter(({ until }) => until > now)
  }

  sweep(now: number): void {
    for (const [source, ban] of this.#bans) if (isForgotten(ban, now)) this.#bans.delete(source)
  }
}

const isForgotten = (ban: Ban, now: number): boolean => ban.until + FORGOTTEN_AFTER_MS <= now
