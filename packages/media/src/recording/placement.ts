/**
 * Where the packets of one party belong in a recording whose time is ours. All times are samples of 8 kHz; a packet
 * has come when its last sample was spoken, so that packets of 20 and of 60 ms stand side by side.
 *
 * Within a stream the RTP time stamps say how packets follow each other. How the stream lies in our time is what its
 * promptest packets say: delay is only ever added on the way. So the least lateness of each window is the drift
 * between the party's clock and ours (100 ppm are 360 ms an hour), and is taken back once it passes `TOLERANCE`.
 */
export type Placement = {
  ssrc: number
  /** The stream's time stamp `anchorTimestamp` belongs at `anchorAt`. */
  anchorTimestamp: number
  anchorAt: number
  leastLate: number
  windowEnd: number
  /** Since when every packet has been too late; -1: the last one was not. */
  lateSince: number
}

/** 240 ms: a packet that comes later than this after its place has no place any more. */
export const JITTER_WINDOW = 1920
/** 10 ms: less drift than this is left alone, because each correction cuts or adds that much. */
const TOLERANCE = 80
/** 1 s. The first look is sooner: the very first packet may have been slow. */
const WINDOW = 8000
const FIRST_WINDOW = 2000
/** 100 ms: a burst after a stall comes faster; what stays late for longer goes another way now. */
const LATE_FOR = 800
/** 1 s late or 400 ms early are no jitter: the time stamps jumped. */
const JUMP_LATE = 8000
export const JUMP_EARLY = 3200

export const createPlacement = (): Placement => ({
  ssrc: -1,
  anchorTimestamp: 0,
  anchorAt: 0,
  leastLate: Infinity,
  windowEnd: 0,
  lateSince: -1,
})

/** Where the first of a packet's `samples` belongs; `now` is when it came. */
export function place(
  placement: Placement,
  ssrc: number,
  timestamp: number,
  samples: number,
  now: number,
): number {
  const arrivedAt = now - samples
  if (ssrc !== placement.ssrc) {
    placement.ssrc = ssrc
    return anchor(placement, timestamp, arrivedAt, now, FIRST_WINDOW)
  }
  const at = placement.anchorAt + ((timestamp - placement.anchorTimestamp) | 0)
  const late = arrivedAt - at
  if (late > JUMP_LATE || late < -JUMP_EARLY) {
    return anchor(placement, timestamp, arrivedAt, now, FIRST_WINDOW)
  }
  if (late > JITTER_WINDOW) {
    if (placement.lateSince < 0) placement.lateSince = now
    if (now - placement.lateSince < LATE_FOR) return at
    return anchor(placement, timestamp, arrivedAt, now, FIRST_WINDOW)
  }
  placement.lateSince = -1
  if (late < placement.leastLate) placement.leastLate = late
  if (now < placement.windowEnd) return at
  const drift = placement.leastLate
  // Moving the anchor along keeps the difference of time stamps far from their wrap.
  return anchor(placement, timestamp, Math.abs(drift) > TOLERANCE ? at + drift : at, now, WINDOW)
}

function anchor(placement: Placement, timestamp: number, at: number, now: number, window: number): number {
  placement.anchorTimestamp = timestamp
  placement.anchorAt = at
  placement.leastLate = Infinity
  placement.windowEnd = now + window
  placement.lateSince = -1
  return at
}
