import assert from 'node:assert/strict'
import { it } from 'node:test'
import { benchSms, smsFaults } from '../bench/sms.ts'

it('over SMPP with a kill -9 half-way every SMS goes out once or is told as failed, and none twice', async () => {
  const result = await benchSms({ messages: 2_000, warmUp: 200, window: 50, restart: true })
  assert.deepEqual(smsFaults(result), [])
  const { acknowledged, delivered, toldAsFailed } = result.tally
  assert.equal(acknowledged, 2_200)
  assert.equal(delivered + toldAsFailed, 2_200)
})
