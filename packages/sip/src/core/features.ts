import { splitValues } from '../message/headers.ts'
import type { SipMessage } from '../message/message.ts'

/** What a peer says it can do: Supported, Require and Allow of one message, as bits. */
export type Features = number

export const SUPPORTS_100REL = 1
export const REQUIRES_100REL = 2
export const SUPPORTS_TIMER = 4
export const REQUIRES_TIMER = 8
/** It sent Allow, so that what Allow does not name is not taken. */
export const HAS_ALLOW = 16
export const ALLOWS_UPDATE = 32

/** One pass over the headers; tags are compared without case. */
export function featuresOf(message: SipMessage): Features {
  const { headers } = message
  let features = 0
  for (let i = 0; i < headers.length; i += 2) {
    switch (headers[i]) {
      case 'Supported':
        features |= tagsOf(headers[i + 1]!, SUPPORTS_100REL, SUPPORTS_TIMER)
        break
      case 'Require':
        features |= tagsOf(headers[i + 1]!, REQUIRES_100REL, REQUIRES_TIMER)
        break
      case 'Allow':
        features |= HAS_ALLOW | (namesUpdate(headers[i + 1]!) ? ALLOWS_UPDATE : 0)
        break
    }
  }
  return features
}

/** Option tags that a peer may require of us (RFC 3261 §8.2.2.3). */
const KNOWN_TAGS: ReadonlySet<string> = new Set(['100rel', 'timer'])

/** Those of Require that nobody here knows. */
export function unknownTags(tags: readonly string[]): string[] {
  return tags.filter((tag) => !KNOWN_TAGS.has(tag.toLowerCase()))
}

/** What an answer of ours may use: Supported of requests and 2xx. */
export const SUPPORTED = '100rel, timer'

function tagsOf(value: string, rel: Features, timer: Features): Features {
  let features = 0
  for (const tag of splitValues(value)) {
    const lower = tag.toLowerCase()
    if (lower === '100rel') features |= rel
    else if (lower === 'timer') features |= timer
  }
  return features
}

function namesUpdate(value: string): boolean {
  return splitValues(value).includes('UPDATE')
}
