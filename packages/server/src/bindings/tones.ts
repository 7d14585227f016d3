import type { Binding } from './binding.ts'

/** The announcement files that a binding names (spec/announcements.md section 5). */
export function tonesOf(binding: Binding): readonly string[] {
  return namesIn(binding).filter((name) => name !== undefined && name !== '') as string[]
}

function namesIn(binding: Binding): readonly (string | undefined)[] {
  const { recordHintTone } = binding
  switch (binding.mode) {
    case 'AX':
    case 'AXB': {
      const { lastMinVoice, preVoice } = binding
      return [recordHintTone, lastMinVoice, preVoice?.callerHintTone, preVoice?.calleeHintTone]
    }
    case 'AXE':
      return [recordHintTone, binding.callbackTone]
    case 'AXYB':
      return [recordHintTone, binding.preVoiceX]
    case 'AXYB-PAIR':
      return [recordHintTone, binding.preVoiceX, binding.preVoiceY]
    default:
      return binding satisfies never
  }
}
