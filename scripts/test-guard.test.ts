import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { describe, it } from 'node:test'

/** Runs one made-up test file under the guard. */
function runGuarded(body: string, graceMs: number) {
  const { NODE_TEST_CONTEXT: _ours, ...env } = process.env
  const source = `import { test } from 'node:test'\nimport net from 'node:net'\n${body}`
  return spawnSync(
    process.execPath,
    ['--import', path.join(import.meta.dirname, 'test-guard.ts'), '--input-type=module', '--eval', source],
    { encoding: 'utf8', env: { ...env, MASKLINE_TEST_GRACE_MS: String(graceMs) } },
  )
}

describe('test guard', () => {
  it('fails a file that leaves a server open and names it', () => {
    const { status, stderr } = runGuarded(
      "test('leaks', () => { net.createServer().listen(0, '127.0.0.1') })",
      500,
    )
    assert.equal(status, 1)
    assert.match(stderr, /Left open: TCPServerWrap/)
  })

  it('leaves a file alone that closes what it opens', () => {
    const body =
      "test('closes', (t) => { const s = net.createServer().listen(0, '127.0.0.1'); t.after(() => s.close()) })"
    const { status, stderr } = runGuarded(body, 60_000)
    assert.equal(status, 0, stderr)
  })

  it('gives a test all the time it needs while it runs', () => {
    const body = "test('slow', () => new Promise((resolve) => setTimeout(resolve, 900)))"
    const { status, stderr } = runGuarded(body, 300)
    assert.equal(status, 0, stderr)
  })
  it('leaves worker threads alone, in which no test ever runs', () => {
    const worker = `data:text/javascript,${encodeURIComponent('setTimeout(() => process.exit(7), 900)')}`
    const body = `
      import assert from 'node:assert/strict'
      import { once } from 'node:events'
      import { Worker } from 'node:worker_threads'
      test('has a worker', async () => {
        const worker = new Worker(new URL(${JSON.stringify(worker)}))
        assert.deepEqual(await once(worker, 'exit'), [7])
      })`
    const { status, stdout, stderr } = runGuarded(body, 300)
    assert.equal(status, 0, stdout + stderr)
  })
})
