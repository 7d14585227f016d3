import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { coverageOf, formatCoverage, idsIn, readSpecRows } from './spec-rows.ts'

const row = (id: string, mode = 'AX') => ({ id, mode, spec: 'ax.md 3', what: 'something' })

function folderOf(t: TestContext, files: Record<string, object[]>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'spec-rows-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const all = { 'not-done.json': [], ...files }
  for (const [name, list] of Object.entries(all)) writeFileSync(path.join(folder, name), JSON.stringify(list))
  return folder
}

test('a title names rows in square brackets', () => {
  assert.deepEqual(idsIn('[ax.bind.a] [ax.bind.b] A is bound to X (even [1])'), [
    'ax.bind.a',
    'ax.bind.b',
    '1',
  ])
  assert.deepEqual(idsIn('no row'), [])
})

test('rows are counted per mode, missing ones and stale reasons are told', (t) => {
  const folder = folderOf(t, {
    'ax.json': [row('ax.bind.a'), row('ax.bind.b'), row('ax.bind.c')],
    'x.json': [row('x.ask', 'X')],
    'not-done.json': [{ id: 'ax.bind.c', reason: 'a carrier rule' }],
  })
  const coverage = coverageOf(readSpecRows(folder), new Set(['ax.bind.a', 'ax.bind.c', 'nothing']))
  assert.deepEqual(
    coverage.perMode.filter(({ rows }) => rows > 0),
    [
      { mode: 'AX', covered: 1, rows: 2 },
      { mode: 'X', covered: 0, rows: 1 },
    ],
  )
  assert.deepEqual(
    coverage.missing.map(({ id }) => id),
    ['ax.bind.b', 'x.ask'],
  )
  assert.deepEqual(coverage.stale, ['ax.bind.c'])
  const text = formatCoverage(coverage)
  assert.match(text, /AX 1\/2/)
  assert.match(text, /no test names \[x\.ask\]/)
  assert.match(text, /\[ax\.bind\.c\] is left out/)
})

test('a broken list is refused with every fault', (t) => {
  const folder = folderOf(t, {
    'ax.json': [
      row('ax.bind.a'),
      row('ax.bind.a'),
      { ...row('x'), mode: 'AX' },
      row('ax.b', 'none' as never),
    ],
    'not-done.json': [{ id: 'ax.other', reason: '' }],
  })
  assert.throws(
    () => readSpecRows(folder),
    (error: Error) =>
      ['listed twice', '"x" is no id', 'ax.b has no mode', 'ax.other is no row', 'has no reason'].every(
        (text) => error.message.includes(text),
      ),
  )
})

test('the lists of this repository are sound', () => {
  readSpecRows(path.join(import.meta.dirname, '..', 'spec-rows'))
})
