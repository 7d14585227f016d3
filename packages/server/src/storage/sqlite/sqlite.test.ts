import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import {
  parties,
  party,
  storageContract,
  type StorageFactory,
  testApp,
  testBinding,
  testRecord,
  testX,
} from '../contract.test-suite.ts'
import { DATABASE_FILE, openStorage, type StorageOptions } from '../open-storage.ts'
import { arrived, endedSms, smsStorageContract } from '../sms-contract.test-suite.ts'

function directory(): StorageFactory & { readonly dir: string } {
  const dir = mkdtempSync(path.join(tmpdir(), 'maskline-db-'))
  const open = (options: Partial<StorageOptions> = {}) => openStorage({ dataDir: dir, ...options })
  return {
    dir,
    open,
    reopen: open,
    dispose: async () => rmSync(dir, { recursive: true, force: true }),
  }
}

storageContract('SQLite', directory)
smsStorageContract('SQLite', directory)
storageContract('SQLite, a disk flush per group', () => {
  const base = directory()
  const open = (options: Partial<StorageOptions> = {}) =>
    base.open({ durability: 'power', groupCommitMs: 1, ...options })
  return { ...base, open, reopen: open }
})

test('pushes that wait in an outbox of the first shape are there after the upgrade, and ids find their rows', async () => {
  const { dir, open, dispose } = directory()
  const event = { kind: 'event', url: 'http://customer.example/', body: '{"eventType":"callin"}' } as const
  try {
    const storage = await open({
      pushesOf: (f) => [{ ...event, sessionId: f.record.sessionId }],
    })
    await storage.apps.saveApp(testApp)
    storage.journal.append({ event: 'callin', at: 1000, record: testRecord(1) })
    await storage.journal.flush()
    await storage.close()

    const database = new DatabaseSync(path.join(dir, DATABASE_FILE))
    database.exec(`
      create table first_outbox (id bigint not null primary key, app_key text not null, kind text not null, url text not null,
        session_id text not null, sealed_body text not null, attempts integer not null, batch_id text, first_failed_at bigint,
        due_at bigint not null, error text);
      insert into first_outbox select * from outbox;
      drop table outbox;
      alter table first_outbox rename to outbox;
      drop table sms_message;
      drop table sms_part;
      delete from kysely_migration where name >= '0007';
    `)
    database.close()

    const upgraded = await open()
    const items = await upgraded.outbox.due(2000, 10)
    assert.deepEqual(
      items.map(({ kind, url, body, sessionId }) => ({ kind, url, body, sessionId })),
      [{ ...event, sessionId: testRecord(1).sessionId }],
    )
    await upgraded.outbox.remove(items.map(({ id }) => id))
    assert.deepEqual(await upgraded.outbox.due(2000, 10), [])
    await upgraded.close()
    const after = new DatabaseSync(path.join(dir, DATABASE_FILE), { readOnly: true })
    const indexes = after.prepare("select name from pragma_index_list('outbox') order by name").all()
    after.close()
    assert.deepEqual(
      indexes.map(({ name }) => name),
      ['outbox_by_due', 'outbox_number_states'],
    )
  } finally {
    await dispose()
  }
})

test('no real number, secret, password, text or user data is in the files of the database', async () => {
  const { dir, open, dispose } = directory()
  const body = '{"caller":"+8613800000021","called":"+8675528000001"}'
  const storage = await open({
    pushesOf: (f) => [
      { kind: 'event', url: 'http://customer.example/', body, sessionId: f.record.sessionId },
    ],
  })
  try {
    await storage.apps.saveApp(testApp)
    await storage.numbers.save([testX(1)])
    const binding = testBinding(1, { a: party(21), b: party(22), userData: 'order-of-lady-winter' })
    await storage.bindings.insert(binding, { capacity: 10 }, 1000)
    await storage.bindings.update('AXB', binding.id, 1000, () => ({ ...binding, b: party(23) }))
    await storage.bindings.candidates({
      appKey: testApp.key,
      without: parties(party(24), party(25)),
      capacity: 5,
      at: 1000,
      limit: 1,
    })
    await storage.subscribers.save({ username: '13800000026', password: 'sip-password' })
    const forward = { display: testX(1).number, callee: party(27), startAt: 1000 }
    storage.journal.append({ record: testRecord(1, { forward }), event: 'callout', at: 1000 })
    await storage.journal.flush()
    const [item] = await storage.outbox.due(1000, 1)
    await storage.outbox.postpone([item!.id], { attempts: 1, firstFailedAt: 1, dueAt: 2, error: 'HTTP 500' })
    const sms = await storage.sms.receive(arrived('the text of lady summer'), 1000, {
      gatherMs: 1000,
      doubtAfterMs: 1000,
    })
    assert.ok(sms.kind === 'complete')
    await storage.sms.save(
      { ...sms.message, subject: { direction: 1, userData: 'order-of-lady-winter' } },
      'received',
    )
    await storage.sms.save(endedSms(sms.message), 'received')
    // Before the close, so that the log is searched as well as the database.
    const names = readdirSync(dir).filter((name) => name.startsWith(DATABASE_FILE))
    assert.ok(names.some((name) => name.endsWith('-wal')))
    const bytes = Buffer.concat(names.map((name) => readFileSync(path.join(dir, name))))
    assert.ok(bytes.includes('17000000001'), 'the search finds what lies in clear')
    for (const secret of [
      '138000000',
      '755280000',
      testApp.secret,
      'sip-password',
      'lady-winter',
      'lady summer',
      Buffer.from('lady summer').toString('base64').slice(4, 12),
      '"caller"',
    ]) {
      assert.ok(!bytes.includes(secret), `${secret} lies in clear`)
    }
  } finally {
    await storage.close()
    await dispose()
  }
})

test('a data directory that cannot be used is refused in one sentence', async () => {
  const { dir, dispose } = directory()
  try {
    writeFileSync(path.join(dir, 'file'), '')
    const problem = { code: 'DATA_DIR_UNUSABLE', message: /data directory/ }
    await assert.rejects(openStorage({ dataDir: path.join(dir, 'file') }), problem)
    mkdirSync(path.join(dir, 'taken', DATABASE_FILE), { recursive: true })
    await assert.rejects(openStorage({ dataDir: path.join(dir, 'taken') }), problem)
  } finally {
    await dispose()
  }
})

test('facts that storage refuses are kept, reported, and committed in order when it works again', async () => {
  const { dir, open, dispose } = directory()
  const faults: number[] = []
  let reported = () => {}
  const storage = await open({
    groupCommitMs: 0,
    onFault: (_error, waiting) => {
      faults.push(waiting)
      reported()
    },
    pushesOf: (f) => [
      { kind: 'event', url: 'http://customer.example/', body: f.event, sessionId: f.record.sessionId },
    ],
  })
  const foreign = new DatabaseSync(path.join(dir, DATABASE_FILE))
  try {
    await storage.apps.saveApp(testApp)
    foreign.exec('alter table outbox rename to outbox_gone')
    const fault = new Promise<void>((resolve) => (reported = resolve))
    storage.journal.append({ record: testRecord(1), event: 'callin', at: 1 })
    storage.journal.append({ record: testRecord(1), event: 'callout', at: 2 })
    await fault
    assert.deepEqual(await storage.journal.openCalls(), [], 'nothing of the group is done')
    storage.journal.append({ record: testRecord(1), event: 'alerting', at: 3 })
    foreign.exec('alter table outbox_gone rename to outbox')
    await storage.journal.flush()
    assert.deepEqual(
      (await storage.outbox.due(9, 9)).map((item) => item.body),
      ['callin', 'callout', 'alerting'],
    )
    assert.ok(faults[0] === 2)
  } finally {
    foreign.close()
    await storage.close()
    await dispose()
  }
})

test('writes of one turn are committed together, and a promise resolves only after its commit', async () => {
  const { dir, open, dispose } = directory()
  const storage = await open()
  const foreign = new DatabaseSync(path.join(dir, DATABASE_FILE))
  try {
    await storage.apps.saveApp(testApp)
    await storage.numbers.save([testX(1)])
    const count = () => (foreign.prepare('select count(*) as n from binding').get() as { n: number }).n
    const binds = [1, 2, 3].map((n) => storage.bindings.insert(testBinding(n), { capacity: 10 }, 1000))
    assert.equal(count(), 0)
    await binds[0]
    assert.equal(count(), 3)
  } finally {
    foreign.close()
    await storage.close()
    await dispose()
  }
})

test('a write that fails does not undo the others of its turn', async () => {
  const { open, dispose } = directory()
  const storage = await open()
  try {
    await storage.apps.saveApp(testApp)
    await storage.numbers.save([testX(1)])
    await storage.bindings.insert(testBinding(1), { capacity: 10 }, 1000)
    const poison = () => {
      throw new TypeError('poison')
    }
    const outcomes = await Promise.allSettled([
      storage.bindings.insert(testBinding(2), { capacity: 10 }, 1000),
      storage.bindings.update('AXB', testBinding(1).id, 1000, poison),
      storage.bindings.insert(testBinding(3), { capacity: 10 }, 1000),
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    // As the first of its turn, too.
    const last = await Promise.allSettled([
      storage.bindings.update('AXB', testBinding(1).id, 1000, poison),
      storage.bindings.insert(testBinding(4), { capacity: 10 }, 1000),
    ])
    assert.deepEqual(
      last.map(({ status }) => status),
      ['rejected', 'fulfilled'],
    )
    for (const n of [1, 2, 3, 4]) assert.ok(await storage.bindings.findById(testBinding(n).id, 1000), `${n}`)
  } finally {
    await storage.close()
    await dispose()
  }
})

test('what was acknowledged is there after the process is killed', async () => {
  const { dir, open, dispose } = directory()
  const url = (file: string) => JSON.stringify(new URL(file, import.meta.url).href)
  const program = `
    const { openStorage } = await import(${url('../open-storage.ts')})
    const suite = await import(${url('../contract.test-suite.ts')})
    const storage = await openStorage({
      dataDir: ${JSON.stringify(dir)},
      pushesOf: (f) => [{ kind: 'event', url: 'http://customer.example/', body: '{}', sessionId: f.record.sessionId }],
    })
    storage.startHeartbeat()
    await storage.apps.saveApp(suite.testApp)
    await storage.numbers.save([suite.testX(1)])
    for (let n = 1; ; n++) {
      const record = suite.testRecord(n)
      storage.journal.append({ record, event: 'callin', at: 1000 })
      const binding = suite.testBinding(n)
      await Promise.all([storage.journal.flush(), storage.bindings.insert(binding, { capacity: 1e6 }, 1000)])
      process.stdout.write(binding.id + ' ' + record.sessionId + '\\n')
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const acknowledged: string[][] = []
    for await (const line of createInterface(child.stdout)) {
      acknowledged.push(line.split(' '))
      if (acknowledged.length === 200) child.kill('SIGKILL')
    }
    assert.ok(acknowledged.length >= 200)
    const storage = await open()
    try {
      const open = new Set((await storage.journal.openCalls()).map((record) => record.sessionId))
      const pushed = new Set((await storage.outbox.due(1000, 1e6)).map((item) => item.sessionId))
      assert.deepEqual(pushed, open, 'a call and its push are there together or not at all')
      for (const [id, sessionId] of acknowledged) {
        assert.ok(await storage.bindings.findById(id!, 1000), `binding ${id}`)
        assert.ok(open.has(sessionId!), `call ${sessionId}`)
      }
      assert.ok(storage.aliveUntil !== undefined)
    } finally {
      await storage.close()
    }
  } finally {
    child.kill('SIGKILL')
    await dispose()
  }
})
