/** Timer values of RFC 3261 §17.1.1.1 and table 4, milliseconds. */
export const T1 = 500
export const T2 = 4000
export const T4 = 5000

/**
 * How long an INVITE waits for an answer of its user before a 100 stands in for it: RFC 3261 §17.2.1 allows 200 ms, and timers
 * may fire a tick late.
 */
export const TRYING_AFTER_MS = 180

/** Timers B, F, H, L, M and the wait for a 2xx's ACK; also J and D over an unreliable transport. */
export const GIVE_UP_MS = 64 * T1

/** Timer C (RFC 3261 §16.6 step 11): how long an INVITE may stay without news after a provisional response, by default. */
export const TIMER_C_MS = 185_000
