import type { PreVoice } from '../bindings/binding.ts'
import type { App } from '../tenants/app.ts'
import { integer, object, oneOf, optional, text } from './params.ts'

/** Parameters that several modes have, and the rules on them that need the app. */

export const toneFile = text(0, 128)
export const userData = text(1, 256)
export const subscriptionId = text(1, 64)
export const callDirection = integer(0, 2)
/** A call: at most a day, in minutes. */
export const maxDuration = integer(0, 1440)
export const areaMatchMode = oneOf('0', '1')
export const preVoice = object({
  callerHintTone: optional(toneFile),
  calleeHintTone: optional(toneFile),
})

/** Whether the account of an app has an approved announcement file of that name. */
export type AnnouncementExists = (app: App, fileName: string) => boolean

/** The parameter whose announcement file is unknown or not approved (spec/announcements.md section 1), if any. */
export function missingTone(
  tones: Readonly<Record<string, string | undefined>>,
  app: App,
  announcementExists: AnnouncementExists,
): string | undefined {
  return Object.keys(tones).find((name) => {
    const file = tones[name]
    return file !== undefined && !announcementExists(app, file)
  })
}

/** The members of preVoice under the names that an answer calls them by. */
export const preVoiceTones = (given: PreVoice | undefined): Record<string, string | undefined> => ({
  'preVoice.callerHintTone': given?.callerHintTone,
  'preVoice.calleeHintTone': given?.calleeHintTone,
})

/** Braces are forbidden in userData, unless the app is known to send them (client-habits 11). */
export function isForbiddenUserData(given: string | undefined, app: App): boolean {
  return given !== undefined && !app.lenientUserData && /[{}]/.test(given)
}

/** Whether a parameter is there, no JSON null and not empty. */
export const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== ''
