import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { loadConfig } from './load.ts'
import { AGGREGATOR_MEMBERS, SMSC_MEMBERS } from './read-sms-carriers.ts'
import { TRUNK_MEMBERS } from './read-trunks.ts'
import { settingsTable } from './reference.ts'

const guideOf = (name: string): string =>
  readFileSync(path.join(import.meta.dirname, '../../../../docs/guides', name), 'utf8')
const guide = guideOf('configuration.md')
const trunkGuide = guideOf('trunks.md')
const smsGuide = guideOf('sms.md')
const smsReference = readFileSync(
  path.join(import.meta.dirname, '../../../../docs/reference/sms-http.md'),
  'utf8',
)
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

test('the guide lists every member of a trunk', () => {
  for (const name of TRUNK_MEMBERS) assert.match(trunkGuide, new RegExp(`^\\|.*\`${name}[\`.]`, 'm'), name)
})

test('the guide lists every member of an SMSC, and its examples are configurations that the platform accepts', () => {
  for (const name of SMSC_MEMBERS) assert.match(smsGuide, new RegExp(`^\\|.*\`${name}[\`.]`, 'm'), name)
  const dir = mkdtempSync(path.join(tmpdir(), 'maskline-sms-'))
  try {
    for (const [, example] of smsGuide.matchAll(/```json\n([^]*?)```/g)) {
      const file = path.join(dir, 'maskline.json')
      writeFileSync(file, example!)
      assert.ok(loadConfig({}, file).sms.smscs.length > 0)
    }
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('the reference lists every member of an aggregator, and its example is a configuration that the platform accepts', () => {
  for (const name of AGGREGATOR_MEMBERS)
    assert.match(smsReference, new RegExp(`^\\|.*\`${name}\``, 'm'), name)
  const example = /```json\n([^]*?)```/.exec(smsReference)?.[1]
  const dir = mkdtempSync(path.join(tmpdir(), 'maskline-sms-'))
  try {
    const file = path.join(dir, 'maskline.json')
    writeFileSync(file, example!)
    assert.equal(loadConfig({}, file).sms.aggregators[0]?.name, 'agg-1')
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('every example of the guides is a configuration that the platform accepts', () => {
  const examples = [...(guide + trunkGuide).matchAll(/```json\n([^]*?)```/g)].map((match) => match[1]!)
  assert.ok(examples.length >= 6)
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
