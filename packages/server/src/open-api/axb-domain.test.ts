import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { createAxbService } from '../bindings/axb-service.ts'
import type { XNumber } from '../numbers/x-number.ts'
import { areasBy } from '../numbers/area.ts'
import type { E164 } from '../shared/e164.ts'
import { systemClock, type Clock } from '../shared/time.ts'
import type { Storage } from '../storage/index.ts'
import { eachEngine } from '../testkit/engines.ts'
import { A, anApp, B, NOW, startTestApi, X, type CallOptions, type TestApi } from './api-test-kit.ts'

/** The rows of spec/axb.md section 9 and the life of a binding, from the wire down to a real database. */

const C = '+8613800000023'
const D = '+8613800000024'
const X2 = '+8617000000002'
const FROZEN_X = '+8617000000003'
const FOREIGN_X = '+8617000000004'
const SMALL_X = '+8617000000005'
const NO_ID = '00000000-0000-4000-8000-000000000000'

const x = (number: string, changes: Partial<XNumber> = {}): XNumber => ({
  number: number as E164,
  appKey: 'app-key-0001',
  areaCode: '0755',
  province: 'Guangdong',
  status: 'normal',
  smsCapable: true,
  ...changes,
})

eachEngine(({ open }) => {
  let storage: Storage
  let test: TestApi
  const hand = { now: NOW }
  const clock: Clock = { now: () => hand.now, setTimer: systemClock.setTimer }

  before(async () => {
    storage = await open({ clock })
    const area = { areaCode: '0755', province: 'Guangdong' }
    const axb = createAxbService({
      store: storage.bindings,
      clock,
      maxPairsPerX: 3,
      areas: areasBy(
        (number) => (number === D ? undefined : area),
        (code) => (code === '0755' || code === '020' ? 'Guangdong' : undefined),
      ),
    })
    await storage.apps.saveApp(anApp())
    await storage.apps.saveApp(anApp({ key: 'app-key-0002', tenantId: 'tenant-2', spId: 'sp-2' }))
    test = await startTestApi({ axb, apps: storage.apps, clock })
  })
  after(async () => {
    await test.close()
    await storage.close()
  })
  beforeEach(async () => {
    hand.now = NOW
    for (const key of ['app-key-0001', 'app-key-0002']) {
      for (const { number } of await storage.numbers.list(key)) await storage.numbers.remove(number)
    }
    await storage.apps.saveApp(anApp())
    await storage.numbers.save([
      x(X),
      x(X2, { areaCode: '020' }),
      x(FROZEN_X, { status: 'binding-frozen', areaCode: '010', province: 'Beijing' }),
      x(FOREIGN_X, { appKey: 'app-key-0002' }),
    ])
  })

  const codeOf = async (method: string, options: CallOptions) => {
    const { status, json } = await test.call(method, options)
    return `${status} ${json['resultcode']}`
  }
  const bind = (body: object) => test.call('POST', { body: { callerNum: A, calleeNum: B, ...body } })
  const bindCode = (body: object) => codeOf('POST', { body: { callerNum: A, calleeNum: B, ...body } })
  const bound = async (body: object = {}) => {
    const { json } = await bind({ relationNum: X, ...body })
    assert.equal(json['resultcode'], '0')
    return String(json['subscriptionId'])
  }
  const escaped = (number: string) => number.replace('+', '%2B')
  const byId = (id: string) => ({ query: `?subscriptionId=${id}` })
  const byX = (number: string, more = '') => ({ query: `?relationNum=${escaped(number)}${more}` })

  describe('AXB bind over the wire (spec/axb.md sections 3 and 9)', () => {
    it('binds A and B on a given X and finds the binding again', async () => {
      const id = await bound({
        duration: 60,
        userData: 'order 7',
        callDirection: 1,
        maxDuration: 5,
        lastMinVoice: 'l.wav',
      })
      const { json } = await test.call('GET', byId(id))
      assert.deepEqual(json, {
        resultcode: '0',
        resultdesc: 'Success',
        app_key: 'app-key-0001',
        relationNumList: [
          {
            subscriptionId: id,
            relationNum: X,
            callerNum: A,
            calleeNum: B,
            callDirection: 1,
            duration: 60,
            maxDuration: 5,
            recordFlag: 'false',
            subscribeTime: '2026-02-12 15:30:20',
            lastMinVoice: 'l.wav',
            privateSms: 'true',
            userData: 'order 7',
          },
        ],
        totalCount: 1,
        pageIndex: 1,
        pageSize: 50,
      })
    })

    it('[axb.bind.answer.subscriptionId] subscriptionId has at most 64 letters, digits and dashes', async () => {
      assert.match(await bound(), /^[A-Za-z0-9-]{1,64}$/)
    })

    it('1012007: X unknown, or of another app', async () => {
      assert.equal(await bindCode({ relationNum: '+8617000009999' }), '403 1012007')
      assert.equal(await bindCode({ relationNum: FOREIGN_X }), '403 1012007')
    })

    it('1012008: no X in the area, strict by default', async () => {
      assert.equal(await bindCode({ areaCode: '0571' }), '403 1012008')
      assert.equal(await bindCode({ areaCode: '0571', areaMatchMode: '0' }), '403 1012008')
      assert.equal(await bindCode({ areaCode: '010' }), '403 1012008')
      assert.equal(await bindCode({ callerNum: D }), '403 1012008')
    })

    it('picks an X by area, with and without the leading 0, and by the area of A', async () => {
      assert.equal((await bind({ areaCode: '020' })).json['relationNum'], X2)
      assert.equal((await bind({ areaCode: '755' })).json['relationNum'], X)
      assert.equal((await bind({ callerNum: C, calleeNum: D })).json['relationNum'], X)
    })

    it('falls back to the province and to any city when the match is not strict', async () => {
      await storage.numbers.save([x(X, { status: 'suspended' })])
      assert.equal((await bind({ areaCode: '0755', areaMatchMode: '1' })).json['relationNum'], X2)
      assert.equal((await bind({ callerNum: D, calleeNum: C, areaMatchMode: '1' })).json['relationNum'], X2)
    })

    it('1012008: the same bind by area again, when every X of it carries the pair', async () => {
      assert.equal(await bindCode({ areaCode: '0755' }), '200 0')
      assert.equal(await bindCode({ areaCode: '0755' }), '403 1012008')
    })

    it('1012009: X carries its most pairs', async () => {
      await storage.numbers.save([x(SMALL_X)])
      for (let i = 0; i < 3; i += 1) {
        const pair = { callerNum: `+861380000010${i}`, calleeNum: `+861380000020${i}` }
        assert.equal(await bindCode({ ...pair, relationNum: SMALL_X }), '200 0')
      }
      assert.equal(await bindCode({ relationNum: SMALL_X }), '403 1012009')
    })

    it('1012010: A or B is on the X already, in either role', async () => {
      await bound()
      for (const [callerNum, calleeNum] of [
        [A, B],
        [B, C],
        [A, C],
        [C, A],
        [C, B],
      ]) {
        assert.equal(
          await bindCode({ callerNum, calleeNum, relationNum: X }),
          '403 1012010',
          `${callerNum} ${calleeNum}`,
        )
      }
      assert.equal(await bindCode({ callerNum: C, calleeNum: D, relationNum: X }), '200 0')
      assert.equal(await bindCode({ relationNum: X2 }), '200 0')
    })

    it('1012012: recordFlag true while the app does not record', async () => {
      await storage.apps.saveApp(anApp({ recordingEnabled: false }))
      assert.equal(await bindCode({ relationNum: X, recordFlag: true }), '403 1012012')
      assert.equal(await bindCode({ relationNum: X, recordFlag: 'false' }), '200 0')
    })

    it('1012102: X is in a state that takes no binds', async () => {
      assert.equal(await bindCode({ relationNum: FROZEN_X }), '403 1012102')
    })

    it('1010002: A equals B, a party equals X, service numbers, foreign numbers', async () => {
      const culprit = async (body: object) => (await bind({ relationNum: X, ...body })).json['resultdesc']
      assert.equal(await culprit({ calleeNum: A }), 'Invalid request. calleeNum is invalid.')
      assert.equal(await culprit({ callerNum: X }), 'Invalid request. callerNum is invalid.')
      assert.equal(await culprit({ calleeNum: '+864001234567' }), 'Invalid request. calleeNum is invalid.')
      assert.equal(await culprit({ callerNum: '+12025550123' }), 'Invalid request. callerNum is invalid.')
    })

    it('[axb.rule.race] of fifty binds of one pair at the same moment exactly one succeeds', async () => {
      const codes = await Promise.all(Array.from({ length: 50 }, () => bindCode({ relationNum: X })))
      assert.equal(codes.filter((code) => code === '200 0').length, 1)
      assert.equal(codes.filter((code) => code === '403 1012010').length, 49)
    })
  })

  describe('AXB unbind over the wire (spec/axb.md sections 4 and 9)', () => {
    it('removes a binding by id, at once and once', async () => {
      const id = await bound()
      assert.equal(await codeOf('DELETE', byId(id)), '200 0')
      assert.equal(await codeOf('DELETE', byId(id)), '403 1012007')
      assert.equal(await bindCode({ relationNum: X }), '200 0')
    })

    it('removes all bindings of an X', async () => {
      await bound()
      await bound({ callerNum: C, calleeNum: D })
      assert.equal(await codeOf('DELETE', byX(X)), '200 0')
      assert.equal(await codeOf('DELETE', byX(X)), '403 1012007')
    })

    it('id wins over X: the other bindings of X stay', async () => {
      const id = await bound()
      await bound({ callerNum: C, calleeNum: D })
      assert.equal(await codeOf('DELETE', { query: `${byId(id).query}&relationNum=${escaped(X)}` }), '200 0')
      assert.equal((await test.call('GET', byX(X))).json['totalCount'], 1)
    })

    it('1012001: X of another app or of nobody; 1012007: id of another app', async () => {
      assert.equal(await codeOf('DELETE', byX(FOREIGN_X)), '403 1012001')
      assert.equal(await codeOf('DELETE', byX('+8617000009999')), '403 1012001')
      const id = await bound()
      test.app = anApp({ key: 'app-key-0002' })
      try {
        assert.equal(await codeOf('DELETE', byId(id)), '403 1012007')
      } finally {
        test.app = anApp()
      }
    })
  })

  describe('AXB modify over the wire (spec/axb.md sections 5 and 9)', () => {
    const modify = (body: object) => codeOf('PUT', { body })
    const infoOf = async (id: string) => {
      const { json } = await test.call('GET', byId(id))
      return (json['relationNumList'] as Record<string, unknown>[])[0]!
    }

    it('changes what is given, keeps the rest, the id and the X', async () => {
      const id = await bound({ userData: 'order 7', maxDuration: 5 })
      hand.now += 60_000
      assert.equal(
        await modify({ subscriptionId: id, calleeNum: C, callDirection: '2', recordFlag: true }),
        '200 0',
      )
      const info = await infoOf(id)
      assert.deepEqual(
        [
          info['relationNum'],
          info['callerNum'],
          info['calleeNum'],
          info['callDirection'],
          info['maxDuration'],
        ],
        [X, A, C, 2, 5],
      )
      assert.deepEqual(
        [info['recordFlag'], info['userData'], info['subscribeTime']],
        ['true', 'order 7', '2026-02-12 15:31:20'],
      )
    })

    it('[axb.modify.ownParties] swaps A and B, and sets the same A again', async () => {
      const id = await bound()
      assert.equal(await modify({ subscriptionId: id, callerNum: A }), '200 0')
      assert.equal(await modify({ subscriptionId: id, callerNum: B, calleeNum: A }), '200 0')
      assert.equal((await infoOf(id))['callerNum'], B)
    })

    it('restarts the lifetime from the moment of the change; 0 makes it endless', async () => {
      const id = await bound({ duration: 60 })
      hand.now += 50_000
      assert.equal(await modify({ subscriptionId: id, duration: 60 }), '200 0')
      hand.now += 50_000
      assert.equal(await codeOf('GET', byId(id)), '200 0')
      assert.equal(await modify({ subscriptionId: id, duration: 0 }), '200 0')
      hand.now += 90 * 86_400_000
      assert.equal(await codeOf('GET', byId(id)), '200 0')
    })

    it('1012010: the new A or B is in another binding of the X', async () => {
      const id = await bound()
      await bound({ callerNum: C, calleeNum: D })
      assert.equal(await modify({ subscriptionId: id, callerNum: C }), '403 1012010')
      assert.equal(await modify({ subscriptionId: id, calleeNum: C }), '403 1012010')
    })

    it('1012007: no such binding; 1012012: recording while the app does not record', async () => {
      assert.equal(await modify({ subscriptionId: NO_ID, duration: 1 }), '403 1012007')
      await storage.apps.saveApp(anApp({ recordingEnabled: false }))
      const id = await bound()
      assert.equal(await modify({ subscriptionId: id, recordFlag: 'true' }), '403 1012012')
    })

    it('1010002: lastMinVoice for a call without a limit, given now or stored', async () => {
      const id = await bound()
      assert.equal(await modify({ subscriptionId: id, lastMinVoice: 'l.wav' }), '403 1010002')
      assert.equal(await modify({ subscriptionId: id, maxDuration: 2 }), '200 0')
      assert.equal(await modify({ subscriptionId: id, lastMinVoice: 'l.wav' }), '200 0')
    })
  })

  describe('AXB query over the wire (spec/axb.md sections 6 and 9)', () => {
    it('pages the bindings of an X', async () => {
      await storage.numbers.save([x(SMALL_X)])
      const pairs = [0, 1, 2].map((i) => [`+861380000010${i}`, `+861380000020${i}`])
      for (const [callerNum, calleeNum] of pairs) await bound({ callerNum, calleeNum, relationNum: SMALL_X })
      const all = (await test.call('GET', byX(SMALL_X, '&pageSize=10'))).json
      assert.equal((all['relationNumList'] as unknown[]).length, 3)
      assert.deepEqual([all['totalCount'], all['pageIndex'], all['pageSize']], [3, 1, 10])
      const beyond = (await test.call('GET', byX(SMALL_X, '&pageIndex=2'))).json
      assert.deepEqual([beyond['relationNumList'], beyond['totalCount']], [[], 3])
    })

    it('finds the binding of an A, of a B, and of an exact pair on X', async () => {
      const id = await bound()
      await bound({ callerNum: C, calleeNum: D })
      const found = async (more: string) => {
        const { json } = await test.call('GET', byX(X, more))
        return (json['relationNumList'] as { subscriptionId: string }[] | undefined)?.map(
          (info) => info.subscriptionId,
        )
      }
      assert.deepEqual(await found(`&callerNum=${escaped(A)}`), [id])
      assert.deepEqual(await found(`&calleeNum=${escaped(B)}`), [id])
      assert.deepEqual(await found(`&callerNum=${escaped(A)}&calleeNum=${escaped(B)}`), [id])
      assert.equal(await codeOf('GET', byX(X, `&callerNum=${escaped(B)}`)), '403 1012007')
    })

    it('1012007: nothing found, and the id of another app; 1012001: X of another app', async () => {
      assert.equal(await codeOf('GET', byX(X)), '403 1012007')
      assert.equal(await codeOf('GET', byId(NO_ID)), '403 1012007')
      assert.equal(await codeOf('GET', byX(FOREIGN_X)), '403 1012001')
    })

    it('an expired binding is gone for query, unbind and modify, and frees A and B at once', async () => {
      const id = await bound({ duration: 60 })
      hand.now += 59_999
      assert.equal(await codeOf('GET', byId(id)), '200 0')
      hand.now += 1
      assert.equal(await codeOf('GET', byId(id)), '403 1012007')
      assert.equal(await codeOf('GET', byX(X)), '403 1012007')
      assert.equal(await codeOf('DELETE', byId(id)), '403 1012007')
      assert.equal(await codeOf('PUT', { body: { subscriptionId: id, duration: 60 } }), '403 1012007')
      assert.equal(await bindCode({ relationNum: X }), '200 0')
    })
  })
})
