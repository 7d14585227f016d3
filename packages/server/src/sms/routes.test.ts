import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createTestCarrier } from './relay-test-kit.ts'
import { createSmsRoutes } from './routes.ts'
import { X } from './sms-test-kit.ts'

it('the carrier that names an X most exactly comes first, then priority, then the order of the list', () => {
  const carrier = (name: string) => createTestCarrier(name)
  const routes = createSmsRoutes([
    { carrier: carrier('any') },
    { carrier: carrier('other'), serves: ['+86171'] },
    { carrier: carrier('second'), serves: ['+86170', '+8618'], priority: 2 },
    { carrier: carrier('first'), serves: ['+86170'], priority: 1 },
    { carrier: carrier('also first'), serves: ['+86170'], priority: 1 },
    { carrier: carrier('exact'), serves: [X], priority: 9 },
  ])
  const names = () => routes.waysFrom(X).map(({ name }) => name)
  assert.deepEqual(names(), ['exact', 'first', 'also first', 'second', 'any'])
  assert.deepEqual(names(), names())
})

it('an X that no carrier names has no way', () => {
  assert.deepEqual(createSmsRoutes([{ carrier: createTestCarrier(), serves: ['+1'] }]).waysFrom(X), [])
})
