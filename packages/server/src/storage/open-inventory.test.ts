import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { Clock } from '../shared/time.ts'
import { testApp, testX } from './contract.test-suite.ts'
import { openInventory } from './open-inventory.ts'
import { DATABASE_FILE, openStorage } from './open-storage.ts'

const folder = (t: { after(run: () => void): void }): string => {
  const dir = mkdtempSync(path.join(tmpdir(), 'maskline-look-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return dir
}

test('a look into a folder in use shows apps, numbers and subscribers', async (t) => {
  const dataDir = folder(t)
  const storage = await openStorage({ dataDir })
  try {
    await storage.apps.saveApp(testApp)
    await storage.numbers.save([testX(1)])
    await storage.subscribers.save({ username: '13800000021', password: 'p1' })
    const inventory = await openInventory(dataDir)
    assert.deepEqual(await inventory.apps.findApp(testApp.key), testApp)
    assert.deepEqual(await inventory.numbers.list(testApp.key), [testX(1)])
    assert.equal((await inventory.subscribers.find('13800000021'))?.password, 'p1')
    await inventory.close()
  } finally {
    await storage.close()
  }
})

test('a look changes nothing, so that the end of a crashed call stays where it was', async (t) => {
  const dataDir = folder(t)
  const clock: Clock = { now: () => 1000, setTimer: () => ({ cancel() {} }) }
  const storage = await openStorage({ dataDir, clock })
  storage.startHeartbeat()
  await storage.close()
  const before = readFileSync(path.join(dataDir, DATABASE_FILE))
  const inventory = await openInventory(dataDir)
  await inventory.apps.listApps()
  await inventory.close()
  assert.ok(before.equals(readFileSync(path.join(dataDir, DATABASE_FILE))))
  const again = await openStorage({ dataDir })
  assert.equal(again.aliveUntil, 1000)
  await again.close()
})

test('a folder without data is told so and stays empty', async (t) => {
  const dataDir = folder(t)
  await assert.rejects(openInventory(dataDir), {
    code: 'NO_DATA',
    message: `no data in ${dataDir} yet; run \`npm start\` first`,
  })
  assert.deepEqual(readdirSync(dataDir), [])
  writeFileSync(path.join(dataDir, DATABASE_FILE), '')
  await assert.rejects(openInventory(dataDir), { code: 'NO_DATA' })
})

test('a file that is no database, and a key that is gone, are refused in one sentence', async (t) => {
  const dataDir = folder(t)
  await (await openStorage({ dataDir })).close()
  rmSync(path.join(dataDir, 'seal.key'))
  await assert.rejects(openInventory(dataDir), { code: 'SEAL_KEY_INVALID' })
  assert.ok(!readdirSync(dataDir).includes('seal.key'), 'a look makes no key')
  writeFileSync(path.join(dataDir, DATABASE_FILE), 'no database at all, only words')
  await assert.rejects(openInventory(dataDir), { code: 'DATA_DIR_UNUSABLE' })
})
