export { CRASHERS, fuzzCorpus } from './corpus.ts'
export { outcomeOf } from './crashers.ts'
export { fuzzRound } from './fuzz.ts'
export type { RoundReport } from './fuzz.ts'
