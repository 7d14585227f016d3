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
    test(`tells ${mode} step by step, holds every check and exits with 0`, async () => {
      await holds(['--mode', mode])
    })

  test('tells axb when no mode is named', async () => {
    await holds([])
  })

  test('tells SMS in axb, ax and x, or in the mode that is named', async () => {
    const titles = (stdout: string): string[] => stdout.match(/^Maskline SMS in \w+/gm) ?? []
    const all = ['AXB', 'AX', 'X'].map((mode) => `Maskline SMS in ${mode}`)
    assert.deepEqual(titles(await holds(['--sms'])), all)
    assert.deepEqual(titles(await holds(['--sms', '--mode', 'ax'])), all.slice(1, 2))
    // What npm leaves of `npm run demo --sms --mode x`.
    assert.deepEqual(titles(await holds(['x'], { npm_config_sms: 'true' })), all.slice(2))
  })

  async function holds(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string> {
    const { code, stdout, stderr } = await demo(args, env)
    const [, checks] = /\nAll (\d+) checks held, in [\d.]+ s\.\n/.exec(stdout) ?? []
    assert.ok(checks !== undefined, stdout + stderr)
    assert.equal(stdout.match(/✔/g)?.length, Number(checks), 'each check is shown')
    assert.doesNotMatch(stdout, /✘/)
    assert.deepEqual([code, stderr], [0, ''])
    return stdout
  }

  test('prints what there is to choose, --sms too', async () => {
    const { code, stdout, stderr } = await demo(['--help'])
    assert.match(stdout, /^npm run demo \[-- --mode MODE\] \[--sms\] /)
    for (const option of ['ax', 'axb', 'axe', 'axyb', 'x', '--sms'])
      assert.match(stdout, new RegExp(`^  ${option} `, 'm'))
    assert.deepEqual([code, stderr], [0, ''])
  })

  for (const [args, fault] of [
    [['--mode', 'axz'], 'there is no demo of mode "axz"; there are: ax, axb, axe, axyb, x'],
    [['--sms', '--mode', 'axe'], 'there is no SMS demo of mode "axe"; there are: axb, ax, x'],
    [['--mms'], "Unknown option '--mms'"],
  ] as const)
    test(`exits with 2 on ${args.join(' ')}, and prints what there is`, async () => {
      const { code, stdout, stderr } = await demo(args)
      const [first, , usage] = stderr.split('\n')
      assert.equal(first, `maskline demo: ${fault}`)
      assert.match(usage!, /^npm run demo /)
      assert.deepEqual([code, stdout], [2, ''])
    })

  test('exits with 1 when a step does not hold', async () => {
    // The platform's data would be a temporary folder, and none can be made below a file.
    for (const args of [[], ['--sms']]) {
      const { code, stdout } = await demo(args, { TMPDIR: join(MAIN, 'no-folder') })
      assert.match(stdout, /✘ the demo went through: /)
      assert.match(stdout, /\n1 of 1 checks failed, in [\d.]+ s\.\n/)
      assert.equal(code, 1)
    }
  })
})
