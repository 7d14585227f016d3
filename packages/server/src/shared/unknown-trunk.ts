import { AppError } from './app-error.ts'

/** `TRUNK_UNKNOWN`, with the names there are. */
export function unknownTrunk(name: string, known: readonly string[]): AppError {
  const there = known.length === 0 ? 'the configuration has none' : `there are: ${known.join(', ')}`
  return new AppError('TRUNK_UNKNOWN', `there is no trunk ${name}; ${there}`)
}
