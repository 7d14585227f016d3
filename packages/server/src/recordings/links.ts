import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { EpochMs } from '../shared/time.ts'

/** Path of download links: `/record/NAME.wav?until=SECONDS&sign=…`. */
export const LINK_PATH = '/record/'

/** What a link opens: a recording, until an instant. Nothing in it tells who talked with whom. */
export type LinkClaim = { readonly object: string; readonly until: EpochMs }

/** Writes and reads download links that need no other proof (spec/stop-call-and-recording.md section 3). */
export type LinkSigner = {
  /** Path and query. `until` is cut down to whole seconds. */
  write(claim: LinkClaim): string
  /** The claim of a link that we wrote, valid still or not; `undefined` for any other. */
  read(object: string, query: Readonly<Record<string, unknown>>): LinkClaim | undefined
}

/** The key of links is drawn from the platform's master key, so links outlive a restart and open nothing else. */
export function createLinkSigner(masterKey: Uint8Array): LinkSigner {
  const key = Buffer.from(hkdfSync('sha256', masterKey, '', 'maskline: links to recordings', 32))
  const sign = (object: string, until: string): string =>
    createHmac('sha256', key).update(`${until}\n${object}`).digest('base64url')
  return {
    write({ object, until }) {
      const seconds = String(Math.floor(until / 1000))
      return `${LINK_PATH}${object}?until=${seconds}&sign=${sign(object, seconds)}`
    },
    read(object, { until, sign: given }) {
      if (typeof until !== 'string' || typeof given !== 'string' || !/^\d{1,12}$/.test(until))
        return undefined
      const right = Buffer.from(sign(object, until))
      const claimed = Buffer.from(given)
      if (right.length !== claimed.length || !timingSafeEqual(right, claimed)) return undefined
      return { object, until: Number(until) * 1000 }
    },
  }
}
