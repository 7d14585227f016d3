/** What became of the SMS of a run, as the network and the customer saw it. */
export type SmsTally = {
  /** SMS that the platform acknowledged. */
  readonly acknowledged: number
  /** Of those, the ones that went to their receiver once. */
  readonly delivered: number
  /** The customer was told that they failed, and they did not go out. */
  readonly toldAsFailed: number
  /** Neither went out nor were told as failed. */
  readonly lost: number
  /** Went to their receiver more than once. */
  readonly twice: number
  /** Went out, but the customer was told that nobody knows: the crash came between. */
  readonly unsure: number
  /** Went out, and the customer was not told. */
  readonly untold: number
  /** SMS that the customer was told of under more than one id. */
  readonly toldTwice: number
  /** SMS that were handed in again, since their acknowledgement did not arrive. */
  readonly repeated: number
  /** The first few things that are wrong. */
  readonly faults: readonly string[]
}

/** Results of one SMS told to the customer, by the SMS's id. */
export type Told = Map<string, number>

const MOST_FAULTS = 10
/** `sendResult` of what went out (spec/sms.md section 4). */
const SENT = 0

/**
 * Counts. SMS have numbers from 0; `times[n]` is how often SMS n reached its receiver, `told[n]` what the customer was told.
 */
export function tallyOf(run: {
  readonly acknowledged: readonly boolean[]
  readonly times: readonly number[]
  readonly told: readonly (Told | undefined)[]
  readonly repeated: number
}): SmsTally {
  const count = {
    acknowledged: 0,
    delivered: 0,
    toldAsFailed: 0,
    unsure: 0,
    lost: 0,
    twice: 0,
    untold: 0,
    toldTwice: 0,
  }
  const faults: string[] = []
  const fault = (kind: 'lost' | 'twice' | 'untold' | 'toldTwice', text: string): void => {
    count[kind]++
    if (faults.length < MOST_FAULTS) faults.push(text)
  }
  for (const [n, isAcknowledged] of run.acknowledged.entries()) {
    if (!isAcknowledged) continue
    count.acknowledged++
    const times = run.times[n] ?? 0
    const results = [...(run.told[n]?.values() ?? [])]
    if (results.length > 1) fault('toldTwice', `SMS ${n} was told as ${results.length} SMS`)
    if (times > 1) fault('twice', `SMS ${n} went out ${times} times`)
    const isSent = results.includes(SENT)
    if (times === 0) {
      if (results.length === 0 || isSent)
        fault('lost', `SMS ${n} never went out; told: ${results.join() || 'nothing'}`)
      else count.toldAsFailed++
    } else {
      if (times === 1) count.delivered++
      if (results.length === 0) fault('untold', `SMS ${n} went out and nobody was told`)
      else if (!isSent) count.unsure++
    }
  }
  return { ...count, repeated: run.repeated, faults }
}
