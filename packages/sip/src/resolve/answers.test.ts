import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManualClock } from '../testkit/manual-clock.ts'
import { Answers } from './answers.ts'
import type { Answer } from './answers.ts'

function open(answer: (name: string) => Promise<Answer<string>>, maxNames = 100) {
  const clock = new ManualClock()
  const asked: string[] = []
  const answers = new Answers<string>(
    (name) => {
      asked.push(name)
      return answer(name)
    },
    () => clock.now(),
    maxNames,
  )
  return { clock, asked, answers }
}

describe('remembered look-ups', () => {
  it('are asked for again when their time to live is over, and not before', async () => {
    const { clock, asked, answers } = open((name) =>
      Promise.resolve({ records: [`${name} 1`], ttlMs: 30_000 }),
    )
    assert.deepEqual(await answers.of('a.example'), ['a.example 1'])
    clock.advance(29_999)
    await answers.of('A.Example')
    assert.deepEqual(asked, ['a.example'])
    clock.advance(1)
    await answers.of('a.example')
    assert.deepEqual(asked, ['a.example', 'a.example'])
  })

  it('remember that there is nothing', async () => {
    const { clock, asked, answers } = open(() => Promise.resolve({ records: [], ttlMs: 5_000 }))
    assert.deepEqual(await answers.of('a.example'), [])
    assert.deepEqual(await answers.of('a.example'), [])
    assert.equal(asked.length, 1)
    clock.advance(5_000)
    await answers.of('a.example')
    assert.equal(asked.length, 2)
  })

  it('hold no longer than an hour', async () => {
    const { clock, asked, answers } = open(() => Promise.resolve({ records: ['1'], ttlMs: 1e12 }))
    await answers.of('a.example')
    clock.advance(3_600_000)
    await answers.of('a.example')
    assert.equal(asked.length, 2)
  })

  it('share one question that is under way, and its failure, which is not remembered', async () => {
    const open_ = Promise.withResolvers<Answer<string>>()
    let isBroken = true
    const { asked, answers } = open(() =>
      isBroken ? open_.promise : Promise.resolve({ records: ['1'], ttlMs: 1_000 }),
    )
    const both = Promise.allSettled([answers.of('a.example'), answers.of('a.example')])
    open_.reject(new Error('no name server'))
    assert.deepEqual(
      (await both).map(({ status }) => status),
      ['rejected', 'rejected'],
    )
    assert.deepEqual(asked, ['a.example'])
    isBroken = false
    assert.deepEqual(await answers.of('a.example'), ['1'])
  })

  it('are bounded: the oldest is forgotten', async () => {
    const { asked, answers } = open(() => Promise.resolve({ records: ['1'], ttlMs: 1_000 }), 2)
    for (const name of ['a.example', 'b.example', 'c.example', 'b.example', 'a.example'])
      await answers.of(name)
    assert.deepEqual(asked, ['a.example', 'b.example', 'c.example', 'a.example'])
    assert.equal(answers.size, 2)
  })

  it('stand in for a name server that fails, for a day', async () => {
    let isFailure = false
    const { clock, asked, answers } = open(() =>
      Promise.resolve(
        isFailure ? { records: [], ttlMs: 5_000, isFailure } : { records: ['1'], ttlMs: 60_000 },
      ),
    )
    await answers.of('a.example')
    isFailure = true
    clock.advance(60_000)
    assert.deepEqual(await answers.of('a.example'), ['1'])
    clock.advance(4_999)
    await answers.of('a.example')
    assert.equal(asked.length, 2, 'a name server that fails is not asked for every call')
    clock.advance(80_000_000)
    assert.deepEqual(await answers.of('a.example'), ['1'])
    clock.advance(10_000_000)
    assert.deepEqual(await answers.of('a.example'), [])
  })

  it('do not give a new question the life of an answer that came late for a forgotten one', async () => {
    const first = Promise.withResolvers<Answer<string>>()
    const second = Promise.withResolvers<Answer<string>>()
    const queue = [first.promise, Promise.resolve({ records: [], ttlMs: 1 }), second.promise]
    const { asked, answers } = open(() => queue.shift()!, 1)
    const early = answers.of('a.example')
    await answers.of('b.example')
    const late = answers.of('a.example')
    first.resolve({ records: ['old'], ttlMs: 0 })
    assert.deepEqual(await early, ['old'])
    const joined = answers.of('a.example')
    second.resolve({ records: ['new'], ttlMs: 1_000 })
    assert.deepEqual(await Promise.all([late, joined]), [['new'], ['new']])
    assert.deepEqual(asked, ['a.example', 'b.example', 'a.example'])
  })
})
