import { builtinModules } from 'node:module'
import path from 'node:path'
import { scan } from './scan.ts'

/** What one file reaches for: modules by specifier, and watched globals (`Date.now`, `process`, …) by name. */
export type SourceFile = {
  readonly imports: readonly { readonly specifier: string; readonly line: number }[]
  readonly globals: readonly { readonly name: string; readonly line: number }[]
}

/** Files by their path from the root of the repository, with `/`. */
export type SourceMap = ReadonlyMap<string, SourceFile>

/** A package of ours: `@maskline/sip` lives in `packages/sip`, `exports` maps `.` and `./testkit` to files in it. */
export type WorkspacePackage = {
  readonly name: string
  readonly folder: string
  readonly exports: Readonly<Record<string, string>>
  /** Names it may import, from its package.json. */
  readonly dependencies: readonly string[]
}

/**
 * A file that matches `from` (and not `exceptFrom`) may not import what matches `to` (and not `exceptTo`). `to` is tried on the
 * resolved path for our own files (`packages/sip/src/index.ts`), on the specifier for others (`node:fs`, `kysely`).
 * `globals` forbids names in the same files.
 */
export type Rule = {
  readonly sentence: string
  readonly from: RegExp
  readonly exceptFrom?: RegExp
  readonly to?: RegExp
  readonly exceptTo?: RegExp
  readonly globals?: RegExp
}

export type Violation = {
  readonly file: string
  readonly line: number
  /** The import or name as written. */
  readonly what: string
  readonly sentence: string
}

/** Reads imports and watched globals out of a TypeScript source. */
export function readSource(text: string): SourceFile {
  const { code, strings } = scan(text)
  const lineAt = lineCounter(text)
  const imports = strings
    .filter(({ start }) =>
      /(?:\bfrom|\bimport|\bimport\s*\()\s*$/.test(code.slice(Math.max(0, start - 40), start)),
    )
    .map(({ start, value }) => ({ specifier: value, line: lineAt(start) }))
  const globals = [...code.matchAll(WATCHED_GLOBALS)].map((match) => ({
    name: match[0],
    line: lineAt(match.index),
  }))
  return { imports, globals }
}

/** Names that reach the outside without an import: clock, timers, chance, environment, console. */
const WATCHED_GLOBALS =
  /(?<![.\w$])(?:Date\.now|new Date(?=\(\s*\))|performance\.now|setTimeout|setInterval|setImmediate|Math\.random|process\.\w+|console\.\w+)(?![\w$])/g

function lineCounter(text: string): (offset: number) => number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return low + 1
  }
}

/** Every broken rule and every import cycle, in order of file and line. Pure: facts in, violations out. */
export function checkImports(
  files: SourceMap,
  packages: readonly WorkspacePackage[],
  rules: readonly Rule[],
): Violation[] {
  const violations: Violation[] = []
  const graph = new Map<string, { target: string; line: number }[]>()
  for (const [file, source] of files) {
    const edges: { target: string; line: number }[] = []
    graph.set(file, edges)
    const ours = rules.filter((rule) => rule.from.test(file) && !rule.exceptFrom?.test(file))
    for (const { specifier, line } of source.imports) {
      const say = (sentence: string) => violations.push({ file, line, what: specifier, sentence })
      const resolved = resolve(file, specifier, packages)
      if (resolved.kind === 'fault') {
        say(resolved.sentence)
        continue
      }
      const { target } = resolved
      if (resolved.kind === 'file') {
        if (files.has(target)) edges.push({ target, line })
        else if (target.endsWith('.ts')) say(`An import names a file that exists; ${target} does not.`)
      } else {
        const fault = undeclared(file, specifier, packages)
        if (fault !== undefined) say(fault)
      }
      for (const rule of ours) {
        if (rule.to?.test(target) && !rule.exceptTo?.test(target)) say(rule.sentence)
      }
    }
    for (const { name, line } of source.globals) {
      for (const rule of ours) {
        if (rule.globals?.test(name)) violations.push({ file, line, what: name, sentence: rule.sentence })
      }
    }
  }
  return [...violations, ...cycles(graph)].toSorted(
    (one, other) => compare(one.file, other.file) || one.line - other.line,
  )
}

const compare = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0)

/** One violation as two lines for a terminal: place and import, then the sentence. */
export function formatViolation({ file, line, what, sentence }: Violation): string {
  return `${file}:${line}  ${what}\n    ${sentence}`
}

type Resolved =
  | { readonly kind: 'file'; readonly target: string }
  | { readonly kind: 'module'; readonly target: string }
  | { readonly kind: 'fault'; readonly sentence: string }

function resolve(file: string, specifier: string, packages: readonly WorkspacePackage[]): Resolved {
  if (specifier.startsWith('.')) {
    const target = path.posix.join(path.posix.dirname(file), specifier)
    const home = packageOf(file, packages)
    const theirs = packageOf(target, packages)
    if (theirs !== undefined && theirs !== home) {
      return {
        kind: 'fault',
        sentence: `A package is imported by its name (${theirs.name}), never by a path into it.`,
      }
    }
    return { kind: 'file', target }
  }
  const name = packageName(specifier)
  const named = packages.find((candidate) => candidate.name === name)
  if (named === undefined) {
    if (!specifier.startsWith('node:') && builtinModules.includes(specifier)) {
      return { kind: 'fault', sentence: `A module of Node is written with its prefix: node:${specifier}.` }
    }
    return { kind: 'module', target: specifier }
  }
  const entry = named.exports[`.${specifier.slice(name.length)}`]
  if (entry === undefined) {
    return {
      kind: 'fault',
      sentence: `${named.name} exports no "${specifier.slice(name.length + 1)}": see its package.json.`,
    }
  }
  return { kind: 'file', target: path.posix.join(named.folder, entry) }
}

const packageOf = (file: string, packages: readonly WorkspacePackage[]) =>
  packages.find(({ folder }) => file.startsWith(`${folder}/`))

/** `@scope/name/sub` → `@scope/name`; `name/sub` → `name`. */
const packageName = (specifier: string) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')

/** Test files may use the root's development packages too. */
function undeclared(
  file: string,
  specifier: string,
  packages: readonly WorkspacePackage[],
): string | undefined {
  if (specifier.startsWith('node:')) return undefined
  const home = packageOf(file, packages)
  const root = packages.find(({ folder }) => folder === '')
  const name = packageName(specifier)
  if (home?.dependencies.includes(name)) return undefined
  if ((home === undefined || TEST_FILE.test(file)) && root?.dependencies.includes(name)) return undefined
  return `A file imports only what its package.json declares; ${name} is not in it.`
}

/** Tests, test kits and fuzzers: free of the layers, bound by the packages. */
export const TEST_FILE = /(?:\.test(?:-suite)?\.ts$|\/(?:testkit|fuzz)\/|\/test\/|[-/]test-?kit\.ts$)/

/** Import cycles, found depth first: one for each import that closes a path of files. */
function cycles(graph: ReadonlyMap<string, readonly { target: string; line: number }[]>): Violation[] {
  const found: Violation[] = []
  const state = new Map<string, 'open' | 'done'>()
  const trail: string[] = []
  const visit = (file: string): void => {
    state.set(file, 'open')
    trail.push(file)
    for (const { target, line } of graph.get(file) ?? []) {
      if (state.get(target) === 'open') {
        const cycle = [...trail.slice(trail.indexOf(target)), target]
        found.push({ file, line, what: target, sentence: `No import cycles: ${cycle.join(' → ')}` })
      } else if (!state.has(target)) visit(target)
    }
    trail.pop()
    state.set(file, 'done')
  }
  for (const file of graph.keys()) if (!state.has(file)) visit(file)
  return found
}
