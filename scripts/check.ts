import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { globSync } from 'node:fs'
import path from 'node:path'
import { rules } from './import-rules.ts'
import {
  checkImports,
  formatViolation,
  readSource,
  type SourceFile,
  type WorkspacePackage,
} from './imports.ts'

/**
 * `npm run check`: format, lint, types, import directions. All four run, all faults are told, in this order.
 */
const root = path.join(import.meta.dirname, '..')

type Outcome = { readonly ok: boolean; readonly output: string }
type Check = { readonly title: string; readonly cure: string; readonly run: () => Promise<Outcome> }

const checks: readonly Check[] = [
  {
    title: 'format (prettier)',
    cure: 'npm run format puts these right',
    run: () => tool('prettier/bin/prettier.cjs', ['--check', '--log-level=warn', '.']),
  },
  {
    title: 'lint (oxlint)',
    cure: 'each line above names its rule; the configuration is .oxlintrc.json',
    run: () => tool('oxlint/bin/oxlint', ['--format=unix', '--deny-warnings', '.']),
  },
  {
    title: 'types (tsc)',
    cure: 'each line above names file, line and fault',
    run: () => tool('typescript/bin/tsc', ['-p', '.', '--pretty', 'false']),
  },
  {
    title: 'import directions',
    cure: 'the rules are drawn in docs/architecture.md and written in scripts/import-rules.ts',
    run: importDirections,
  },
]

/** Runs a package's command line on this very Node, whatever is on the PATH. */
function tool(script: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [path.join(root, 'node_modules', script), ...args], { cwd: root })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.on('error', (error) => resolve({ ok: false, output: `${script} did not start: ${error.message}` }))
    child.on('close', (code) => resolve({ ok: code === 0, output: output.trim() }))
  })
}

async function importDirections(): Promise<Outcome> {
  const names = globSync(['{packages/*/{src,test},scripts,e2e,bench}/**/*.ts'], { cwd: root })
  const files = new Map<string, SourceFile>()
  for (const name of names.toSorted()) {
    files.set(name.split(path.sep).join('/'), readSource(await readFile(path.join(root, name), 'utf8')))
  }
  const violations = checkImports(files, await workspacePackages(), rules)
  return { ok: violations.length === 0, output: violations.map(formatViolation).join('\n') }
}

type Manifest = {
  name: string
  exports?: Record<string, string>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

/** The packages of this repository, and the root itself with folder `''`. */
async function workspacePackages(): Promise<WorkspacePackage[]> {
  const folders = globSync('packages/*/package.json', { cwd: root }).map((file) => path.dirname(file))
  return Promise.all(
    ['', ...folders].map(async (folder) => {
      const manifest = JSON.parse(await readFile(path.join(root, folder, 'package.json'), 'utf8')) as Manifest
      return {
        name: manifest.name,
        folder: folder.split(path.sep).join('/'),
        exports: manifest.exports ?? {},
        dependencies: Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }),
      }
    }),
  )
}

const running = checks.map((check) => check.run())
let failed = 0
for (const [index, { title, cure }] of checks.entries()) {
  const { ok, output } = await running[index]!
  process.stdout.write(`${ok ? '✔' : '✖'} ${title}\n`)
  if (ok) continue
  failed += 1
  process.stdout.write(`${output.replace(/^/gm, '  ')}\n  → ${cure}\n`)
}
if (failed > 0) process.stdout.write(`${failed} of ${checks.length} checks failed\n`)
process.exitCode = failed > 0 ? 1 : 0
