import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import type { AppError } from '../shared/app-error.ts'
import { createDiskStore } from './disk-store.ts'
import type { RecordingStore } from './ports.ts'
import { contentOf, putWav, tempFolder } from './recordings-test-kit.ts'
import { createS3Store } from './s3-store.ts'
import { startS3 } from './s3-test-kit.ts'

type Opened = { readonly store: RecordingStore; readonly work: string; close(): Promise<void> }

const onDisk = async (): Promise<Opened> => {
  const { dir, remove } = tempFolder()
  return { store: createDiskStore(path.join(dir, 'store')), work: dir, close: async () => remove() }
}

const onS3 = async (): Promise<Opened> => {
  const { dir, remove } = tempFolder()
  const s3 = await startS3()
  return {
    store: createS3Store({ ...s3.options, prefix: 'kept/' }),
    work: dir,
    async close() {
      await s3.close()
      remove()
    },
  }
}

const KEY = { bucket: 'sp-demokey', object: '26021215302000000100001.wav' }

for (const [name, open] of [
  ['a local disk', onDisk],
  ['an S3-compatible store', onS3],
] as const) {
  describe(`recordings on ${name}`, () => {
    const withStore = (title: string, run: (opened: Opened) => Promise<void>) =>
      it(title, async () => {
        const opened = await open()
        try {
          await run(opened)
        } finally {
          await opened.close()
        }
      })

    withStore('takes a file over and gives it back whole', async ({ store, work }) => {
      const file = path.join(work, 'part.wav')
      const bytes = putWav(file, 40_000)
      await store.put(KEY, file)
      assert.equal(existsSync(file), false)
      const found = await store.open(KEY)
      assert.ok(found)
      assert.equal(found.size, bytes.length)
      assert.ok((await contentOf(found)).equals(bytes))
    })

    withStore('gives a part, with the size of the whole', async ({ store, work }) => {
      const file = path.join(work, 'part.wav')
      const bytes = putWav(file, 5_000)
      await store.put(KEY, file)
      for (const [start, end] of [
        [0, 0],
        [44, 99],
        [bytes.length - 1, bytes.length - 1],
      ] as const) {
        const found = await store.open(KEY, { start, end })
        assert.ok(found)
        assert.equal(found.size, bytes.length)
        assert.ok((await contentOf(found)).equals(bytes.subarray(start, end + 1)))
      }
    })

    withStore('has no file that was never put, or was deleted', async ({ store, work }) => {
      assert.equal(await store.open(KEY), undefined)
      assert.equal(await store.open(KEY, { start: 0, end: 0 }), undefined)
      await store.delete(KEY)
      const file = path.join(work, 'part.wav')
      putWav(file, 4_000)
      await store.put(KEY, file)
      await store.delete(KEY)
      assert.equal(await store.open(KEY), undefined)
      await store.delete(KEY)
    })

    withStore('takes the same file again', async ({ store, work }) => {
      const file = path.join(work, 'part.wav')
      putWav(file, 4_000)
      await store.put(KEY, file)
      const bytes = putWav(file, 4_000)
      await store.put(KEY, file)
      const found = await store.open(KEY)
      assert.ok(found)
      assert.ok((await contentOf(found)).equals(bytes))
    })

    withStore('keeps files of one name in two directories apart', async ({ store, work }) => {
      const other = { ...KEY, bucket: 'sp-other' }
      for (const [key, durationMs] of [
        [KEY, 4_000],
        [other, 5_000],
      ] as const) {
        const file = path.join(work, 'part.wav')
        putWav(file, durationMs)
        await store.put(key, file)
      }
      await store.delete(KEY)
      assert.equal(await store.open(KEY), undefined)
      const found = await store.open(other)
      assert.ok(found)
      assert.equal((await contentOf(found)).length, found.size)
    })

    withStore('refuses a file that is not there, and keeps nothing', async ({ store, work }) => {
      await assert.rejects(store.put(KEY, path.join(work, 'none.wav')))
      assert.equal(await store.open(KEY), undefined)
    })

    withStore('a reader that goes away leaves the store usable', async ({ store, work }) => {
      const file = path.join(work, 'part.wav')
      putWav(file, 60_000)
      await store.put(KEY, file)
      const left = await store.open(KEY)
      assert.ok(left)
      const closed = once(left.stream, 'close')
      left.stream.destroy()
      await closed
      const found = await store.open(KEY)
      assert.ok(found)
      assert.equal((await contentOf(found)).length, found.size)
    })
  })
}

describe('S3', () => {
  it('signs what the store verifies: a wrong secret is refused, and the error does not hold it', async () => {
    const { dir, remove } = tempFolder()
    const s3 = await startS3()
    try {
      const store = createS3Store({ ...s3.options, secretAccessKey: 'a-wrong-secret' })
      const file = path.join(dir, 'part.wav')
      putWav(file, 4_000)
      await assert.rejects(store.open(KEY), (error: AppError) => {
        assert.equal(error.code, 'RECORDING_STORE')
        assert.match(error.message, /403 SignatureDoesNotMatch/)
        assert.doesNotMatch(error.message, /a-wrong-secret/)
        return true
      })
      await assert.rejects(store.put(KEY, file), /SignatureDoesNotMatch/)
      await assert.rejects(store.delete(KEY), /SignatureDoesNotMatch/)
      assert.ok(existsSync(file))
    } finally {
      await s3.close()
      remove()
    }
  })

  it('tries an upload three times when the store stumbles, then leaves the file where it is', async () => {
    const { dir, remove } = tempFolder()
    const s3 = await startS3()
    try {
      const store = createS3Store({ ...s3.options, endpoint: `${s3.options.endpoint}/`, prefix: 'a/b/' })
      const file = path.join(dir, 'part.wav')
      putWav(file, 4_000)
      s3.stumbles.push(503, 500)
      await store.put(KEY, file)
      assert.deepEqual(s3.seen, Array(3).fill(`PUT /calls/a/b/${KEY.bucket}/${KEY.object}`))
      putWav(file, 4_000)
      s3.stumbles.push(503, 503, 503)
      await assert.rejects(store.put(KEY, file), /503 SlowDown/)
      assert.ok(existsSync(file))
    } finally {
      await s3.close()
      remove()
    }
  })

  it('says that a store is not there', async () => {
    const s3 = await startS3()
    await s3.close()
    const store = createS3Store(s3.options)
    await assert.rejects(store.open(KEY), (error: AppError) => error.code === 'RECORDING_STORE')
    await assert.rejects(store.delete(KEY), (error: AppError) => error.code === 'RECORDING_STORE')
  })
})
