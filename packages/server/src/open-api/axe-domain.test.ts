import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { createAxeService } from '../bindings/axe-service.ts'
import type { E164 } from '../shared/e164.ts'
import { eachEngine } from '../testkit/engines.ts'
import { A, B, NOW, X, type Reply } from './api-test-kit.ts'
import {
  areas,
  type AxeApi,
  FOREIGN_APP,
  NO_ID,
  startAxeApi,
  UNKNOWN_X,
  V1,
  verdictOf,
  X2,
  xNumber,
} from './axe-test-kit.ts'

/** Rows of spec/axe.md that take more than one request: extensions one after the other, lives, records, pages. */

const C = '+8613800000023'
const D = '+8613800000024'
const HOUR = 3_600_000
const onPair = { virtualNum: X, extendNum: '0001' }
const FULL = {
  displayNumMode: '0',
  recordFlag: 'true',
  recordHintTone: 'h.wav',
  callbackTone: 't.wav',
  timeUnit: '1',
  bindExpiredTime: 600,
  callbackExpiredTime: 30,
  userData: 'u',
}

eachEngine(({ open }) => {
  let api: AxeApi
  before(async () => {
    api = await startAxeApi(open)
  })
  after(() => api.close())

  describe('AXE extensions (spec/axe.md section 1)', () => {
    beforeEach(() => api.reset({ axe: { extensionLength: 1 } }))
    const party = (n: number) => `+86138000001${String(n).padStart(2, '0')}`
    const given = async (n: number) => (await api.bound({ bindNum: party(n) })).extendNum

    it('[axe.ext.capacity] [axe.error.1012008] an X gives as many as its digits allow, then 1012008', async () => {
      for (let n = 1; n <= 9; n += 1) assert.equal(await given(n), String(n))
      assert.equal(await api.verdict('bind', { virtualNum: X, bindNum: party(10) }), '403 1012008')
      assert.equal(await api.verdict('bind', { virtualNum: X, bindNum: party(3) }), '403 1016002')
      assert.equal(
        await api.verdict('bind', { virtualNum: X, bindNum: party(10), extendNum: '4' }),
        '403 1020167',
      )
      assert.equal(await api.verdict('bind', { areaCode: '0755', bindNum: party(10) }), '403 1012008')
    })

    it('[axe.ext.no-zeros] the platform never gives all zeros, whatever else is taken', async () => {
      const seen = []
      for (let n = 1; n <= 9; n += 1) seen.push(await given(n))
      assert.equal(seen.includes('0'), false)
      assert.equal(await api.verdict('bind', { virtualNum: X, bindNum: party(10), extendNum: '0' }), '200 0')
    })

    it('[axe.ext.round-robin] goes on after the last one given, not back to one just released', async () => {
      const first = await api.bound({ bindNum: party(1) })
      assert.equal(await given(2), '2')
      await api.call('unbind', { subscriptionId: first.subscriptionId })
      for (let n = 3; n <= 9; n += 1) assert.equal(await given(n), String(n))
      assert.equal(await given(10), '1')
    })

    it('[axe.ext.round-robin] passes over what a customer chose, and does not go on from there', async () => {
      await api.bound({ bindNum: party(1), extendNum: '2' })
      assert.equal(await given(2), '1')
      assert.equal(await given(3), '3')
    })

    it('[axe.bind.area.free] an X by area has a free extension and is without A', async () => {
      await api.storage.numbers.save([xNumber(UNKNOWN_X)])
      await api.bound({ bindNum: party(1) })
      assert.equal(
        (await api.call('bind', { areaCode: '0755', bindNum: party(1) })).json['virtualNum'],
        UNKNOWN_X,
      )
      for (let n = 2; n <= 9; n += 1) await given(n)
      for (let n = 2; n <= 9; n += 1) {
        const { json } = await api.call('bind', { areaCode: '0755', bindNum: party(n + 10) })
        assert.equal(json['virtualNum'], UNKNOWN_X)
      }
      assert.equal(await api.verdict('bind', { areaCode: '0755', bindNum: party(30) }), '403 1012008')
    })
  })

  describe('AXE lives (spec/axe.md sections 2 to 5)', () => {
    beforeEach(() => api.reset())
    const alive = async (id: string) => (await api.verdict('query', { subscriptionId: id })) === '200 0'
    const remember = (id: string, at = api.hand.now, lifeMs?: number) =>
      api.storage.memory.remember(
        id,
        'callback',
        { caller: D as E164 },
        at,
        lifeMs === undefined ? undefined : at + lifeMs,
      )
    const recall = async (id: string) =>
      (await api.storage.memory.recall(id, 'callback', api.hand.now))?.caller

    it('[axe.bind.bindExpiredTime] unbinds by itself at the end, and frees A and the extension at once', async () => {
      const { subscriptionId: id } = await api.bound({ bindExpiredTime: 1, extendNum: '0001' })
      api.hand.now = NOW + HOUR - 1
      assert.equal(await alive(id), true)
      api.hand.now = NOW + HOUR
      assert.equal(await alive(id), false)
      for (const operation of ['unbind', 'modify'] as const)
        assert.equal(await api.verdict(operation, { subscriptionId: id }), '403 1016001')
      assert.equal(await api.verdict('query', onPair), '403 1016001')
      assert.equal(await api.verdict('list', { virtualNum: X }), '403 1016001')
      assert.equal((await api.bound({ extendNum: '0001' })).extendNum, '0001')
    })

    it('[axe.bind.timeUnit] counts minutes when told so', async () => {
      const { subscriptionId: id } = await api.bound({ timeUnit: '1', bindExpiredTime: 1 })
      api.hand.now = NOW + 59_999
      assert.equal(await alive(id), true)
      api.hand.now = NOW + 60_000
      assert.equal(await alive(id), false)
    })

    it('[axe.bind.bindExpiredTime.default] [axe.bind.bindExpiredTime.zero] never ends when absent or 0', async () => {
      const ids = [
        await api.bound({ bindNum: A }),
        await api.bound({ bindNum: B, bindExpiredTime: 0 }),
        await api.bound({ bindNum: C, timeUnit: '1' }),
      ]
      api.hand.now = NOW + 3650 * 24 * HOUR
      for (const { subscriptionId } of ids) assert.equal(await alive(subscriptionId), true)
    })

    it('[axe.unbind.at-once] [axe.unbind.not-found] takes effect at once and once', async () => {
      const { subscriptionId: id } = await api.bound({ extendNum: '0005' })
      assert.equal(await api.verdict('unbind', { subscriptionId: id }), '200 0')
      assert.equal(await api.verdict('unbind', { subscriptionId: id }), '403 1016001')
      assert.equal((await api.bound({ extendNum: '0005' })).extendNum, '0005')
    })

    it('[axe.unbind.only-one] leaves the other bindings of X', async () => {
      const { subscriptionId } = await api.bound()
      await api.bound({ bindNum: B })
      await api.call('unbind', { subscriptionId })
      assert.equal(await api.verdict('query', { virtualNum: X, extendNum: '0002' }), '200 0')
    })

    it('[axe.unbind.records] deletes the call-back record of A: a new binding starts without', async () => {
      const { subscriptionId: id } = await api.bound()
      await remember(id)
      assert.equal(await recall(id), D)
      await api.call('unbind', { subscriptionId: id })
      assert.equal(await recall(id), undefined)
      const again = await api.bound()
      assert.equal(await recall(again.subscriptionId), undefined)
    })

    it('[axe.modify.bindExpiredTime] [axe.modify.quirk] counts anew from the modify, whatever the query shows', async () => {
      const { subscriptionId: id } = await api.bound({ bindExpiredTime: 1 })
      api.hand.now = NOW + HOUR / 2
      assert.equal(
        await api.verdict('modify', { subscriptionId: id, timeUnit: '1', bindExpiredTime: 45 }),
        '200 0',
      )
      assert.deepEqual(
        [(await api.infoOf(id))['timeUnit'], (await api.infoOf(id))['bindExpiredTime']],
        ['0', 1],
      )
      api.hand.now = NOW + HOUR / 2 + 45 * 60_000 - 1
      assert.equal(await alive(id), true)
      api.hand.now += 1
      assert.equal(await alive(id), false)
    })

    it('[axe.modify.bindExpiredTime] 0 makes it endless, and a modify without it changes no end', async () => {
      const endless = await api.bound({ bindExpiredTime: 1 })
      const ending = await api.bound({ bindNum: B, bindExpiredTime: 1 })
      await api.call('modify', { subscriptionId: endless.subscriptionId, bindExpiredTime: 0 })
      api.hand.now = NOW + HOUR / 2
      await api.call('modify', { subscriptionId: ending.subscriptionId, userData: 'u' })
      api.hand.now = NOW + HOUR
      assert.equal(await alive(endless.subscriptionId), true)
      assert.equal(await alive(ending.subscriptionId), false)
    })

    it('[axe.modify.callbackExpiredTime.existing] holds for the record that is there, from its last refresh', async () => {
      const { subscriptionId: id } = await api.bound({ callbackExpiredTime: 10 })
      await remember(id, NOW, 10 * HOUR)
      api.hand.now = NOW + 5 * HOUR
      await api.call('modify', { subscriptionId: id, callbackExpiredTime: 20 })
      api.hand.now = NOW + 20 * HOUR - 1
      assert.equal(await recall(id), D)
      api.hand.now += 1
      assert.equal(await recall(id), undefined)
      await api.call('modify', { subscriptionId: id, callbackExpiredTime: 0 })
      assert.equal(await recall(id), undefined, 'a record that has died stays dead')
      await remember(id, api.hand.now, HOUR)
      await api.call('modify', { subscriptionId: id, callbackExpiredTime: 0 })
      api.hand.now += 3650 * 24 * HOUR
      assert.equal(await recall(id), D)
    })

    it('[axe.error.1016001] a binding of another app does not exist, by id or on its X', async () => {
      const { subscriptionId } = await api.bound()
      api.test.app = FOREIGN_APP
      for (const operation of ['query', 'unbind', 'modify', 'list'] as const) {
        assert.equal(await api.verdict(operation, { subscriptionId }), '403 1016001', operation)
        assert.equal(await api.verdict(operation, onPair), '403 1012001', operation)
      }
    })

    it('[axe.unbind.body] an unbind with a stale body goes by its query', async () => {
      const { subscriptionId } = await api.bound()
      const reply = await api.test.call('DELETE', {
        path: V1,
        query: `?subscriptionId=${subscriptionId}&virtualNum=&extendNum=`,
        body: { subscriptionId: NO_ID },
      })
      assert.equal(verdictOf(reply), '200 0')
    })

    it('[axe.bind.body] a bind that is no JSON object is a fault of the body', async () => {
      for (const body of ['[]', '{', '"x"']) {
        assert.equal(verdictOf(await api.test.call('POST', { path: V1, body })), '403 1010002 body')
        assert.equal(verdictOf(await api.test.call('PUT', { path: V1, body })), '403 1010002 body')
      }
    })
  })

  describe('AXE default life (spec/axe.md section 2)', () => {
    it('[axe.bind.defaultBindHours] a platform may give binds without a time an end', async () => {
      await api.reset()
      const axe = createAxeService({
        store: api.storage.bindings,
        memory: api.storage.memory,
        clock: api.clock,
        areas,
        defaultBindHours: 168,
      })
      const outcome = await axe.bind(api.test.app, {
        bindNum: A as E164,
        virtualNum: X as E164,
        recordFlag: false,
      })
      assert.ok(outcome.ok)
      assert.equal(outcome.binding.expiresAt, NOW + 168 * HOUR)
      const shown = await api.infoOf(outcome.binding.id)
      assert.equal(shown['bindExpiredTime'], undefined)
    })
  })

  describe('AXE query version 2.0 (spec/axe.md section 6)', () => {
    beforeEach(() => api.reset())
    const fill = async (total: number) => {
      for (let n = 1; n <= total; n += 1)
        await api.bound({ bindNum: `+86138000001${String(n).padStart(2, '0')}` })
    }
    const extensionsIn = (reply: Reply) =>
      (reply.json['bindings'] as { extendNum: string }[]).map(({ extendNum }) => extendNum)

    it('[axe.list.cursor] [axe.list.answer.nextCursor] [axe.list.answer.bindings] pages through the bindings of an X', async () => {
      await fill(7)
      await api.bound({ virtualNum: X2 })
      const seen: string[] = []
      let cursor: string | undefined = '0000000000000_0'
      let pages = 0
      while (cursor !== undefined) {
        const reply: Reply = await api.call('list', { virtualNum: X, cursor, limit: '3' })
        assert.equal(verdictOf(reply), '200 0')
        seen.push(...extensionsIn(reply))
        cursor = reply.json['nextCursor'] as string | undefined
        assert.equal(reply.json['nextCusor'], cursor)
        if (cursor !== undefined) assert.match(cursor, /^\d{13}_\d{1,20}$/)
        pages += 1
      }
      assert.deepEqual(seen, ['0001', '0002', '0003', '0004', '0005', '0006', '0007'])
      assert.equal(pages, 3)
    })

    it('[axe.list.answer.bindings] shows of each what version 1.0 shows of one', async () => {
      const { subscriptionId } = await api.bound(FULL)
      const { resultcode: _c, resultdesc: _d, ...info } = await api.infoOf(subscriptionId)
      assert.deepEqual((await api.call('list', { virtualNum: X })).json['bindings'], [info])
    })

    it('[axe.list.limit.default] a page has twenty unless told otherwise', async () => {
      await fill(21)
      const reply = await api.call('list', { virtualNum: X })
      assert.equal(extensionsIn(reply).length, 20)
      assert.ok(reply.json['nextCursor'])
      const whole = await api.call('list', { virtualNum: X, limit: '100' })
      assert.equal(extensionsIn(whole).length, 21)
      assert.equal(whole.json['nextCursor'], undefined)
    })

    it('[axe.list.cursor.stable] a binding that goes or comes between pages shifts nothing', async () => {
      await fill(5)
      const first = await api.call('list', { virtualNum: X, limit: '2' })
      await api.call('unbind', { virtualNum: X, extendNum: '0001' })
      await api.bound({ bindNum: D })
      const second = await api.call('list', { virtualNum: X, cursor: first.json['nextCursor'], limit: '10' })
      assert.deepEqual(extensionsIn(second), ['0003', '0004', '0005', '0006'])
    })

    it('[axe.list.extendNum] [axe.list.subscriptionId] [axe.list.cursor.single] one binding by extension or id, cursor ignored', async () => {
      const { subscriptionId } = await api.bound()
      await api.bound({ bindNum: B })
      for (const key of [
        onPair,
        { subscriptionId },
        { subscriptionId, virtualNum: X },
        { subscriptionId, virtualNum: X, extendNum: '0002' },
      ]) {
        const reply = await api.call('list', { ...key, cursor: 'nonsense', limit: 'x' })
        assert.equal(verdictOf(reply), '200 0')
        assert.deepEqual(extensionsIn(reply), ['0001'])
        assert.equal(reply.json['nextCursor'], undefined)
      }
    })
  })
})
