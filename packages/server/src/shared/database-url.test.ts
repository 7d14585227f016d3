import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDatabaseUrl, redactDatabaseUrl } from './database-url.ts'

test('no password of a database address is shown, wherever it stands', () => {
  for (const [url, shown] of [
    ['postgres://u:p@h:5432/d', 'postgres://u:***@h:5432/d'],
    ['postgresql://u:a@b/c:d@h/d', 'postgresql://u:***@h/d'],
    ['postgres://u:@h/d', 'postgres://u:***@h/d'],
    [
      'postgres://h/d?user=u&password=p&sslmode=verify-full',
      'postgres://h/d?user=u&password=***&sslmode=verify-full',
    ],
    ['postgres://u@/d?host=/run/postgresql', 'postgres://u@/d?host=/run/postgresql'],
    ['postgres://h:5432/d', 'postgres://h:5432/d'],
  ] as const)
    assert.equal(redactDatabaseUrl(url), shown)
})

test('an address of another kind of database is none', () => {
  assert.ok(isDatabaseUrl('postgres://h/d') && isDatabaseUrl('postgresql://u@/d?host=/tmp'))
  for (const other of ['mysql://h/d', 'postgres://', 'h/d', 'postgres:h', ' postgres://h/d'])
    assert.ok(!isDatabaseUrl(other), other)
})
