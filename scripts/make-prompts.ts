import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { PROMPTS, PROMPT_LANGUAGES } from '@maskline/server/prompts'
import { speak } from './speech.ts'

/**
 * `npm run prompts`: speaks the texts of announcements/prompts.ts into packages/server/assets/prompts, and writes beside
 * them what was said, so that a test sees a text that was changed and not spoken anew.
 */
const assets = path.join(import.meta.dirname, '../packages/server/assets/prompts')

for (const language of PROMPT_LANGUAGES) {
  mkdirSync(path.join(assets, language), { recursive: true })
  for (const [name, text] of Object.entries(PROMPTS)) {
    const file = await speak(text[language], language)
    writeFileSync(path.join(assets, language, name), file)
    process.stdout.write(
      `${language}/${name}  ${((file.length - 44) / 8000).toFixed(1)} s  ${text[language]}\n`,
    )
  }
}
writeFileSync(path.join(assets, 'said.json'), `${JSON.stringify(PROMPTS, undefined, 2)}\n`)
