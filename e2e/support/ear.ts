import { CallEndedError, type PhoneCall } from '@maskline/lab'
import { SAMPLE_RATE_HZ } from '@maskline/media'

/** Tones shorter than this are not counted as heard, ms: a key press, the edge of a tone that is cut. */
const LEAST_MS = 200

/** Which of these tones an ear has heard, one after the other, so far or since a mark: `[450, 1000]`. */
export const tonesIn = (call: PhoneCall, frequenciesHz: readonly number[], since = 0): number[] =>
  call
    .tonesHeard(frequenciesHz, since)
    .filter(({ hz, durationMs }) => hz !== 0 && durationMs >= LEAST_MS)
    .map(({ hz }) => hz)

/** Resolves when the ear has heard the tone, so far or since a mark. Throws when the call ends before. */
export async function hearsTone(call: PhoneCall, hz: number, since = 0): Promise<void> {
  while (!tonesIn(call, [hz], since).includes(hz)) {
    await call.hears(call.mark() / SAMPLE_RATE_HZ + 0.1).catch((error: unknown) => {
      if (!(error instanceof CallEndedError)) throw error
      // What came with the last packets counts.
      if (!tonesIn(call, [hz], since).includes(hz)) throw new Error(`the call ended without ${hz} Hz`)
    })
  }
}
