import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { WAV_HEADER_BYTES, WAV_UNKNOWN_SIZE, findWavParts, wavHeader } from '../audio/wav-format.ts'
import { readWav } from '../audio/wav.ts'
import { until } from '../testkit/call.ts'
import { recoverWav } from './recover.ts'
import { WavFile } from './wav-file.ts'

async function fileName(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'maskline-recording-'))
  t.after(() => rm(folder, { recursive: true }))
  return path.join(folder, 'call.wav')
}

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  )
const FORMAT = { code: 6, channels: 1, rateHz: 8000, bits: 8 }

test('a file is readable while it grows, and whole at the end', async (t) => {
  const file = await fileName(t)
  await writeFile(file, Buffer.alloc(100_000))
  const wav = new WavFile(file, 1, assert.fail)
  wav.append(new Uint8Array(4000).fill(1))
  await until('the first part is on disk', async () => (await sizeOf(file)) === WAV_HEADER_BYTES + 4000)
  assert.deepEqual(readWav(await readFile(file)).samples, new Uint8Array(4000).fill(1))
  wav.append(new Uint8Array(4001).fill(2))
  const result = await wav.finish()
  assert.deepEqual(result, { file, durationMs: 1000, bytes: 44 + 8001 + 1 })
  const bytes = await readFile(file)
  assert.equal(bytes.length, result.bytes)
  assert.equal(bytes.readUInt32LE(4), bytes.length - 8)
  assert.equal(bytes.readUInt32LE(40), 8001)
  assert.deepEqual(await recoverWav(file), result)
  assert.deepEqual(await readFile(file), bytes)
})

test('a file whose writer died is repaired by its length', async (t) => {
  const file = await fileName(t)
  const stereo = { ...FORMAT, channels: 2 }
  // Cut within a sample of both channels.
  await writeFile(file, Buffer.concat([wavHeader(stereo, WAV_UNKNOWN_SIZE), Buffer.alloc(16_001, 9)]))
  assert.deepEqual(await recoverWav(file), { file, durationMs: 1000, bytes: 16_044 })
  const bytes = await readFile(file)
  assert.deepEqual(bytes, Buffer.concat([wavHeader(stereo, 16_000), Buffer.alloc(16_000, 9)]))
  assert.equal(findWavParts(bytes).declaredBytes, 16_000)

  await writeFile(file, Buffer.concat([wavHeader(FORMAT, WAV_UNKNOWN_SIZE), Buffer.alloc(801, 9)]))
  assert.deepEqual(await recoverWav(file), { file, durationMs: 100, bytes: 846 })
  assert.deepEqual(
    await readFile(file),
    Buffer.concat([wavHeader(FORMAT, 801), Buffer.alloc(801, 9), Buffer.of(0)]),
  )
})

test('nothing is recovered from what has no sample', async (t) => {
  const file = await fileName(t)
  assert.equal(await recoverWav(file), undefined)
  for (const content of [Buffer.alloc(0), Buffer.from('RIFF'), wavHeader(FORMAT, WAV_UNKNOWN_SIZE)]) {
    await writeFile(file, content)
    assert.equal(await recoverWav(file), undefined)
    assert.deepEqual(await readFile(file), Buffer.from(content))
  }
})

test('a file that cannot be made is told once, and the rest is dropped', async (t) => {
  const file = path.join(await fileName(t), 'no-such-folder.wav')
  const failures: Error[] = []
  const wav = new WavFile(file, 1, (error) => failures.push(error))
  wav.append(new Uint8Array(4000))
  await until('the failure', () => failures.length > 0)
  wav.append(new Uint8Array(1_000_000))
  assert.equal(await wav.finish(), undefined)
  assert.match(failures.map(({ message }) => message).join(), /^ENOENT/)
})

test(
  'a full disk is told once',
  { skip: !existsSync('/dev/full') && 'this system has no /dev/full' },
  async () => {
    const failures: Error[] = []
    const wav = new WavFile('/dev/full', 1, (error) => failures.push(error))
    wav.append(new Uint8Array(4000))
    await until('the failure', () => failures.length > 0)
    assert.equal(await wav.finish(), undefined)
    assert.match(failures.map(({ message }) => message).join(), /^ENOSPC/)
  },
)

test('a disk that does not keep up ends the recording, and what it took is kept', async (t) => {
  const file = await fileName(t)
  const failures: Error[] = []
  const wav = new WavFile(file, 1, (error) => failures.push(error))
  wav.append(new Uint8Array(8000))
  await until('it is on disk', async () => (await sizeOf(file)) === 8044)
  // Within one turn of the event loop no disk takes anything.
  for (let n = 0; n < 40; n++) wav.append(new Uint8Array(8000))
  assert.equal(failures.length, 1)
  const result = await wav.finish()
  assert.ok(result !== undefined && result.durationMs >= 1000)
  assert.equal((await readFile(file)).length, result.bytes)
})
