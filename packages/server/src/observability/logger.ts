import pino from 'pino'
import type { Config } from '../config/config.ts'
import type { Log } from '../shared/log.ts'
import { maskNumber } from '../shared/e164.ts'

/** A global or mainland mobile number anywhere in a text. */
const NUMBER = /\+[1-9]\d{6,14}|\b1[3-9]\d{9}\b/g

/** Masks every number in a text: the second net under the call sites' `maskNumber`. */
export const maskNumbersIn = (text: string): string => text.replace(NUMBER, maskNumber)

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
