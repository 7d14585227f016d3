import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { Client } from 'pg'
import type { AppError } from '../../shared/app-error.ts'
import { newUuid } from '../../shared/ids.ts'
import { createSealer } from '../../shared/seal.ts'
import type { Clock } from '../../shared/time.ts'
import { skipsPostgres, takeDatabase, type TestDatabase } from '../../testkit/postgres.ts'
import {
  party,
  storageContract,
  type StorageFactory,
  testApp,
  testBinding,
  testRecord,
  testX,
  xNumber,
} from '../contract.test-suite.ts'
import { createInventoryStores } from '../inventory-store.ts'
import { openInventory } from '../open-inventory.ts'
import { openStorage, type Storage, type StorageOptions } from '../open-storage.ts'
import { all, type Plan, type Query } from '../plan.ts'
import { smsStorageContract } from '../sms-contract.test-suite.ts'
import { openPostgres, whyUnsuitable } from './engine.ts'

const folder = (): string => mkdtempSync(path.join(tmpdir(), 'maskline-db-'))

function directory(): StorageFactory {
  const dir = folder()
  let database: TestDatabase | undefined
  const open = async (options: Partial<StorageOptions> = {}) => {
    database ??= await takeDatabase()
    return openStorage({ dataDir: dir, databaseUrl: database.url, ...options })
  }
  return {
    open,
    reopen: open,
    async dispose() {
      await database?.release()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** One database, and nodes on it: each has a data folder of its own, all have one seal key. */
async function cluster(t: TestContext) {
  const database = await takeDatabase()
  const opened: Storage[] = []
  const folders: string[] = []
  t.after(async () => {
    await Promise.all(opened.map((storage) => storage.close().catch(() => {})))
    await database.release()
    for (const dir of folders) rmSync(dir, { recursive: true })
  })
  const key = 'ab'.repeat(64)
  const newFolder = (): string => {
    const dir = folder()
    writeFileSync(path.join(dir, 'seal.key'), key)
    folders.push(dir)
    return dir
  }
  const node = async (options: Partial<StorageOptions> = {}): Promise<Storage> => {
    const storage = await openStorage({ dataDir: newFolder(), databaseUrl: database.url, ...options })
    opened.push(storage)
    return storage
  }
  return { database, newFolder, node }
}

const pushing: Partial<StorageOptions> = {
  groupCommitMs: 0,
  pushesOf: (f) => [
    { kind: 'event', url: 'http://customer.example/', body: f.event, sessionId: f.record.sessionId },
  ],
}

describe('PostgreSQL', { skip: skipsPostgres }, () => {
  storageContract('PostgreSQL', directory)
  smsStorageContract('PostgreSQL', directory)

  it('no real number, secret, password, text or user data is in the tables', async (t) => {
    const { database, node } = await cluster(t)
    const storage = await node(pushing)
    await storage.apps.saveApp(testApp)
    await storage.numbers.save([testX(1)])
    await storage.bindings.insert(
      testBinding(1, { a: party(21), b: party(22), userData: 'order-of-lady-winter' }),
      { capacity: 10 },
      1000,
    )
    await storage.subscribers.save({ username: '13800000026', password: 'sip-password' })
    storage.journal.append({ record: testRecord(1, { caller: party(27) }), event: 'callout', at: 1000 })
    await storage.journal.flush()
    const tables = await database.query(`select tablename from pg_tables where schemaname = 'public'`)
    const rows = await Promise.all(
      tables.map(({ tablename }) => database.query(`select t::text as row from "${String(tablename)}" t`)),
    )
    const text = JSON.stringify(rows)
    assert.ok(text.includes('17000000001'), 'the search finds what lies in clear')
    for (const secret of ['138000000', testApp.secret, 'sip-password', 'lady-winter'])
      assert.ok(!text.includes(secret), `${secret} lies in clear`)
  })

  it('numbers of 64 bits come back as numbers', async (t) => {
    const { node } = await cluster(t)
    const storage = await node()
    await storage.apps.saveApp(testApp)
    await storage.numbers.save([testX(1)])
    const late = testBinding(1, { expiresAt: Number.MAX_SAFE_INTEGER, changedAt: 8_640_000_000_000_000 })
    await storage.bindings.insert(late, { capacity: 1 }, 1000)
    assert.deepEqual(await storage.bindings.findById(late.id, 1000), late)
  })

  it('a write that fails does not undo the others that went out with it, nor harm its connection', async (t) => {
    const { node } = await cluster(t)
    const storage = await node()
    await storage.apps.saveApp(testApp)
    await storage.numbers.save([testX(1)])
    await storage.bindings.insert(testBinding(1), { capacity: 100 }, 1000)
    const poison = () => {
      throw new TypeError('poison')
    }
    const insert = (n: number, changes = {}) =>
      storage.bindings.insert(testBinding(n, changes), { capacity: 100 }, 1000)
    for (let round = 0; round < 10; round++) {
      const outcomes = await Promise.allSettled([
        insert(100 + round),
        storage.bindings.update('AXB', testBinding(1).id, 1000, poison),
        // The id is taken: the database refuses this one itself.
        insert(1, { a: party(9000 + round), b: party(9500 + round) }),
        insert(200 + round),
      ])
      assert.deepEqual(
        outcomes.map((outcome) =>
          outcome.status === 'fulfilled' ? outcome.value.ok : (outcome.reason as AppError).code,
        ),
        [true, 'WRITE_REFUSED', 'WRITE_REFUSED', true],
      )
    }
    const on = { appKey: testApp.key, x: xNumber(1), at: 1000, offset: 0, limit: 1 }
    assert.equal((await storage.bindings.queryAxb(on)).total, 21)
  })

  it('facts that storage refuses are kept and committed in order when it works again', async (t) => {
    const { database, node } = await cluster(t)
    let reported = () => {}
    const storage = await node({ ...pushing, onFault: () => reported() })
    await storage.apps.saveApp(testApp)
    await database.query('alter table outbox rename to outbox_gone')
    const fault = new Promise<void>((resolve) => (reported = resolve))
    storage.journal.append({ record: testRecord(1), event: 'callin', at: 1 })
    storage.journal.append({ record: testRecord(1), event: 'callout', at: 2 })
    await fault
    assert.deepEqual(await storage.journal.openCalls(), [], 'nothing of the group is done')
    await database.query('alter table outbox_gone rename to outbox')
    await storage.journal.flush()
    assert.deepEqual(
      (await storage.outbox.due(9, 9)).map(({ body }) => body),
      ['callin', 'callout'],
    )
  })

  it('an edit is not hidden by a row that was read before it and comes after it', async (t) => {
    const { database } = await cluster(t)
    const storage = await openStorage({ dataDir: ':memory:', databaseUrl: database.url })
    await storage.close()
    const engine = await openPostgres(database.url, { node: newUuid() })
    t.after(() => engine.close())
    const { runner, builder } = engine
    /** Runs a statement after each of the plan, so that its rows come late. */
    function* late<T>(plan: Plan<T>, then: Query<unknown>): Plan<T> {
      let step = plan.next()
      while (!step.done) {
        const rows = yield step.value
        yield* all(then)
        step = plan.next(rows)
      }
      return step.value
    }
    const wait: Query<unknown> = { sql: 'select pg_advisory_xact_lock(1)', bind: () => [] }
    let isLate = false
    const { apps, numbers } = await createInventoryStores(
      { ...runner, read: (plan) => runner.read(isLate ? late(plan, wait) : plan) },
      builder,
      createSealer(new Uint8Array(64)),
    )
    await apps.saveApp(testApp)
    await numbers.save([testX(1)])
    const holder = new Client({ connectionString: database.url })
    await holder.connect()
    await holder.query('select pg_advisory_lock(1)')
    isLate = true
    const old = numbers.find(xNumber(1))
    isLate = false
    const waiting = `select 1 from pg_locks where locktype = 'advisory' and not granted`
    while ((await database.query(waiting)).length === 0);
    await numbers.save([testX(1, { status: 'suspended' })])
    await holder.end()
    assert.equal((await old)?.status, 'normal')
    assert.equal((await numbers.find(xNumber(1)))?.status, 'suspended')
  })
})

describe('nodes that share a PostgreSQL database', { skip: skipsPostgres }, () => {
  it('may start at once on an empty database', async (t) => {
    const { database, node } = await cluster(t)
    await database.query('drop schema public cascade; create schema public')
    const nodes = await Promise.all([node(), node(), node()])
    await nodes[0]!.apps.saveApp(testApp)
    assert.deepEqual(await nodes[1]!.apps.findApp(testApp.key), testApp)
  })

  it('keep the rules of a number together: its capacity, and one binding for a party', async (t) => {
    const { node } = await cluster(t)
    const nodes = await Promise.all([node(), node()])
    await nodes[0]!.apps.saveApp(testApp)
    await nodes[0]!.numbers.save([testX(1), testX(2), testX(3), testX(4)])
    const each = Array.from({ length: 200 }, (_, n) => n)
    const full = await Promise.all(
      each.map((n) => nodes[n % 2]!.bindings.insert(testBinding(n), { capacity: 25 }, 1000)),
    )
    assert.equal(full.filter(({ ok }) => ok).length, 25)
    const contested = await Promise.all(
      each.map((n) => {
        const binding = testBinding(1000 + n, { x: xNumber(2), a: party(1), b: party(5000 + n) })
        return nodes[n % 2]!.bindings.insert(binding, { capacity: 1000 }, 1000)
      }),
    )
    assert.equal(contested.filter(({ ok }) => ok).length, 1)
    const { total } = await nodes[0]!.bindings.queryAxb({
      appKey: testApp.key,
      x: xNumber(1),
      at: 1000,
      offset: 0,
      limit: 1,
    })
    assert.equal(total, 25)
  })

  it('count the bindings of a party over different numbers together', async (t) => {
    const { node } = await cluster(t)
    const nodes = await Promise.all([node(), node()])
    await nodes[0]!.apps.saveApp(testApp)
    const numbers = Array.from({ length: 40 }, (_, n) => testX(n + 1))
    await nodes[0]!.numbers.save(numbers)
    const { b: _, durationSec: __, ...common } = testBinding(0)
    const outcomes = await Promise.all(
      numbers.map(({ number }, n) =>
        nodes[n % 2]!.bindings.insert(
          { ...common, mode: 'AX', id: newUuid(), x: number, a: party(7), turnFlag: 'on' },
          { capacity: 1, perParty: 5 },
          1000,
        ),
      ),
    )
    assert.equal(outcomes.filter(({ ok }) => ok).length, 5)
  })

  it('number their pushes apart, each upwards', async (t) => {
    const { node } = await cluster(t)
    const nodes = await Promise.all([node(pushing), node(pushing)])
    await nodes[0]!.apps.saveApp(testApp)
    for (const [i, { journal }] of nodes.entries())
      for (let n = 0; n < 100; n++)
        journal.append({ record: testRecord(1000 * i + n), event: 'callin', at: n })
    await Promise.all(nodes.map(({ journal }) => journal.flush()))
    const rows = await nodes[0]!.outbox.due(1000, 1000)
    assert.equal(new Set(rows.map(({ id }) => id)).size, 200)
    for (const i of [0, 1]) {
      const ids = rows
        .filter(({ sessionId }) => Math.floor(Number(sessionId.split('_')[1]) / 1000) === i)
        .map(({ id }) => id)
      assert.deepEqual(
        ids,
        ids.toSorted((a, b) => a - b),
      )
    }
  })

  it('each know their own open calls and their own last sign of life', async (t) => {
    const { newFolder, node } = await cluster(t)
    const dataDir = newFolder()
    let now = 1000
    const clock: Clock = { now: () => now, setTimer: () => ({ cancel() {} }) }
    const first = await node({ dataDir, clock })
    first.startHeartbeat()
    first.journal.append({ record: testRecord(1), event: 'callin', at: 1 })
    await first.close()
    now = 9000
    const second = await node({ clock })
    second.startHeartbeat()
    second.journal.append({ record: testRecord(2), event: 'callin', at: 1 })
    await second.journal.flush()
    assert.equal(second.aliveUntil, undefined)
    assert.deepEqual(await second.journal.openCalls(), [testRecord(2)])
    const again = await node({ dataDir, clock })
    assert.equal(again.aliveUntil, 1000)
    assert.deepEqual(await again.journal.openCalls(), [testRecord(1)])
    assert.match(readFileSync(path.join(dataDir, 'node.id'), 'utf8'), /^[0-9a-f-]{36}\n$/)
  })

  it('notice an edit of another within a look', async (t) => {
    const { node } = await cluster(t)
    let look = () => {}
    const looked: (() => void)[] = []
    const clock: Clock = {
      now: () => 1000,
      setTimer: (_delayMs, run) => {
        look = run
        looked.shift()?.()
        return { cancel() {} }
      },
    }
    const editor = await node()
    await editor.apps.saveApp(testApp)
    await editor.numbers.save([testX(1)])
    const other = await node({ clock })
    assert.equal((await other.numbers.find(xNumber(1)))?.status, 'normal')
    assert.equal((await other.apps.findApp(testApp.key))?.status, 'normal')
    await editor.numbers.save([testX(1, { status: 'suspended' })])
    await editor.apps.saveApp({ ...testApp, status: 'suspended' })
    const over = new Promise<void>((resolve) => looked.push(resolve))
    look()
    await over
    assert.equal((await other.numbers.find(xNumber(1)))?.status, 'suspended')
    assert.equal((await other.apps.findApp(testApp.key))?.status, 'suspended')
  })

  it('must have one seal key', async (t) => {
    const { database, node } = await cluster(t)
    await node()
    const dataDir = folder()
    t.after(() => rmSync(dataDir, { recursive: true }))
    await assert.rejects(openStorage({ dataDir, databaseUrl: database.url }), {
      code: 'SEAL_KEY_INVALID',
      message: new RegExp(`seal\\.key is not the key that postgres://.* was sealed with`),
    })
  })
})

describe('a look into a PostgreSQL database', { skip: skipsPostgres }, () => {
  it('shows apps and numbers, and changes nothing', async (t) => {
    const { database, newFolder, node } = await cluster(t)
    const dataDir = newFolder()
    const storage = await node({ dataDir })
    await storage.apps.saveApp(testApp)
    await storage.numbers.save([testX(1)])
    const copy = newFolder()
    cpSync(dataDir, copy, { recursive: true })
    const inventory = await openInventory(copy, database.url)
    assert.deepEqual(await inventory.apps.findApp(testApp.key), testApp)
    assert.deepEqual(await inventory.numbers.list(testApp.key), [testX(1)])
    await inventory.close()
  })

  it('says so when there is nothing yet, and makes no table', async (t) => {
    const { database, newFolder } = await cluster(t)
    await database.query('drop schema public cascade; create schema public')
    await assert.rejects(openInventory(newFolder(), database.url), {
      code: 'NO_DATA',
      message: /^no data in postgres:.* yet/,
    })
    assert.deepEqual(await database.query(`select 1 from pg_tables where schemaname = 'public'`), [])
  })
})

describe('a PostgreSQL server that cannot be used', { skip: skipsPostgres }, () => {
  const refusal = async (change: (url: string) => string): Promise<AppError> => {
    const database = await takeDatabase()
    const databaseUrl = change(database.url)
    try {
      const storage = await openStorage({ dataDir: ':memory:', databaseUrl })
      await storage.close()
    } catch (error) {
      return error as AppError
    } finally {
      await database.release()
    }
    assert.fail(`${databaseUrl} was opened`)
  }

  it('is told with what to do, and without its password', async () => {
    const rows = [
      [
        () => 'postgres://u:hunter2@127.0.0.1:1/d',
        'DATABASE_UNREACHABLE',
        /127\.0\.0\.1:1.*ECONNREFUSED.*start it/,
      ],
      [() => 'postgres://u:hunter2@no-such-host.invalid/d', 'DATABASE_UNREACHABLE', /no-such-host\.invalid/],
      [
        (url: string) => url.replace(/test_\d+_\d+/, 'no_such_db'),
        'DATABASE_REFUSED',
        /no_such_db.*createdb/,
      ],
      [
        (url: string) => url.replace('maskline@', 'stranger:hunter2@'),
        'DATABASE_REFUSED',
        /stranger.*user and password/,
      ],
    ] as const
    for (const [change, code, message] of rows) {
      const error = await refusal(change)
      assert.equal(error.code, code, error.message)
      assert.match(error.message, message)
      assert.ok(!error.message.includes('hunter2'))
    }
  })

  it('is too old before version 13, and of no use in another encoding than UTF-8', () => {
    assert.match(whyUnsuitable(120_022, 'UTF8')!, /is PostgreSQL 12; .* 13 or newer/)
    assert.match(whyUnsuitable(150_018, 'LATIN1')!, /as LATIN1; .*createdb/)
    assert.equal(whyUnsuitable(130_000, 'UTF8'), undefined)
  })
})
