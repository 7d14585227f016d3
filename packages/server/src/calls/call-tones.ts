import type { MediaSession, PlayAudio } from '@maskline/media'
import type { CallMedia, LegName } from './call-media.ts'

/** The call that hears the tones. */
export type ToneOwner = {
  /** The tone was heard to its end by all, or could not be played. */
  onToneOver(): void
  /** It could not be played to a leg; nothing else follows from that. */
  onToneFault(error: unknown): void
}

/** What a call is played: one tone at a time, and news of its end. A tone that fails is over; it never ends a call. */
export class CallTones {
  readonly #media: CallMedia
  readonly #owner: ToneOwner
  /** Counts tones: what comes back of an older one is passed over. */
  #current = 0
  /** Plays of the current tone that are not over. */
  #playing: readonly number[] = []

  constructor(media: CallMedia, owner: ToneOwner) {
    this.#media = media
    this.#owner = owner
  }

  /** Plays in place of what plays; `undefined` is over at once. `repeat` Infinity plays until `hush`. */
  play(legs: readonly LegName[], audio: PlayAudio | undefined, repeat = 1): void {
    const tone = this.#next()
    this.#media.inOrder(async () => {
      if (tone !== this.#current) return
      const { session } = this.#media
      const plays =
        audio === undefined || session === undefined
          ? []
          : await Promise.all(legs.map((leg) => this.#start(session, leg, audio, repeat)))
      if (tone !== this.#current) return
      this.#playing = plays.filter((playId) => playId !== undefined)
      if (this.#playing.length === 0) this.#owner.onToneOver()
    })
  }

  hush(leg: LegName): void {
    this.#next()
    this.#media.inOrder(async () => {
      try {
        await this.#media.session?.stop(leg)
      } catch (error) {
        this.#owner.onToneFault(error)
      }
    })
  }

  /** The engine played something to its end. */
  finished(playId: number): void {
    if (!this.#playing.includes(playId)) return
    this.#playing = this.#playing.filter((other) => other !== playId)
    if (this.#playing.length === 0) this.#owner.onToneOver()
  }

  #next(): number {
    this.#playing = []
    return ++this.#current
  }

  async #start(
    session: MediaSession,
    leg: LegName,
    audio: PlayAudio,
    repeat: number,
  ): Promise<number | undefined> {
    try {
      return await session.play(leg, audio, repeat)
    } catch (error) {
      this.#owner.onToneFault(error)
      return undefined
    }
  }
}
