import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { postgresBin, skipsPostgres, takeDatabase } from '../../testkit/postgres.ts'
import { databaseAt, startPostgresServer } from '../../testkit/postgres-server.ts'
import { testApp, testBinding, testRecord, testX, xNumber } from '../contract.test-suite.ts'
import { openStorage, type StorageOptions } from '../open-storage.ts'

const pushing: Partial<StorageOptions> = {
  groupCommitMs: 1,
  pushesOf: (f) => [
    { kind: 'event', url: 'http://customer.example/', body: f.event, sessionId: f.record.sessionId },
  ],
}

/**
 * A way to the test server on which connections can be cut when the client sends a certain word: before the server
 * gets it, or after, so that only the answer is lost.
 */
async function fragileWay(t: TestContext, url: string) {
  const dir = mkdtempSync(path.join(tmpdir(), 'maskline-way-'))
  const target = `${new URL(url.replace('@/', '@local/')).searchParams.get('host')}/.s.PGSQL.5432`
  const sockets = new Set<Socket>()
  let cut: { readonly word: string; readonly when: 'before' | 'after' } | undefined
  let cuts = 0
  const way = createServer((client) => {
    const server = connect(target)
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => void sockets.delete(socket))
    }
    let isDeaf = false
    server.on('data', (bytes) => void (isDeaf || client.write(bytes)))
    client.on('close', () => server.end())
    // The server has carried out what it was sent before it sees the end.
    server.on('close', () => client.destroy())
    client.on('data', (bytes) => {
      const { word = '', when } = cut ?? {}
      if (cut === undefined || !bytes.includes(word)) {
        server.write(bytes)
        return
      }
      cut = undefined
      cuts++
      isDeaf = true
      if (when === 'before') server.destroy()
      else server.end(bytes)
    })
  })
  await new Promise<void>((resolve) => way.listen(path.join(dir, '.s.PGSQL.5432'), resolve))
  t.after(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => way.close(resolve))
    rmSync(dir, { recursive: true })
  })
  return {
    url: url.replace(/host=.*/, `host=${encodeURIComponent(dir)}`),
    cutAt(word: string, when: 'before' | 'after'): void {
      cut = { word, when }
    },
    get cuts() {
      return cuts
    },
  }
}

describe('a PostgreSQL connection that breaks', { skip: skipsPostgres }, () => {
  for (const [title, word, when] of [
    ['before its commit is sent: the work is done again', 'commit\0', 'before'],
    ['after its commit, so that only the answer is lost: the work is not done again', 'commit\0', 'after'],
    ['in the middle of the work: it is done again', 'insert into "outbox"', 'after'],
  ] as const) {
    it(title, async (t) => {
      const database = await takeDatabase()
      const way = await fragileWay(t, database.url)
      const storage = await openStorage({ dataDir: ':memory:', databaseUrl: way.url, ...pushing })
      t.after(async () => {
        await storage.close()
        await database.release()
      })
      await storage.apps.saveApp(testApp)
      way.cutAt(word, when)
      storage.journal.append({ record: testRecord(1), event: 'callin', at: 1 })
      await storage.journal.flush()
      assert.equal(way.cuts, 1)
      assert.equal((await storage.journal.openCalls()).length, 1)
      assert.equal((await storage.outbox.due(9, 9)).length, 1)
    })
  }
})

describe('a PostgreSQL server that crashes', { skip: skipsPostgres }, () => {
  it('in the middle of writes loses none that was acknowledged, and does none twice', async (t) => {
    const server = await startPostgresServer(postgresBin!)
    t.after(() => server.stop())
    const databaseUrl = databaseAt(server.socketDir, 'postgres')
    const dataDir = mkdtempSync(path.join(tmpdir(), 'maskline-crash-'))
    t.after(() => rmSync(dataDir, { recursive: true }))
    const storage = await openStorage({ dataDir, databaseUrl, ...pushing })
    await storage.apps.saveApp(testApp)
    const numbers = [1, 2, 3, 4].map((n) => testX(n))
    await storage.numbers.save(numbers)
    const acknowledged: string[] = []
    let tell = { from: Infinity, run: () => {} }
    const acknowledgedFurther = (more: number) =>
      new Promise<void>((resolve) => (tell = { from: acknowledged.length + more, run: resolve }))
    let n = 0
    let isOver = false
    const bindOn = async (x: number): Promise<void> => {
      while (!isOver) {
        const binding = testBinding(++n, { x: xNumber(x) })
        storage.journal.append({ record: testRecord(n), event: 'callin', at: 1000 })
        // Refused while the server is away for long: then nothing was acknowledged.
        const outcome = await storage.bindings.insert(binding, { capacity: 1e6 }, 1000).catch(() => undefined)
        if (!outcome?.ok) continue
        acknowledged.push(binding.id)
        if (acknowledged.length >= tell.from) tell.run()
      }
    }
    const work = Promise.all([1, 2, 3, 4].map(bindOn))
    for (let crash = 1; crash <= 2; crash++) {
      await acknowledgedFurther(100)
      await server.crash()
    }
    await acknowledgedFurther(50)
    isOver = true
    await work
    await storage.journal.flush()
    await storage.close()

    const again = await openStorage({ dataDir, databaseUrl, ...pushing })
    t.after(() => again.close())
    for (const id of acknowledged) assert.ok(await again.bindings.findById(id, 1000), `binding ${id}`)
    assert.equal((await again.journal.openCalls()).length, n)
    const pushed = (await again.outbox.due(1000, 1e6)).map(({ sessionId }) => sessionId)
    assert.equal(pushed.length, n)
    assert.equal(new Set(pushed).size, n)
  })
})
