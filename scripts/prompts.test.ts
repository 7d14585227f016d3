import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { PROMPTS, PROMPT_LANGUAGES } from '@maskline/server/prompts'
import { speak } from './speech.ts'

const assets = path.join(import.meta.dirname, '../packages/server/assets/prompts')
const CURE = 'npm run prompts makes them anew'

test('the prompts of the repository say what the table of texts says', () => {
  assert.deepEqual(JSON.parse(readFileSync(path.join(assets, 'said.json'), 'utf8')), PROMPTS, CURE)
})

for (const language of PROMPT_LANGUAGES)
  test(`speaking a text of ${language} again gives the very bytes of the repository`, async () => {
    const made = await speak(PROMPTS['waiting.wav'][language], language)
    const kept = readFileSync(path.join(assets, language, 'waiting.wav'))
    assert.deepEqual(made, new Uint8Array(kept), CURE)
  })
