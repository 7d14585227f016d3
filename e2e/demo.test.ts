import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { run, type Ran } from './support/run.ts'

const MAIN = join(import.meta.dirname, '../packages/lab/src/demo/main.ts')

const demo = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
  run(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], {
    env: { ...process.env, ...env },
  })

describe('npm run demo', () => {
  for (const mode of ['ax', 'axb', 'axe', 'axyb', 'x'])
    test(`tells ${mode} step by step, holds every check and exits with 0`, () => holds(['--mode', mode]))

  test('tells axb when no mode is named', () => holds([]))

  async function holds(args: readonly string[]): Promise<void> {
    const { code, stdout, stderr } = await demo(args)
    const [, checks] = /\nAll (\d+) checks held, in [\d.]+ s\.\n/.exec(stdout) ?? []
    assert.ok(checks !== undefined, stdout + stderr)
    assert.equal(stdout.match(/✔/g)?.length, Number(checks), 'each check is shown')
    assert.doesNotMatch(stdout, /✘/)
    assert.deepEqual([code, stderr], [0, ''])
  }

  test('exits with 2 on a mode it does not have', async () => {
    const { code, stdout, stderr } = await demo(['--mode', 'axz'])
    assert.equal(stderr, 'maskline demo: there is no demo of mode "axz"; there are: ax, axb, axe, axyb, x\n')
    assert.deepEqual([code, stdout], [2, ''])
  })

  test('exits with 1 when a step does not hold', async () => {
    // The platform's data would be a temporary folder, and none can be made below a file.
    const { code, stdout } = await demo([], { TMPDIR: join(MAIN, 'no-folder') })
    assert.match(stdout, /✘ the demo went through: /)
    assert.match(stdout, /\n1 of 1 checks failed, in [\d.]+ s\.\n/)
    assert.equal(code, 1)
  })
})
