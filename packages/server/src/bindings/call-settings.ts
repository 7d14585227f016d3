import type { App } from '../tenants/app.ts'
import type { CallDirection, Role } from './binding.ts'
import type { Connect } from './route.ts'

/** What several modes make of a binding's settings when a call arrives. */

/** `callDirection`: 0 both ways, 1 only A calls, 2 only the others call. */
export function mayCall({ callDirection }: { readonly callDirection: CallDirection }, role: Role): boolean {
  return callDirection === 0 || callDirection === (role === 'a' ? 1 : 2)
}

/** The prompt of the last minute; without a limit there is no last minute. */
export function lastMinuteOf({
  lastMinVoice,
  maxDurationMin,
}: {
  readonly lastMinVoice?: string
  readonly maxDurationMin: number
}): Pick<Connect, 'lastMinVoice'> {
  return lastMinVoice && maxDurationMin > 0 ? { lastMinVoice } : {}
}

/** Recording needs the switch of the binding and that of the app (spec/faq-behaviours.md row 31). */
export function recordingOf(
  binding: { readonly recordFlag: boolean; readonly recordHintTone?: string },
  app: App,
): Pick<Connect, 'recording'> {
  if (!binding.recordFlag || !app.recordingEnabled) return {}
  return { recording: binding.recordHintTone ? { hintTone: binding.recordHintTone } : {} }
}
