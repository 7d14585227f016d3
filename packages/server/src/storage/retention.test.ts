import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallEventType, CallRecord } from '../calls/call-record.ts'
import { silentLog } from '../shared/log.ts'
import type { Clock } from '../shared/time.ts'
import { testApp, testRecord } from './contract.test-suite.ts'
import { openStorage } from './open-storage.ts'
import { startRetention } from './retention.ts'

const DAY_MS = 86_400_000
const ended = (n: number, at: number): CallRecord =>
  testRecord(n, { end: { at, releaseCode: 0, q850: 0, sipStatus: 0 } })

test('ended calls are deleted in batches, oldest first; open calls and younger ones stay', async () => {
  const storage = await openStorage({ dataDir: ':memory:', groupCommitMs: 0 })
  try {
    await storage.apps.saveApp(testApp)
    const append = (record: CallRecord, event: CallEventType) =>
      storage.journal.append({ record, event, at: 1 })
    for (let n = 1; n <= 5; n++) append(ended(n, 5000), 'disconnect')
    append(ended(6, 9000), 'disconnect')
    append(testRecord(7), 'callin')
    await storage.journal.flush()
    assert.equal(await storage.archive.deleteEndedBefore(9000, 3), 3)
    assert.equal(await storage.archive.deleteEndedBefore(9000, 3), 2)
    assert.equal(await storage.archive.deleteEndedBefore(9000, 3), 0)
    assert.equal(await storage.archive.deleteEndedBefore(9001, 3), 1)
    assert.equal((await storage.journal.openCalls()).length, 1)
  } finally {
    await storage.close()
  }
})

test('the sweeper asks for calls that ended the given days ago, soon again while there is more', async () => {
  const waits: { delayMs: number; run: () => void }[] = []
  const asked: (readonly [number, number])[] = []
  const left = [200, 200, 7]
  const clock: Clock = {
    now: () => 100 * DAY_MS,
    setTimer: (delayMs, run) => {
      waits.push({ delayMs, run })
      return { cancel() {} }
    },
  }
  const archive = {
    deleteEndedBefore: async (before: number, limit: number) => {
      asked.push([before, limit])
      return left.shift()!
    },
  }
  const sweeper = startRetention({ archive, keepDays: 31, clock, log: silentLog })
  for (let round = 0; round < 3; round++) {
    waits.at(-1)!.run()
    await new Promise(setImmediate)
  }
  assert.deepEqual(
    asked,
    [1, 2, 3].map(() => [69 * DAY_MS, 200]),
  )
  assert.deepEqual(
    waits.map(({ delayMs }) => delayMs),
    [60_000, 50, 50, 60_000],
  )
  await sweeper.close()
})
