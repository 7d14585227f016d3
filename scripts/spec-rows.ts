import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'

/**
 * The rows of the specification that Maskline answers for, and whether a test names each. A row is one parameter, result
 * code, release code, field, tone, limit or rule; `spec-rows/PAGE.json` lists those of a page, `spec-rows/not-done.json` those
 * left out on purpose. A test names rows by their ids in square brackets in its title; only tests that passed count.
 */
export const MODES = ['AX', 'AXB', 'AXE', 'AXYB', 'X', 'all'] as const

export type SpecRow = {
  /** `ax.bind.origNum`: page, place, name. Unique. */
  readonly id: string
  /** `all`: shared by the modes. */
  readonly mode: (typeof MODES)[number]
  /** Page and section. */
  readonly spec: string
  readonly what: string
}

export type NotDone = { readonly id: string; readonly reason: string }

export type SpecRows = { readonly rows: readonly SpecRow[]; readonly notDone: readonly NotDone[] }

const NOT_DONE = 'not-done.json'
const ID = /^[a-z]+(?:\.[A-Za-z0-9_-]+)+$/
const NAMED = /\[([^\]\s]+)\]/g

/** Reads the lists of a folder. Throws with every fault of them: bad members, ids twice, reasons for no row. */
export function readSpecRows(folder: string): SpecRows {
  const rows: SpecRow[] = []
  const faults: string[] = []
  for (const name of globSync('*.json', { cwd: folder }).toSorted()) {
    if (name === NOT_DONE) continue
    for (const row of readList(path.join(folder, name))) {
      const fault = faultOf(row as Partial<SpecRow>)
      if (fault === undefined) rows.push(row as SpecRow)
      else faults.push(`${name}: ${fault}`)
    }
  }
  const ids = new Set<string>()
  for (const { id } of rows) {
    if (ids.has(id)) faults.push(`${id} is listed twice`)
    ids.add(id)
  }
  const notDone = readList(path.join(folder, NOT_DONE)) as NotDone[]
  for (const { id, reason } of notDone) {
    if (!ids.has(id)) faults.push(`${NOT_DONE}: ${id} is no row`)
    if (!reason) faults.push(`${NOT_DONE}: ${id} has no reason`)
  }
  if (faults.length > 0) throw new Error(`spec-rows:\n  ${faults.join('\n  ')}`)
  return { rows, notDone }
}

function readList(file: string): unknown[] {
  return JSON.parse(readFileSync(file, 'utf8')) as unknown[]
}

function faultOf({ id, mode, spec, what }: Partial<SpecRow>): string | undefined {
  if (id === undefined || !ID.test(id)) return `"${id}" is no id like ax.bind.origNum`
  if (mode === undefined || !MODES.includes(mode)) return `${id} has no mode out of ${MODES.join(', ')}`
  if (!spec || !what) return `${id} needs "spec" and "what"`
  return undefined
}

/** The ids that the title of a test names. */
export const idsIn = (title: string): string[] => [...title.matchAll(NAMED)].map(([, id]) => id!)

export type Coverage = {
  readonly perMode: readonly { readonly mode: string; readonly covered: number; readonly rows: number }[]
  /** Rows that no passed test names and that are not left out. */
  readonly missing: readonly SpecRow[]
  /** Left out, and named by a test all the same: the reason is out of date. */
  readonly stale: readonly string[]
  readonly notDone: number
}

/** Counts rows by mode; `named` are the ids of the titles of passed tests. */
export function coverageOf({ rows, notDone }: SpecRows, named: ReadonlySet<string>): Coverage {
  const leftOut = new Set(notDone.map(({ id }) => id))
  const wanted = rows.filter(({ id }) => !leftOut.has(id))
  return {
    perMode: MODES.map((mode) => {
      const ofMode = wanted.filter((row) => row.mode === mode)
      return { mode, covered: ofMode.filter(({ id }) => named.has(id)).length, rows: ofMode.length }
    }),
    missing: wanted.filter(({ id }) => !named.has(id)),
    stale: [...leftOut].filter((id) => named.has(id)),
    notDone: leftOut.size,
  }
}

/** What `npm test` prints of it. */
export function formatCoverage({ perMode, missing, stale, notDone }: Coverage): string {
  const counts = perMode.map(({ mode, covered, rows }) => `${mode} ${covered}/${rows}`).join(', ')
  const lines = [
    `rows of the specification named by a passed test: ${counts}; left out on purpose: ${notDone}`,
  ]
  for (const { id, spec, what } of missing) lines.push(`  no test names [${id}] (${spec}: ${what})`)
  for (const id of stale) lines.push(`  [${id}] is left out in spec-rows/${NOT_DONE}, but a test names it`)
  return lines.join('\n')
}
