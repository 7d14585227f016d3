import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { loadConfig } from './load.ts'
import { settingsTable } from './reference.ts'

const guide = readFileSync(path.join(import.meta.dirname, '../../../../docs/guides/configuration.md'), 'utf8')
/** Tables are compared cell by cell: the formatter pads them. */
const cells = (table: string): string[] =>
  table
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[\s|-]+$/.test(line))
    .map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .join('|'),
    )

test('the guide lists every setting with its type, default and meaning', () => {
  const rows = cells(guide.slice(guide.indexOf('## All settings')))
  assert.deepEqual(rows, cells(settingsTable()))
})

test('every example of the guide is a configuration that the platform accepts', () => {
  const examples = [...guide.matchAll(/```json\n([^]*?)```/g)].map((match) => match[1]!)
  assert.ok(examples.length >= 3)
  const dir = mkdtempSync(path.join(tmpdir(), 'maskline-guide-'))
  try {
    for (const example of examples) {
      const file = path.join(dir, 'maskline.json')
      writeFileSync(file, example)
      assert.ok(loadConfig({}, file).sip.trunks.length > 0)
    }
  } finally {
    rmSync(dir, { recursive: true })
  }
})
