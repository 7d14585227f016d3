import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import type { CallEventType, CallFact } from '../calls/call-record.ts'
import type { AppError } from '../shared/app-error.ts'
import type { Clock } from '../shared/time.ts'
import { testApp, testRecord } from './contract.test-suite.ts'
import { DATABASE_FILE, openStorage, type StorageOptions } from './open-storage.ts'

/** A storage on disk whose pushes are the events' names, and a second connection that looks into its tables. */
async function journal(t: TestContext, options: Partial<StorageOptions> = {}) {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'maskline-journal-'))
  const faults: AppError[] = []
  const open = () =>
    openStorage({
      dataDir,
      groupCommitMs: 0,
      onFault: (error) => void faults.push(error),
      pushesOf: (f) => [
        { kind: 'event', url: 'http://customer.example/', body: f.event, sessionId: f.record.sessionId },
      ],
      ...options,
    })
  const storage = await open()
  const tables = new DatabaseSync(path.join(dataDir, DATABASE_FILE))
  await storage.apps.saveApp(testApp)
  t.after(async () => {
    tables.close()
    await storage.close().catch(() => {})
    rmSync(dataDir, { recursive: true })
  })
  const rows = (sql: string) => tables.prepare(sql).all() as Record<string, unknown>[]
  return { storage, faults, tables, rows, open, dataDir }
}

const fact = (n: number, event: CallEventType, at = 1): CallFact => ({ record: testRecord(n), event, at })
const poisonOf =
  (sessionId: string): NonNullable<StorageOptions['pushesOf']> =>
  (f) => {
    if (f.record.sessionId === sessionId) throw new TypeError('no such release code')
    return [{ kind: 'event', url: 'http://customer.example/', body: f.event, sessionId: f.record.sessionId }]
  }

test('a fact that cannot be pushed is set aside with its call, and the facts around it are saved', async (t) => {
  const bad = testRecord(2).sessionId
  const { storage, faults, rows } = await journal(t, { pushesOf: poisonOf(bad) })
  for (const n of [1, 2, 3]) storage.journal.append(fact(n, 'callin'))
  await storage.journal.flush()
  const pushed = (await storage.outbox.due(9, 9)).map((item) => item.sessionId)
  assert.deepEqual(pushed, [testRecord(1).sessionId, testRecord(3).sessionId])
  assert.equal((await storage.journal.openCalls()).length, 3, 'the call itself is written down')
  assert.deepEqual(rows('select session_id, event, at from journal_dead').map(Object.values), [
    [bad, 'callin', 1],
  ])
  assert.deepEqual(
    faults.map(({ code }) => code),
    ['FACT_SET_ASIDE'],
  )
  assert.match(faults[0]!.message, new RegExp(`"callin" of call ${bad} .*no such release code`))
})

test('a fact that cannot be written at all does not hold up the others', async (t) => {
  const { storage, faults } = await journal(t)
  const endless: Record<string, unknown> = { ...testRecord(2) }
  endless.self = endless
  storage.journal.append(fact(1, 'callin'))
  storage.journal.append({ ...fact(2, 'callin'), record: endless as never })
  storage.journal.append(fact(3, 'callin'))
  await storage.journal.flush()
  assert.equal((await storage.journal.openCalls()).length, 2)
  assert.deepEqual(
    faults.map(({ code }) => code),
    ['FACT_SET_ASIDE'],
  )
})

test('a flush gives up after ten seconds of a storage that refuses, and close says what is lost', async (t) => {
  const timers: { delayMs: number; run: () => void }[] = []
  const clock: Clock = {
    now: () => 1000,
    setTimer: (delayMs, run) => {
      timers.push({ delayMs, run })
      return { cancel() {} }
    },
  }
  const { storage, tables } = await journal(t, { clock })
  tables.exec('alter table outbox rename to outbox_gone')
  storage.journal.append(fact(1, 'callin'))
  const flushed = assert.rejects(storage.journal.flush(), { code: 'JOURNAL_NOT_SAVED' })
  timers.find(({ delayMs }) => delayMs === 10_000)!.run()
  await flushed
  await assert.rejects(storage.close(), { code: 'JOURNAL_NOT_SAVED', message: /^1 call facts/ })
})

test('[call.recording.afterCrash] an ended call is open until its recording is stored', async (t) => {
  const { storage } = await journal(t)
  const ref = { startAt: 1, domain: 'rec.example', bucket: 'sp-k', object: '1.wav' }
  const end = { at: 9, releaseCode: 0, q850: 0, sipStatus: 0 }
  const pending = testRecord(1, { end, recordingPending: ref })
  storage.journal.append({ record: pending, event: 'disconnect', at: 9 })
  await storage.journal.flush()
  assert.deepEqual(await storage.journal.openCalls(), [pending])
  storage.journal.append({ record: testRecord(1, { end, recording: ref }), event: 'recorded', at: 10 })
  await storage.journal.flush()
  assert.deepEqual(await storage.journal.openCalls(), [])
})

test('open calls are those of this data folder, whatever the host is called', async (t) => {
  const { storage, tables, open } = await journal(t)
  for (const [n, hostName] of ['pn01.example', 'renamed.example', 'other.example'].entries())
    storage.journal.append({ record: testRecord(n, { hostName }), event: 'callin', at: 1 })
  await storage.close()
  tables.exec(`update call_journal set node = 'another node' where session_id like '1200_2_%'`)
  const again = await open()
  try {
    assert.deepEqual(
      (await again.journal.openCalls()).map(({ hostName }) => hostName),
      ['pn01.example', 'renamed.example'],
    )
  } finally {
    await again.close()
  }
})

test('open calls of a folder from before nodes had ids are its own', async (t) => {
  const { storage, tables, open } = await journal(t)
  storage.journal.append(fact(1, 'callin'))
  await storage.close()
  tables.exec(`update call_journal set node = 'pn01.example'; delete from meta where key = 'node_id'`)
  const again = await open()
  try {
    assert.equal((await again.journal.openCalls()).length, 1)
  } finally {
    await again.close()
  }
})

test('the last sign of life stays until the new process gives its own', async (t) => {
  let now = 1000
  const clock: Clock = { now: () => now, setTimer: () => ({ cancel() {} }) }
  const { storage, open } = await journal(t, { clock })
  storage.startHeartbeat()
  await storage.close()
  now = 5000
  const looker = await open()
  assert.equal(looker.aliveUntil, 1000)
  await looker.close()
  const again = await open()
  assert.equal(again.aliveUntil, 1000, 'opening and closing is no sign of life')
  again.startHeartbeat()
  await again.close()
  const last = await open()
  assert.equal(last.aliveUntil, 5000)
  await last.close()
})
