import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApp, testX, xNumber } from './contract.test-suite.ts'
import { openStorage } from './open-storage.ts'

test('an edit is seen by reads of the same turn, before it is committed', async () => {
  const storage = await openStorage({ dataDir: ':memory:' })
  try {
    const { apps, numbers } = storage
    await apps.saveApp(testApp)
    await numbers.save([testX(1)])
    assert.equal((await apps.findApp(testApp.key))?.status, 'normal')
    assert.equal((await numbers.find(xNumber(1)))?.status, 'normal')
    const edits = [
      apps.saveApp({ ...testApp, status: 'suspended' }),
      numbers.save([testX(1, { status: 'suspended' })]),
    ]
    const seen = await Promise.all([apps.findApp(testApp.key), numbers.find(xNumber(1))])
    assert.deepEqual(
      seen.map((found) => found?.status),
      ['suspended', 'suspended'],
    )
    await Promise.all(edits)
  } finally {
    await storage.close()
  }
})

test('an edit that is undone is not remembered', async () => {
  const storage = await openStorage({ dataDir: ':memory:' })
  try {
    const { apps, numbers } = storage
    await apps.saveApp(testApp)
    await numbers.save([testX(1)])
    const broken = { ...testX(2), areaCode: undefined as never }
    await assert.rejects(numbers.save([testX(1, { status: 'suspended' }), broken]), { code: 'WRITE_REFUSED' })
    assert.equal((await numbers.find(xNumber(1)))?.status, 'normal')
    assert.equal(await numbers.find(xNumber(2)), undefined)
  } finally {
    await storage.close()
  }
})
