import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import {
  cpuSeconds,
  mainThreadSeconds,
  parseProcessStat,
  processTree,
  residentBytes,
} from './process-tree.ts'

test('reads a stat line whose command holds blanks and brackets', () => {
  const line = '42 (my (odd) app) S 7 42 42 0 -1 4194304 100 200 0 0 11 5 30 4 20 0 1 0 100 1000 50'
  assert.deepEqual(parseProcessStat(line), { pid: 42, parent: 7, ticks: 50 })
})

test('a tree is the roots and all that descend from them, in whatever order they are listed', () => {
  const all = [
    { pid: 5, parent: 4, ticks: 1 },
    { pid: 4, parent: 2, ticks: 2 },
    { pid: 2, parent: 1, ticks: 4 },
    { pid: 3, parent: 1, ticks: 8 },
  ]
  assert.deepEqual(
    processTree([2], all).map((process) => process.pid),
    [5, 4, 2],
  )
})

test('counts the CPU of a grandchild', async () => {
  // The shell stays as the parent because of the command after the loop.
  const burn =
    "const end = process.cpuUsage().user + 3e5; while (process.cpuUsage().user < end); process.stdin.resume(); console.log('burnt')"
  const shell = spawn('sh', ['-c', `"${process.execPath}" -e "${burn}"; true`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(shell.stdout, 'data')
  const used = cpuSeconds([shell.pid ?? 0])
  assert.ok(used >= 0.28, `${used} s counted of at least 0.3 s`)
  assert.ok(residentBytes([shell.pid ?? 0]) > 10e6, 'a Node process is resident')
  shell.stdin.end()
  await once(shell, 'close')
})

test('a process that is gone costs nothing', () => {
  assert.equal(cpuSeconds([2 ** 30]), 0)
  assert.equal(residentBytes([2 ** 30]), 0)
})

test('counts the CPU of the main thread without that of workers', async () => {
  const burn = 'const end = performance.now() + 1e5; let n = 0; while (n < 3e8) n++; console.log(n)'
  const program = `new (require('worker_threads').Worker)(${JSON.stringify(burn)}, { eval: true }).on('exit', () => {
    process.stdin.resume(); console.log('burnt')
  })`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    for await (const chunk of child.stdout) if (String(chunk).includes('burnt')) break
    const all = cpuSeconds([child.pid!])
    const main = mainThreadSeconds([child.pid!])
    assert.ok(main > 0 && main < all, `${main} of ${all}`)
  } finally {
    child.kill('SIGKILL')
    await once(child, 'close')
  }
})
