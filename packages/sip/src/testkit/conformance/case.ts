import type { FaultCode } from '../../message/parse.ts'

/** One message of a torture RFC and what must become of it. */
export type ConformanceCase = {
  /** Section of the RFC that prints the message. */
  readonly section: string
  readonly parser: ParserVerdict
  /**
   * What the whole stack does when the datagram comes from a stranger, in order: handlers that were called (`onInvite`,
   * `onRequest REGISTER`) and messages that were sent (`400 INVITE`). Nothing: dropped without a word.
   */
  readonly stack: readonly string[]
  /**
   * Of a response: the same, when its topmost Via is made that of a request of ours that waits. A stray response is always
   * dropped.
   */
  readonly fitted?: readonly string[]
  /** The RFC's reasoning, and ours where it leaves a choice. */
  readonly why: string
}

export type ParserVerdict =
  /** Method or status, bytes of the body, and the status of the fault that `faultInFields` then finds. */
  | { readonly reads: string | number; readonly body: number; readonly field: number | undefined }
  /** `answerable`: whether a response can be made. */
  | { readonly refuses: FaultCode; readonly status: number; readonly answerable: boolean }

export type ConformanceTable = Readonly<Record<string, ConformanceCase>>

export function reads(what: string | number, body = 0, field?: number): ParserVerdict {
  return { reads: what, body, field }
}

export function refuses(code: FaultCode, status: number, answerable = true): ParserVerdict {
  return { refuses: code, status, answerable }
}
