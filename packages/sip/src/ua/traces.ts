import type { FaultReport } from '../shared/fault-report.ts'
import type { Trace, TransactionLayer } from '../transaction/layer.ts'

/** Those who look at every message. While there are none the layer is told so, and spends nothing. */
export class Traces {
  readonly #layer: Pick<TransactionLayer, 'trace'>
  readonly #report: FaultReport
  readonly #all = new Set<Trace>()

  constructor(layer: Pick<TransactionLayer, 'trace'>, report: FaultReport) {
    this.#layer = layer
    this.#report = report
  }

  /** Begins one; ends when the function that it gives is called. One that throws costs no message. */
  add(look: Trace): () => void {
    const own: Trace = (...seen) => {
      try {
        look(...seen)
      } catch (error) {
        this.#report(error, 'onMessage')
      }
    }
    this.#all.add(own)
    this.#layer.trace = this.#tell
    return () => {
      this.#all.delete(own)
      if (this.#all.size === 0) this.#layer.trace = undefined
    }
  }

  readonly #tell: Trace = (...seen) => {
    for (const look of this.#all) look(...seen)
  }
}
