import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import type { RecordingRef } from '../calls/call-record.ts'
import { type Log, silentLog } from '../shared/log.ts'
import { openStorage, type Storage } from '../storage/index.ts'
import { newApp } from '../tenants/app.ts'
import { createDiskStore } from './disk-store.ts'
import { createRecordingNames } from './names.ts'
import type { Recover } from './keeper.ts'
import type { RecordingStore } from './ports.ts'
import { aRecord, contentOf, handClock, putWav, readLength, tempFolder } from './recordings-test-kit.ts'
import { openRecordings, type RecordingLibrary } from './recordings.ts'

/** An instant with a round wire form: 2026-02-12T15:30:20Z. */
const NOW = Date.UTC(2026, 1, 12, 15, 30, 20)
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const app = newApp({ key: 'App-Key-0001', secret: 's', tenantId: 't', mode: 'AXB', recordingEnabled: true })

/** A disk store that can be told to fail. */
type FailingStore = RecordingStore & { failing: boolean; readonly tried: string[] }

function failingStore(folder: string): FailingStore {
  const disk = createDiskStore(folder)
  const store: FailingStore = {
    failing: false,
    tried: [],
    put: (key, file) => attempt(`put ${key.object}`, () => disk.put(key, file)),
    open: (key, range) => attempt(`open ${key.object}`, () => disk.open(key, range)),
    delete: (key) => attempt(`delete ${key.object}`, () => disk.delete(key)),
  }
  const attempt = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
    store.tried.push(what)
    if (store.failing) throw new Error('the store is away')
    return run()
  }
  return store
}

type Opened = {
  readonly library: RecordingLibrary
  readonly storage: Storage
  readonly store: FailingStore
  readonly folder: string
  readonly clock: ReturnType<typeof handClock>
  /** Opens a second library on the same folder and list, as a process does after a crash. */
  again(recover?: Recover): RecordingLibrary
  /** Warnings in the log. */
  readonly told: string[]
  parts(): string[]
  /** Turns the clock to the next round of upkeep and waits for it. */
  round(): Promise<void>
}

async function withRecordings(run: (opened: Opened) => Promise<void>): Promise<void> {
  const { dir, remove } = tempFolder()
  const clock = handClock(NOW)
  const storage = await openStorage({ dataDir: ':memory:', clock })
  const folder = path.join(dir, 'recordings')
  const store = failingStore(folder)
  const libraries: RecordingLibrary[] = []
  let rounds = Promise.withResolvers<void>()
  const index: Storage['recordings'] = {
    ...storage.recordings,
    async forgetDeletedBefore(before, limit) {
      const count = await storage.recordings.forgetDeletedBefore(before, limit)
      rounds.resolve()
      return count
    },
  }
  const told: string[] = []
  const log: Log = { ...silentLog, warn: (_fields, message) => void told.push(message) }
  const again = (recover = readLength): RecordingLibrary => {
    const options = { folder, domain: 'rec.example', index, store, recover, keepDays: 7 }
    const library = openRecordings({ ...options, clock, log })
    libraries.push(library)
    return library
  }
  try {
    const library = again()
    await run({
      library,
      storage,
      store,
      folder,
      clock,
      again,
      told,
      parts: () => readdirSync(path.join(folder, 'parts')),
      async round() {
        rounds = Promise.withResolvers()
        clock.advance(MINUTE_MS)
        await rounds.promise
      },
    })
  } finally {
    for (const library of libraries) await library.close()
    await storage.close()
    remove()
  }
}

/** Records a call of that length up to its end. */
function recorded(
  { library, clock }: Opened,
  durationMs: number,
): { ref: RecordingRef; file: string; bytes: Uint8Array } {
  const { ref, file } = library.begin(app, clock.now())
  return { ref, file, bytes: putWav(file, durationMs) }
}

const inIndex = async ({ storage }: Opened, object: string) => storage.recordings.find(object)

describe('recordings', () => {
  it('[rec.name.object] [rec.name.bucket] names are 23 digits and .wav, the bucket is sp- and the lower-cased APP_Key', () =>
    withRecordings(async ({ library }) => {
      const { ref, file } = library.begin(app, NOW)
      assert.match(ref.object, /^260212153020\d{11}\.wav$/)
      assert.deepEqual(
        { ...ref, object: '' },
        { startAt: NOW, domain: 'rec.example', bucket: 'sp-app-key-0001', object: '' },
      )
      assert.equal(path.basename(file), ref.object)
    }))

  it('a name never comes back: in one second, after a restart in that second, and when the clock is set back', () => {
    const [one, two] = [createRecordingNames(1), createRecordingNames(2)]
    const names = [NOW, NOW + 999, NOW + 1000, NOW, NOW + 1000].flatMap((at) => [one.next(at), two.next(at)])
    assert.equal(new Set(names).size, names.length)
  })

  it('an APP_Key cannot lead out of the folder', () =>
    withRecordings(async ({ library }) => {
      const { ref } = library.begin({ ...app, key: '../../x/Y z' }, NOW)
      assert.equal(ref.bucket, 'sp-..-..-x-y-z')
    }))

  it('[rec.file.stored] a finished file is in the store and in the list before finish resolves', () =>
    withRecordings(async (opened) => {
      const { library, folder } = opened
      const { ref, bytes } = recorded(opened, 20_000)
      assert.equal(await library.finish(aRecord(), ref), true)
      assert.deepEqual(opened.parts(), [])
      assert.ok(existsSync(path.join(folder, ref.bucket, ref.object)))
      const entry = await library.find(ref.object, NOW)
      assert.deepEqual(entry, {
        object: ref.object,
        bucket: ref.bucket,
        domain: 'rec.example',
        appKey: 'app-key-0001',
        sessionId: aRecord().sessionId,
        startedAt: NOW,
        keptUntil: NOW + 7 * DAY_MS,
        bytes: bytes.length,
        durationMs: 20_000,
        storedAt: NOW,
      })
      const found = await library.open(entry)
      assert.ok(found)
      assert.ok((await contentOf(found)).equals(bytes))
    }))

  it('[rec.when.short] under 3 s of talk nothing is kept, from 3 s on it is', () =>
    withRecordings(async (opened) => {
      const short = recorded(opened, 2_999)
      assert.equal(await opened.library.finish(aRecord(), short.ref), false)
      assert.equal(await inIndex(opened, short.ref.object), undefined)
      assert.deepEqual(opened.parts(), [])
      const enough = recorded(opened, 3_000)
      assert.equal(await opened.library.finish(aRecord(), enough.ref), true)
    }))

  it('no file, and a file without audio: nothing is kept', () =>
    withRecordings(async (opened) => {
      const { ref } = opened.library.begin(app, NOW)
      assert.equal(await opened.library.finish(aRecord(), ref), false)
      const silent = recorded(opened, 0)
      assert.equal(await opened.library.finish(aRecord(), silent.ref), false)
      assert.deepEqual(opened.parts(), [])
    }))

  it('finish asked again, at once or after a crash, says the same and keeps one entry', () =>
    withRecordings(async (opened) => {
      const { ref } = recorded(opened, 5_000)
      const answers = await Promise.all([1, 2].map(() => opened.library.finish(aRecord(), ref)))
      assert.deepEqual(answers, [true, true])
      assert.equal(await opened.again().finish(aRecord(), ref), true)
    }))

  it('a store that is away holds no CDR up: the file is given out from its part and stored when the store is back', () =>
    withRecordings(async (opened) => {
      const { library, store } = opened
      store.failing = true
      const { ref, bytes } = recorded(opened, 5_000)
      assert.equal(await library.finish(aRecord(), ref), true)
      const entry = await library.find(ref.object, NOW)
      assert.ok(entry)
      assert.equal(entry.storedAt, undefined)
      const waiting = await library.open(entry, { start: 0, end: 3 })
      assert.ok(waiting)
      assert.equal((await contentOf(waiting)).toString(), 'RIFF')
      await opened.round()
      assert.deepEqual(opened.parts(), [ref.object])
      store.failing = false
      await opened.round()
      assert.deepEqual(opened.parts(), [])
      const stored = await library.find(ref.object, NOW)
      assert.ok(stored?.storedAt)
      // Whoever read the entry before it moved finds the file all the same.
      for (const known of [entry, stored]) {
        const found = await library.open(known)
        assert.ok(found)
        assert.ok((await contentOf(found)).equals(bytes))
      }
    }))

  it('a store that does not answer holds a CDR up for 8 s at most', () =>
    withRecordings(async (opened) => {
      const { library, store, clock } = opened
      const asked = Promise.withResolvers<void>()
      const { put } = store
      const away = Promise.withResolvers<void>()
      store.put = async (key, file) => {
        asked.resolve()
        await away.promise
        return put(key, file)
      }
      const { ref } = recorded(opened, 5_000)
      const finished = library.finish(aRecord(), ref)
      await asked.promise
      clock.advance(8_000)
      assert.equal(await finished, true)
      away.resolve()
      await library.finish(aRecord(), ref)
      assert.ok((await library.find(ref.object, NOW))?.storedAt)
    }))

  it('a crash between the store and the note of it is made good', () =>
    withRecordings(async (opened) => {
      const { store, storage } = opened
      const { ref, bytes } = recorded(opened, 5_000)
      const entry = {
        ...ref,
        appKey: 'app-key-0001',
        sessionId: 's',
        startedAt: NOW,
        keptUntil: NOW + DAY_MS,
      }
      await storage.recordings.add({ ...entry, bytes: bytes.length, durationMs: 5_000 })
      await store.put(ref, path.join(opened.folder, 'parts', ref.object))
      await opened.round()
      assert.ok((await inIndex(opened, ref.object))?.storedAt)
    }))

  it('a file that is in neither place is lost: that is told once, and the entry asks for it no more', () =>
    withRecordings(async (opened) => {
      const { clock, library, storage, store, told } = opened
      store.failing = true
      const { ref, file } = recorded(opened, 5_000)
      await library.finish(aRecord(), ref)
      store.failing = false
      rmSync(file)
      await opened.round()
      await opened.round()
      assert.deepEqual(told, ['the file of a recording is lost'])
      assert.equal(await library.find(ref.object, clock.now()), undefined)
      assert.ok((await inIndex(opened, ref.object))?.deletedAt)
      assert.deepEqual(await storage.recordings.waiting('', 10), [])
    }))

  it('finish waits for a list that cannot be written, and does not lose the file', () =>
    withRecordings(async (opened) => {
      const { clock, storage, folder } = opened
      let failures = 1
      const failed = Promise.withResolvers<void>()
      const index: Storage['recordings'] = {
        ...storage.recordings,
        async add(entry) {
          if (failures-- > 0) throw new Error('the database is away')
          return storage.recordings.add(entry)
        },
      }
      const log = { ...silentLog, error: () => failed.resolve() }
      const options = { folder, domain: 'rec.example', index, recover: readLength, keepDays: 7, clock, log }
      const library = openRecordings(options)
      const { ref, file } = library.begin(app, NOW)
      putWav(file, 5_000)
      const finished = library.finish(aRecord(), ref)
      await failed.promise
      clock.advance(500)
      assert.equal(await finished, true)
      await library.close()
    }))
})

describe('retention of recordings', () => {
  it('[rec.keep.days] a recording is there for 7 days, then gone from the store', () =>
    withRecordings(async (opened) => {
      const { library, clock, folder } = opened
      const { ref } = recorded(opened, 5_000)
      await library.finish(aRecord(), ref)
      clock.advance(7 * DAY_MS - MINUTE_MS - 1)
      assert.ok(await library.find(ref.object, clock.now()))
      assert.equal(await library.find(ref.object, NOW + 7 * DAY_MS), undefined)
      await opened.round()
      assert.ok(existsSync(path.join(folder, ref.bucket, ref.object)))
      await opened.round()
      assert.equal(existsSync(path.join(folder, ref.bucket, ref.object)), false)
      assert.ok((await inIndex(opened, ref.object))?.deletedAt)
    }))

  it('goes on in batches past what the store does not delete, and tries that again', () =>
    withRecordings(async (opened) => {
      const { library, clock, store } = opened
      const refs: RecordingRef[] = []
      for (let i = 0; i < 60; i++) {
        const { ref } = recorded(opened, 3_000)
        await library.finish(aRecord(), ref)
        refs.push(ref)
      }
      const { delete: remove } = store
      const stuck = refs[0]!.object
      store.delete = async (key) => {
        if (key.object === stuck) throw new Error('not this one')
        return remove(key)
      }
      clock.advance(7 * DAY_MS)
      await opened.round()
      const left = await opened.storage.recordings.expired(clock.now(), undefined, 500)
      assert.deepEqual(
        left.map(({ object }) => object),
        [stuck],
      )
      store.delete = remove
      await opened.round()
      assert.deepEqual(await opened.storage.recordings.expired(clock.now(), undefined, 500), [])
    }))

  it('a store that is away keeps its files until it is back', () =>
    withRecordings(async (opened) => {
      const { library, clock, store } = opened
      const { ref } = recorded(opened, 5_000)
      await library.finish(aRecord(), ref)
      store.failing = true
      clock.advance(7 * DAY_MS)
      await opened.round()
      assert.equal((await inIndex(opened, ref.object))?.deletedAt, undefined)
      assert.equal(await library.find(ref.object, clock.now()), undefined)
      store.failing = false
      await opened.round()
      assert.ok((await inIndex(opened, ref.object))?.deletedAt)
    }))

  it('what never reached the store is deleted too when its time is over', () =>
    withRecordings(async (opened) => {
      const { library, clock, store } = opened
      const { ref } = recorded(opened, 5_000)
      store.put = async () => Promise.reject(new Error('full'))
      await library.finish(aRecord(), ref)
      clock.advance(7 * DAY_MS)
      await opened.round()
      assert.deepEqual(opened.parts(), [])
      assert.ok((await inIndex(opened, ref.object))?.deletedAt)
    }))

  it('forgets an entry 31 days after its file was deleted', () =>
    withRecordings(async (opened) => {
      const { library, clock } = opened
      const { ref } = recorded(opened, 5_000)
      await library.finish(aRecord(), ref)
      clock.advance(7 * DAY_MS)
      await opened.round()
      clock.advance(31 * DAY_MS)
      await opened.round()
      assert.equal(await inIndex(opened, ref.object), undefined)
    }))
})

describe('parts after a crash', () => {
  it('what a call may still name and what waits for the store stays; all else is cleared away', () =>
    withRecordings(async (opened) => {
      const { library, store, folder } = opened
      store.failing = true
      const waiting = recorded(opened, 5_000)
      await library.finish(aRecord(), waiting.ref)
      const named = recorded(opened, 5_000)
      const forgotten = recorded(opened, 5_000)
      writeFileSync(path.join(folder, 'parts', 'rubbish'), '')
      const next = opened.again()
      assert.equal(await next.clearParts(new Set([named.ref.object])), 2)
      assert.deepEqual(opened.parts().toSorted(), [waiting.ref.object, named.ref.object].toSorted())
      assert.ok(!opened.parts().includes(forgotten.ref.object))
    }))

  it('a part stays that is still being finished after its CDR went without it', () =>
    withRecordings(async (opened) => {
      const { ref } = recorded(opened, 5_000)
      const read = Promise.withResolvers<void>()
      const next = opened.again(async (file) => {
        await read.promise
        return readLength(file)
      })
      const finished = next.finish(aRecord(), ref)
      assert.equal(await next.clearParts(new Set()), 0)
      read.resolve()
      assert.equal(await finished, true)
      assert.ok(await next.find(ref.object, NOW))
    }))

  it('a part that a crashed call names is finished like any other', () =>
    withRecordings(async (opened) => {
      const { ref } = recorded(opened, 5_000)
      const next = opened.again()
      assert.equal(await next.finish(aRecord(), ref), true)
      assert.equal(await next.clearParts(new Set()), 0)
      assert.ok(await next.find(ref.object, NOW))
    }))
})
