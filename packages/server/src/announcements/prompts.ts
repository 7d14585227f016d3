/**
 * What the built-in prompts say, in our own words (spec/announcements.md sections 2 and 3 name the scenes). `npm run prompts`
 * speaks them into `assets/prompts/LANGUAGE/`. Chinese texts avoid characters that the synthesizer reads wrongly.
 */
export type PromptText = { readonly zh: string; readonly en: string }

export const PROMPTS = {
  'no_binding.wav': {
    zh: '请使用已绑定的号码呼叫。',
    en: 'Please call from the bound number.',
  },
  'no_permission.wav': {
    zh: '您的号码没有呼叫权限，请使用登记的号码呼叫。',
    en: 'No permission. Please use the registered number.',
  },
  'business_exception.wav': {
    zh: '业务异常，通话将结束，请稍后再试。',
    en: 'The service is not available. Please try again later.',
  },
  'busy.wav': {
    zh: '对方正在通话中，暂时无法接通，请稍后再拨。',
    en: 'The line is busy. Please call again later.',
  },
  'powered_off.wav': {
    zh: '您呼叫的用户已关机，请稍后再拨。',
    en: 'The phone you are calling is switched off. Please call again later.',
  },
  'extension_prompt.wav': {
    zh: '请输入分机号。',
    en: 'Please enter the extension.',
  },
  'extension_wrong.wav': {
    zh: '分机号有误，请再次输入分机号。',
    en: 'That extension is wrong. Please enter it again.',
  },
  'extension_wrong_end.wav': {
    zh: '分机号无效，通话将结束。',
    en: 'That extension is not valid. Goodbye.',
  },
  'extension_empty_end.wav': {
    zh: '没有收到分机号，通话将结束。',
    en: 'No extension was entered. Goodbye.',
  },
  'transferring.wav': {
    zh: '正在为您转接，请稍候。',
    en: 'Connecting you now.',
  },
  'record_hint.wav': {
    zh: '为了服务质量，本次通话将被录音。',
    en: 'This call will be recorded.',
  },
  'last_minute.wav': {
    zh: '通话时间还剩一分钟。',
    en: 'One minute left.',
  },
  'waiting.wav': {
    zh: '正在接通，请稍候。',
    en: 'Please wait.',
  },
} as const satisfies Readonly<Record<string, PromptText>>

export type PromptName = keyof typeof PROMPTS
export type PromptLanguage = keyof PromptText

export const PROMPT_LANGUAGES: readonly PromptLanguage[] = ['zh', 'en']
