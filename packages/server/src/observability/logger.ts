import pino from 'pino'
import type { Config } from '../config/config.ts'
import type { Log } from '../shared/log.ts'
import { maskNumber } from '../shared/e164.ts'

/**
 * What is looked at in a line of JSON, first match first. Left as they are: values that are numbers or lists of them
 * (instants, ports: no telephone number is kept as a number), UUIDs, session ids and icids, in whatever text they
 * stand. Every other run of seven digits or more may be a telephone number, written in any form.
 */
const KEPT_OR_NUMBER = new RegExp(
  [
    /(?<!\\)":\[?-?\d[\d.,eE+-]*\]?(?=[,}])/,
    /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/,
    /\b1200_\d+_\d+_\d{14}@/,
    /\b[0-9a-f]{32}\.\d+\.\d+\.\d+\b/,
    /(\+?\d{7,})/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
)

/** Masks every number in a line of JSON: the second net under the call sites' `maskNumber`. */
export const maskNumbersIn = (line: string): string =>
  line.replace(KEPT_OR_NUMBER, (found: string, number: string | undefined) =>
    number === undefined ? found : maskNumber(number),
  )

/** JSON lines on `stream` (default standard output), every string masked before it is written. */
export function createLogger(level: Config['logLevel'], stream?: { write(line: string): void }): Log {
  const target = stream ?? pino.destination({ dest: 1, sync: false })
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => void target.write(maskNumbersIn(line)) },
  )
}
