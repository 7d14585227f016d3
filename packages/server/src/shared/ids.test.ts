import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newUuid } from './ids.ts'

test('a subscriptionId is a UUID of version 7 that carries its instant', () => {
  const at = Date.UTC(2026, 0, 24, 2, 30, 3)
  const id = newUuid(at)
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.equal(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16), at)
})

test('ids of one instant differ', () => {
  const ids = new Set(Array.from({ length: 10_000 }, () => newUuid(0)))
  assert.equal(ids.size, 10_000)
})
