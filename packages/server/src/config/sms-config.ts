/** An aggregator that carries SMS over HTTP, as the configuration describes it (docs/reference/sms-http.md). */
export type AggregatorConfig = {
  readonly name: string
  /** Where it takes texts. */
  readonly url: string
  /** Bearer token that it wants of us; absent: none. */
  readonly token?: string
  /** Bearer token that it shows when it hands in what came. */
  readonly inboundToken: string
  /** Beginnings of the X that it sends from, global form; absent: every X. */
  readonly serves?: readonly string[]
  /** The lowest is tried first. */
  readonly priority: number
  /** For the whole exchange. */
  readonly timeoutMs: number
}
