import type { App } from '../../tenants/app.ts'
import { SEND_RESULTS } from './send-result.ts'
import { createWordSearch, type WordSearch } from './word-search.ts'

/** What the words of a text come to (spec/sms.md section 6): 13, a forbidden one; 12, none of those required. */
export type ContentFilter = {
  resultOf(
    text: string,
  ): typeof SEND_RESULTS.forbiddenWord | typeof SEND_RESULTS.requiredWordMissing | undefined
}

/** The words of an app beside those that the platform forbids everybody. */
export function createContentFilter(
  app: Pick<App, 'smsRequiredWords' | 'smsForbiddenWords'>,
  forbiddenToAll: WordSearch,
): ContentFilter {
  const { smsRequiredWords: required = [], smsForbiddenWords: forbidden = [] } = app
  const ofRequired = required.length > 0 ? createWordSearch(required) : undefined
  const ofForbidden = createWordSearch(forbidden)
  return {
    resultOf(text) {
      if (forbiddenToAll.isIn(text) || ofForbidden.isIn(text)) return SEND_RESULTS.forbiddenWord
      return ofRequired && !ofRequired.isIn(text) ? SEND_RESULTS.requiredWordMissing : undefined
    },
  }
}

/** The filter of each app, made once for each version of it. */
export function createFilters(forbiddenToAll: WordSearch): (app: App) => ContentFilter {
  const made = new WeakMap<App, ContentFilter>()
  return (app) => {
    let filter = made.get(app)
    if (!filter) made.set(app, (filter = createContentFilter(app, forbiddenToAll)))
    return filter
  }
}
