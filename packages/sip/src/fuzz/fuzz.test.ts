import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { seededRandom } from '../testkit/random.ts'
import { CRASHERS, fuzzCorpus, messagesIn } from './corpus.ts'
import { outcomeOf } from './crashers.ts'
import { checkParser } from './fields.ts'
import { fuzzRound } from './fuzz.ts'
import { mutate } from './mutate.ts'
import { checkFramer } from './stream.ts'
import { FuzzWorld } from './world.ts'

const corpus = fuzzCorpus()

describe('mutants of the fixtures', () => {
  for (const seed of [4475, 5118, 3261]) {
    it(`break neither parser nor framer nor stack (seed ${seed})`, async () => {
      const { crashes } = await fuzzRound({ seed, corpus, mutants: 1500 })
      for (const { way, bytes, error } of crashes)
        throw new Error(`${way}: ${bytes.toString('base64')}`, { cause: error })
    })
  }

  it('are read often enough to test more than the refusal', () => {
    const random = seededRandom(1)
    const other = (): Buffer => corpus[Math.floor(random() * corpus.length)]!
    const outcomes = Array.from({ length: 1000 }, () => outcomeOf(mutate(other(), random, other)))
    assert.ok(outcomes.filter((outcome) => outcome.startsWith('reads')).length > 150)
    assert.ok(new Set(outcomes.map((outcome) => outcome.split(' ').slice(0, 2).join(' '))).size > 15)
  })
})

describe('what once broke something', () => {
  const [, ...lines] = readFileSync(new URL('VERDICTS.tsv', CRASHERS), 'utf8').trim().split('\n')
  const verdicts = new Map(
    lines.map((line) => line.split('\t') as [string, string, string]).map((row) => [row[0], row]),
  )
  const crashers = messagesIn(CRASHERS)

  it('has a verdict each', () => {
    assert.deepEqual(
      crashers.map(({ file }) => file),
      [...verdicts.keys()].sort(),
    )
  })

  for (const { file, bytes } of crashers) {
    it(`${file}: ${verdicts.get(file)?.[2]}`, async () => {
      assert.equal(outcomeOf(bytes), verdicts.get(file)?.[1])
      checkParser(bytes)
      for (let seed = 0; seed < 10; seed++) checkFramer(Buffer.concat([bytes, bytes]), seededRandom(seed))
      const world = await FuzzWorld.open(seededRandom(1), corpus)
      world.inject(bytes)
      for (let n = 0; n < 40; n++) world.step()
      world.inject(bytes)
      world.end()
    })
  }
})
