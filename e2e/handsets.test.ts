import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startPeer } from './support/peer-process.ts'
import { MAIN, pickPorts, serveEnv } from './support/platform-process.ts'
import { freePorts } from './support/ports.ts'
import { run } from './support/run.ts'
import { makeTempDir } from './support/temp-dir.ts'
import { waitFor } from './support/wait.ts'

const ROOT = join(import.meta.dirname, '..')
const RUN = join(ROOT, 'scripts/run.mjs')
const SHIPPED = 'packages/lab/handsets.json'

/** `npm run handsets`, with somebody at its keyboard. */
function startHandsets(t: TestContext, config: string) {
  const child = spawn(process.execPath, [RUN, 'packages/lab/src/sms/main.ts', '--config', config], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => child.kill())
  const exited = once(child, 'exit')
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  return {
    type: (line: string) => void child.stdin.write(`${line}\n`),
    /** Waits until a line is there; resolves to all that was printed. */
    says: (line: string) =>
      waitFor(() => output.split('\n').includes(line) && output, {
        what: line,
        detail: () => output,
        timeoutMs: 15_000,
      }),
    async end() {
      child.stdin.end()
      const [code] = await exited
      return code as number | null
    },
  }
}

test(
  'the lab of npm start texts between the handsets of npm run handsets',
  { timeout: 90_000 },
  async (t) => {
    const dir = makeTempDir('handsets')
    t.after(() => dir.remove())
    // The shipped settings, at a port that is free here.
    const smppPort = await freePorts('127.0.0.1')
    const config = join(dir.path, 'handsets.json')
    writeFileSync(config, readFileSync(join(ROOT, SHIPPED), 'utf8').replace('2775', `${smppPort}`))

    const ports = await pickPorts()
    const server = await startPeer({
      command: process.execPath,
      args: [RUN, MAIN, 'serve', '--data', join(dir.path, 'data'), '--config', config],
      cwd: ROOT,
      env: serveEnv('', ports),
    })
    t.after(() => server.stop('SIGTERM', 15_000))
    await waitFor(() => server.output().includes('Ctrl-C stops it') || server.ended() !== undefined, {
      what: 'the guide',
      detail: server.output,
      timeoutMs: 30_000,
    })
    const guide = server.output()
    assert.ok(guide.includes(`npm start -- --config ${SHIPPED}`), guide)
    assert.ok(guide.includes('npm run handsets'), guide)
    const [, text = '', a = '', x = '', said = ''] = /\n +((\d{11}) (\d{11}) ([^\d\n]+))\n/.exec(guide) ?? []
    const [, b = ''] = /the handset (\d{11}) reads it/.exec(guide) ?? []

    const handsets = startHandsets(t, config)
    await handsets.says('The platform is bound.')
    handsets.type(text)
    await handsets.says(`${a} → ${x}  sent`)

    const [bind = ''] = guide.match(/npm run maskline -- api (?:.*\\\n)*.*/) ?? []
    const command = bind.replace('npm run maskline --', `"${process.execPath}" "${RUN}" "${MAIN}"`)
    const bound = await run('sh', ['-c', command], { cwd: ROOT })
    assert.equal(bound.code, 0, bound.stderr)

    handsets.type(text)
    await handsets.says(`┃ ${b} reads, from ${x}:  ${said}`)
    handsets.type(`${b} ${x} 马上到🚗`)
    const output = await handsets.says(`┃ ${a} reads, from ${x}:  马上到🚗`)
    assert.equal(output.match(/┃/g)?.length, 2, 'nobody got the one that came before the bind')

    handsets.type('hello')
    await handsets.says(`That is no FROM TO TEXT, such as   ${text}`)
    assert.equal(await handsets.end(), 0)
    assert.equal((await server.stop('SIGTERM', 15_000)).code, 0)
  },
)
