/** Told of an error that nobody caught: what it was, and what was being done (`onInvite`, `timer`, `tcp`, …). */
export type FaultReport = (error: unknown, where: string) => void

/** Who gives no report of its own still learns of it, without the process ending. */
export const warnOfFault: FaultReport = (error, where) => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.emitWarning(`SIP stack, ${where}: ${text}`, 'SipFault')
}

/** A report that cannot throw itself. */
export function faultReport(given: FaultReport | undefined): FaultReport {
  if (given === undefined) return warnOfFault
  return (error, where) => {
    try {
      given(error, where)
    } catch (second) {
      warnOfFault(error, where)
      warnOfFault(second, 'onFault')
    }
  }
}

/** Runs `run` once the current work is done; what it throws is reported. */
export function runSoon(run: () => void, report: FaultReport, where: string): void {
  queueMicrotask(() => {
    try {
      run()
    } catch (error) {
      report(error, where)
    }
  })
}
