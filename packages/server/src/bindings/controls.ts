import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { App, CapKind, Controls } from '../tenants/app.ts'
import { isBindable, isServiceNumber } from './parties.ts'
import { refuse } from './refusal.ts'
import type { Arrival, CallSubject, Connect, Refuse } from './route.ts'

/** What may still forbid a call that its mode would connect (spec/codes.md section 2.6). */
export type CallControls = {
  /** What is known before the mode is asked: the caller and the hour. A refusal, or undefined. */
  admit(arrival: Arrival, subject: CallSubject): Refuse | undefined
  /** Where the call would go, and how often. A refusal, or undefined; a call that passes counts towards the caps. */
  check(arrival: Arrival, connect: Connect): Refuse | undefined
}

/** Release code of each cap. */
const CAP_CODES: Readonly<Record<CapKind, number>> = {
  account: 7001,
  app: 7002,
  display: 7003,
  caller: 8047,
  callee: 8048,
  dialled: 8049,
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** Counters kept; beyond this those of past minutes and days are cleared away. */
const MOST_COUNTERS = 100_000
const DEFAULT_ZONE = 'Asia/Shanghai'

/**
 * Black lists, countries, hours and frequency caps of applications. Every refusal comes before the second leg, and before
 * the call is counted. Counts live in memory: minutes are sixty seconds on the clock, days are days of UTC.
 */
export function createControls(options: {
  /** Country codes that calls may come from and go to (spec/numbers-and-rules.md section 1). */
  readonly countryCodes: readonly string[]
}): CallControls {
  const counters = new Counters()
  const isHome = (number: E164): boolean => options.countryCodes.some((code) => number.startsWith(code, 1))

  const codeOfCaller = ({ from, at }: Arrival, { controls }: App): number | undefined => {
    if (from !== undefined && !isHome(from)) return 8042
    if (controls === undefined) return undefined
    if (from !== undefined && controls.blockedCallers?.includes(from)) return 7005
    return isOpen(controls, at) ? undefined : 8050
  }

  const codeOf = ({ from, x, at }: Arrival, connect: Connect, app: App): number | undefined => {
    const { callee, display } = connect
    if (!isHome(callee)) return 8043
    // Whatever led here: a call back to a short or emergency number must not leave.
    if (!isBindable(callee, options.countryCodes) && !isServiceNumber(callee)) return 8100
    const { controls } = app
    if (controls === undefined) return undefined
    if (controls.blockedCallees?.includes(callee)) return 7004
    const keys: Readonly<Record<CapKind, string | undefined>> = {
      account: app.tenantId,
      app: app.key,
      display: `${app.key} ${display}`,
      caller: from && `${app.key} ${from}`,
      callee: `${app.key} ${callee}`,
      dialled: `${app.key} ${x}`,
    }
    return capOf(controls, keys, at)
  }

  /** The first cap that is reached; otherwise the call is counted under all of them. */
  const capOf = (
    { caps = {} }: Controls,
    keys: Readonly<Record<CapKind, string | undefined>>,
    at: EpochMs,
  ): number | undefined => {
    const kinds = (Object.keys(CAP_CODES) as CapKind[]).filter((kind) => caps[kind] && keys[kind])
    const reached = kinds.find((kind) => {
      const { perMinute = Infinity, perDay = Infinity } = caps[kind]!
      const { minute, day } = counters.read(`${kind} ${keys[kind]}`, at)
      return minute >= perMinute || day >= perDay
    })
    if (reached !== undefined) return CAP_CODES[reached]
    for (const kind of kinds) counters.count(`${kind} ${keys[kind]}`, at)
    return undefined
  }

  const refusal = (subject: CallSubject, code: number | undefined): Refuse | undefined =>
    code === undefined ? undefined : refuse(subject, code, 403, subject.app?.noPermissionTone)

  return {
    admit: (arrival, subject) => refusal(subject, subject.app && codeOfCaller(arrival, subject.app)),
    check: (arrival, connect) =>
      refusal(connect.subject, connect.subject.app && codeOf(arrival, connect, connect.subject.app)),
  }
}

type Count = { minuteStart: EpochMs; minute: number; dayStart: EpochMs; day: number }

/** Counts by key of the running minute and the running day. */
class Counters {
  readonly #counts = new Map<string, Count>()

  read(key: string, at: EpochMs): { readonly minute: number; readonly day: number } {
    const count = this.#counts.get(key)
    return {
      minute: count !== undefined && count.minuteStart === startOf(at, MINUTE_MS) ? count.minute : 0,
      day: count !== undefined && count.dayStart === startOf(at, DAY_MS) ? count.day : 0,
    }
  }

  count(key: string, at: EpochMs): void {
    const { minute, day } = this.read(key, at)
    if (this.#counts.size >= MOST_COUNTERS) this.#clear(at)
    this.#counts.set(key, {
      minuteStart: startOf(at, MINUTE_MS),
      minute: minute + 1,
      dayStart: startOf(at, DAY_MS),
      day: day + 1,
    })
  }

  #clear(at: EpochMs): void {
    const today = startOf(at, DAY_MS)
    for (const [key, { dayStart }] of this.#counts) if (dayStart !== today) this.#counts.delete(key)
    // All of them are of today: the oldest make room, which lets a few callers begin anew.
    for (const key of this.#counts.keys()) {
      if (this.#counts.size < MOST_COUNTERS * 0.9) return
      this.#counts.delete(key)
    }
  }
}

const startOf = (at: EpochMs, lengthMs: number): EpochMs => at - (at % lengthMs)

/**
 * Whether calls are allowed at this time of day; a span whose end is before its begin goes over midnight, one that
 * ends where it begins is the whole day.
 */
function isOpen({ hours, zone = DEFAULT_ZONE }: Controls, at: EpochMs): boolean {
  if (hours === undefined || hours.length === 0) return true
  const now = timeOfDay(zone, at)
  return hours.some(({ from, to }) => {
    if (from === to) return true
    return from < to ? from <= now && now < to : now >= from || now < to
  })
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** `HH:mm` in a time zone. */
function timeOfDay(zone: string, at: EpochMs): string {
  let format = formats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: zone })
    formats.set(zone, format)
  }
  return format.format(at)
}
