import { randomInt } from 'node:crypto'
import { header } from '../message/headers.ts'
import type { SipRequest } from '../message/message.ts'
import { ownText } from '../transaction/own-text.ts'
import type { Hop } from '../transport/address.ts'
import type { Admission } from '../transport/transport.ts'
import { BanList } from './ban-list.ts'
import type { Ban, Offence } from './ban-list.ts'
import { KnownSources } from './known-sources.ts'
import { POINTS, POINTS_LIMIT, POINTS_WINDOW_MS, isScanner, offenceOf } from './offences.ts'
import { Points } from './points.ts'
import { RateBucket, RateSlots } from './rate-slots.ts'
import { sourceKeyOf } from '../transport/source-key.ts'

export type GuardOptions = {
  /** Addresses that may send what they like and are never banned: carriers. Asked once, then remembered. */
  isTrusted?(address: string): boolean
  /** Messages a second of one address (IPv6: one /64), and of one flow of a user who proved itself; default 50, 0: any. */
  readonly ratePerSource?: number
  /** Messages a second of all strangers together, by datagrams and again by connections; default 1000, 0: any. */
  readonly rateOfStrangers?: number
  /** Messages a second of one trusted address; default 0: any. */
  readonly ratePerTrusted?: number
  /** The first ban of a source, milliseconds; each further one is twice as long. Default 300,000, 0: no bans. */
  readonly banMs?: number
  /** Told of each ban. */
  onBan?(ban: Ban): void
  /** Milliseconds since the epoch, never going back; default the process's own. */
  now?(): number
}

/** What the guard turned away since the start, and what it remembers now. */
export type GuardStats = {
  readonly droppedBanned: number
  readonly droppedByRate: number
  /** Malformed requests that got no 400. */
  readonly faultsUnanswered: number
  readonly bans: number
  readonly offenders: number
  readonly known: number
}

/** Counts wrong passwords, by source and by user name. */
export type DigestWatch = {
  /** Whether credentials of this user are looked at: a name that is being guessed rests, but not for the flow that it is known at. */
  mayTry(username: string, source: Hop): boolean
  onWrong(username: string, source: Hop): void
  onRight(username: string, source: Hop): void
}

/** A flow or peer is known for so long after it was heard of. */
const KNOWN_MS = 3600_000
/** What may come at once: so many seconds' worth. */
const BURST_SEC = 2
/** One 400 a second. */
const FAULT_ANSWERS = { perSec: 1, burst: 5 }
/** Wrong passwords of one user name, from anywhere, in so long; then one in 12 s. */
const NAME_FAILURES = 50
const NAME_WINDOW_MS = 600_000
const MAX_NAME_LENGTH = 64
const SWEEP_EVERY_MS = 60_000
const MAX_TRUSTED = 4096

/**
 * Keeps strangers from taking the stack's time and memory. Three kinds of sources: trusted ones (carriers) always pass; known
 * ones (users who gave their password, peers that we ask) are never banned by what datagrams say, for anybody can write their
 * address on those; strangers have a rate, and points that ban. All tables are bounded. What is turned away gets no answer.
 */
export class Guard implements DigestWatch {
  readonly #options: GuardOptions
  readonly #now: () => number
  readonly #bans: BanList
  readonly #offenders = new Points(POINTS_LIMIT, POINTS_WINDOW_MS)
  readonly #names = new Points(NAME_FAILURES, NAME_WINDOW_MS)
  readonly #known: KnownSources
  readonly #datagrams: RateSlots
  readonly #connections: RateSlots
  readonly #trustedRate: RateSlots | undefined
  readonly #strangers: RateBucket | undefined
  /** Apart from datagrams, whose senders may be made up: those shut no connection out. */
  readonly #connectedStrangers: RateBucket | undefined
  readonly #faultAnswers: RateSlots
  readonly #trusted = new Set<string>()
  /** The last two that were trusted, compared before anything is looked up: a call has two sides. */
  #lastTrusted = ''
  #secondLastTrusted = ''
  /** The last that was not: a flood comes from one address mostly. */
  #lastStranger = ''
  #lastAddress = ''
  #lastKey = ''
  #sweepAt = 0
  #droppedBanned = 0
  #droppedByRate = 0
  #faultsUnanswered = 0

  constructor(options: GuardOptions = {}) {
    this.#options = options
    this.#now = options.now ?? (() => performance.timeOrigin + performance.now())
    const { ratePerSource = 50, rateOfStrangers = 1000, ratePerTrusted = 0, banMs = 300_000 } = options
    const limit = limitOf(ratePerSource)
    this.#bans = new BanList(banMs)
    this.#known = new KnownSources(limit, KNOWN_MS)
    this.#datagrams = new RateSlots(limit, newSeed())
    this.#connections = new RateSlots(limit, newSeed())
    this.#trustedRate = ratePerTrusted > 0 ? new RateSlots(limitOf(ratePerTrusted), newSeed()) : undefined
    const newBucket = () => (rateOfStrangers > 0 ? new RateBucket(limitOf(rateOfStrangers)) : undefined)
    this.#strangers = newBucket()
    this.#connectedStrangers = newBucket()
    this.#faultAnswers = new RateSlots(FAULT_ANSWERS, newSeed())
  }

  /**
   * Whether a message of this source is read at all. Asked for each before it is parsed. Who is banned, or says too much alone,
   * is cut off; when it is all strangers together who say too much, nobody is to blame.
   */
  admits(source: Hop): Admission {
    const { address } = source
    if (this.#isTrusted(address))
      return this.#trustedRate === undefined
        ? 'read'
        : this.#counted(this.#trustedRate.take(address, this.#now()))
    const now = this.#now()
    const key = this.#keyOf(address)
    const standing = this.#known.standingOf(key, source.port, now)
    if (standing === 'peer') return 'read'
    if (standing === 'flow') return this.#counted(this.#known.take(key, source.port, now))
    const isDatagram = source.transport === 'udp'
    if (this.#bans.isBanned(key, !isDatagram, now)) {
      this.#droppedBanned++
      return 'cut'
    }
    const [slots, strangers] = isDatagram
      ? [this.#datagrams, this.#strangers]
      : [this.#connections, this.#connectedStrangers]
    const isAdmitted = this.#counted(slots.take(key, now))
    return isAdmitted === 'read' ? this.#counted(strangers?.take(now) !== false, 'drop') : isAdmitted
  }

  /** Whether a connection is taken; whose port proves nothing yet. */
  admitsConnection(address: string): boolean {
    if (this.#isTrusted(address)) return true
    const now = this.#now()
    const key = this.#keyOf(address)
    if (this.#known.standingOf(key, 0, now) === 'peer' || !this.#bans.isBanned(key, true, now)) return true
    this.#droppedBanned++
    return false
  }

  /** Whether a request is looked at further; a scanner is banned by its first. */
  admitsRequest(request: SipRequest, source: Hop): boolean {
    if (!this.isStranger(source) || !isScanner(header(request, 'User-Agent') ?? '')) return true
    this.offend(source, 'scanner')
    return false
  }

  /** Whether a request that breaks the grammar is told so. */
  answersFault(source: Hop): boolean {
    if (!this.isStranger(source)) return true
    this.offend(source, 'malformed')
    if (this.#faultAnswers.take(this.#keyOf(source.address), this.#now())) return true
    this.#faultsUnanswered++
    return false
  }

  /** Neither trusted nor known. */
  isStranger({ address, port }: Hop): boolean {
    if (this.#isTrusted(address)) return false
    const standing = this.#known.standingOf(this.#keyOf(address), port, this.#now())
    return standing === undefined || standing === 'neighbour'
  }

  /** A request of ours goes there: what comes back is no stranger's. */
  onAsked({ address, port }: Hop): void {
    if (this.#isTrusted(address)) return
    const now = this.#now()
    const key = this.#keyOf(address)
    if (this.#known.standingOf(key, port, now) === undefined)
      this.#welcome(() => this.#known.addPeer(key, now))
  }

  /** The source was let in as a carrier, by its certificate or password and not by its address. */
  admitPeer({ address }: Hop): void {
    if (this.#isTrusted(address)) return
    this.#welcome(() => this.#known.addPeer(this.#keyOf(address), this.#now()))
  }

  onRight(username: string, { address, port }: Hop): void {
    if (this.#isTrusted(address)) return
    const key = this.#keyOf(address)
    this.#forgive(key)
    this.#welcome(() => this.#known.addFlow(key, port, nameOf(username), this.#now()))
  }

  /** A request of the source was refused with this status. */
  onRefused(source: Hop, status: number): void {
    const offence = offenceOf(status)
    if (offence !== undefined) this.offend(source, offence)
  }

  offend({ address, port, transport }: Hop, offence: Offence): void {
    if (this.#isTrusted(address)) return
    const now = this.#now()
    const key = this.#keyOf(address)
    const isDatagram = transport === 'udp'
    const standing = this.#known.standingOf(key, port, now)
    // Whoever wrote this datagram need not sit at the address of the user or peer that it bears.
    if (standing === 'peer' || (standing !== undefined && isDatagram)) return
    // Every phone of an office is, each time that it connects.
    if (standing !== undefined && offence === 'challenged') return
    this.#sweepAtTimes(now)
    const offender = isDatagram ? key : connected(key)
    if (!this.#offenders.add(offender, POINTS[offence], now)) return
    this.#offenders.forget(offender)
    const ban = this.#bans.ban(key, offence, !isDatagram, now)
    if (ban !== undefined) this.#options.onBan?.(ban)
  }

  mayTry(username: string, { address, port }: Hop): boolean {
    const now = this.#now()
    const name = nameOf(username)
    if (!this.#names.isFull(name, now) || this.#isTrusted(address)) return true
    return this.#known.userAt(this.#keyOf(address), port, now) === name
  }

  onWrong(username: string, source: Hop): void {
    this.offend(source, 'digest')
    if (!this.#isTrusted(source.address)) this.#names.add(nameOf(username), 1, this.#now())
  }

  /** Who is banned now. */
  bans(): readonly Ban[] {
    return this.#bans.list(this.#now())
  }

  /** Lifts the ban of an address, or of the source as it stands in the list; false when there was none. */
  lift(source: string): boolean {
    const key = source.endsWith('/64') ? source : sourceKeyOf(source)
    this.#forgive(key)
    return this.#bans.lift(key, this.#now())
  }

  stats(): GuardStats {
    const now = this.#now()
    this.#sweep(now)
    return {
      droppedBanned: this.#droppedBanned,
      droppedByRate: this.#droppedByRate,
      faultsUnanswered: this.#faultsUnanswered,
      bans: this.#bans.size,
      offenders: this.#offenders.size + this.#names.size,
      known: this.#known.size,
    }
  }

  #isTrusted(address: string): boolean {
    if (address === this.#lastTrusted || address === this.#secondLastTrusted) return true
    if (address === this.#lastStranger) return false
    if (!this.#trusted.has(address)) {
      if (this.#options.isTrusted?.(address) !== true) {
        this.#lastStranger = address
        return false
      }
      // A wide range may be trusted, and addresses made up in it.
      if (this.#trusted.size >= MAX_TRUSTED) this.#trusted.clear()
      this.#trusted.add(address)
    }
    this.#secondLastTrusted = this.#lastTrusted
    this.#lastTrusted = address
    return true
  }

  #keyOf(address: string): string {
    if (address !== this.#lastAddress) {
      this.#lastAddress = address
      this.#lastKey = sourceKeyOf(address)
    }
    return this.#lastKey
  }

  #forgive(key: string): void {
    this.#offenders.forget(key)
    this.#offenders.forget(connected(key))
  }

  #counted(isAdmitted: boolean, otherwise: 'drop' | 'cut' = 'cut'): Admission {
    if (isAdmitted) return 'read'
    this.#droppedByRate++
    return otherwise
  }

  #welcome(add: () => void): void {
    this.#sweepAtTimes(this.#now())
    add()
  }

  #sweepAtTimes(now: number): void {
    if (now >= this.#sweepAt) this.#sweep(now)
  }

  #sweep(now: number): void {
    this.#sweepAt = now + SWEEP_EVERY_MS
    this.#bans.sweep(now)
    this.#offenders.sweep(now)
    this.#names.sweep(now)
    this.#known.sweep(now)
  }
}

/** See `Guard`. */
export const createGuard = (options: GuardOptions = {}): Guard => new Guard(options)

/** What a source did over connections is counted apart: nobody else can have done it. */
const connected = (key: string): string => `${key} connected`

const limitOf = (perSec: number) => ({ perSec, burst: perSec * BURST_SEC })

const newSeed = (): number => randomInt(0x1_0000_0000)

/** Names are a stranger's to choose, and kept. */
const nameOf = (username: string): string => ownText(username.slice(0, MAX_NAME_LENGTH))
