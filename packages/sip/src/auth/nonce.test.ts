import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NonceFactory } from './nonce.ts'
import type { NonceOptions } from './nonce.ts'

const SECRET = Buffer.alloc(32, 7)

/** A factory with a clock to turn. */
function factory(options: Partial<NonceOptions> = {}) {
  const clock = { now: 1_700_000_000_000 }
  const nonces = new NonceFactory({ secret: SECRET, now: () => clock.now, ...options })
  return { nonces, clock }
}

test('an issued nonce is good until its time is over, then stale', () => {
  const { nonces, clock } = factory({ ttlMs: 1000 })
  const nonce = nonces.issue()
  assert.equal(nonces.check(nonce), 'good')
  clock.now += 1000
  assert.equal(nonces.use(nonce, '00000001'), 'good')
  clock.now += 1
  assert.equal(nonces.check(nonce), 'stale')
  assert.equal(nonces.use(nonce, '00000002'), 'stale')
})

test('nonces of one millisecond differ', () => {
  const { nonces } = factory()
  assert.equal(new Set(Array.from({ length: 100 }, () => nonces.issue())).size, 100)
})

test('a nonce changed in any character, or signed with another secret, is forged', () => {
  const { nonces } = factory()
  const nonce = nonces.issue()
  for (let i = 0; i < nonce.length; i++) {
    const changed = nonce.slice(0, i) + (nonce[i] === 'A' ? 'B' : 'A') + nonce.slice(i + 1)
    assert.equal(nonces.check(changed), 'forged', changed)
    assert.equal(nonces.use(changed, '00000001'), 'forged')
  }
  for (const text of ['', 'x', `${nonce}=`, `${nonce}A`, ` ${nonce}`, nonce.slice(1), '\u0130']) {
    assert.equal(nonces.check(text), 'forged', text)
  }
  const other = factory({ secret: Buffer.alloc(32, 8) })
  assert.equal(other.nonces.check(nonce), 'forged')
})

test('a node with the same secret knows the nonce of another', () => {
  const nonce = factory().nonces.issue()
  assert.equal(factory().nonces.check(nonce), 'good')
})

test('a nonce that was made for one is forged for another', () => {
  const { nonces } = factory()
  const nonce = nonces.issue('192.0.2.1')
  assert.equal(nonces.check(nonce, '192.0.2.1'), 'good')
  for (const other of ['192.0.2.2', '192.0.2.11', '']) {
    assert.equal(nonces.check(nonce, other), 'forged', other)
    assert.equal(nonces.use(nonce, '00000001', other), 'forged', other)
  }
  assert.equal(nonces.use(nonce, '00000001', '192.0.2.1'), 'good')
})

test('a nonce-count is good once; late ones within the window are good, too', () => {
  const { nonces } = factory()
  const nonce = nonces.issue()
  const use = (count: number): string => nonces.use(nonce, count.toString(16).padStart(8, '0'))
  assert.equal(use(1), 'good')
  assert.equal(use(1), 'replayed')
  assert.equal(use(5), 'good')
  assert.deepEqual([3, 3, 2, 4, 5, 1].map(use), ['good', 'replayed', 'good', 'good', 'replayed', 'replayed'])
  assert.equal(use(36), 'good')
  assert.equal(use(5), 'replayed', 'seen, at the window’s edge')
  assert.equal(use(6), 'good')
  assert.equal(use(1000), 'good')
  assert.equal(use(968), 'replayed', 'too far back to tell')
  assert.equal(use(969), 'good')
  assert.equal(use(0), 'replayed')
  assert.equal(nonces.use(nonce, 'zz'), 'replayed')
})

test('without nonce-count only the age counts, and nothing is watched', () => {
  const { nonces } = factory()
  const nonce = nonces.issue()
  assert.deepEqual([nonces.use(nonce), nonces.use(nonce), nonces.watched], ['good', 'good', 0])
})

test('checking and issuing keep no state', () => {
  const { nonces } = factory()
  for (let i = 0; i < 100; i++) nonces.check(nonces.issue())
  assert.equal(nonces.watched, 0)
})

test('nonces past their time are forgotten when room is made', () => {
  const { nonces, clock } = factory({ ttlMs: 1000 })
  for (let i = 0; i < 50; i++) nonces.use(nonces.issue(), '00000001')
  assert.equal(nonces.watched, 50)
  clock.now += 1001
  nonces.use(nonces.issue(), '00000001')
  assert.equal(nonces.watched, 1)
})

test('when too many are watched, a forgotten nonce becomes stale rather than replayable', () => {
  const { nonces, clock } = factory({ maxWatched: 3 })
  const issued: string[] = []
  for (let i = 0; i < 5; i++) {
    issued.push(nonces.issue())
    clock.now += 1
  }
  for (const nonce of issued) assert.equal(nonces.use(nonce, '00000001'), 'good')
  assert.equal(nonces.watched, 3)
  assert.deepEqual(
    issued.map((nonce) => nonces.use(nonce, '00000001')),
    ['stale', 'stale', 'replayed', 'replayed', 'replayed'],
  )
  assert.equal(nonces.use(issued[4]!, '00000002'), 'good')
  assert.equal(nonces.use(nonces.issue(), '00000001'), 'good', 'new ones go on')
})

test('a secret that is too short is refused at once', () => {
  assert.throws(() => new NonceFactory({ secret: Buffer.alloc(15), now: () => 0 }), /16 bytes/)
})
