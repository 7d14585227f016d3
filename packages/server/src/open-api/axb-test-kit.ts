import assert from 'node:assert/strict'
import { createAxbService } from '../bindings/axb-service.ts'
import { areasBy } from '../numbers/area.ts'
import type { XNumber } from '../numbers/x-number.ts'
import type { E164 } from '../shared/e164.ts'
import { systemClock, type Clock, type EpochMs } from '../shared/time.ts'
import type { Storage } from '../storage/index.ts'
import type { App } from '../tenants/app.ts'
import type { TestEngine } from '../testkit/engines.ts'
import { A, anApp, B, NOW, startTestApi, X, type Reply, type TestApi } from './api-test-kit.ts'

/** What the tests of AXB's rows share: the API over the real service and a real database, and its calls. */

export const X2 = '+8617000000002'
export const BEIJING_X = '+8617000000003'
export const FROZEN_X = '+8617000000004'
export const SUSPENDED_X = '+8617000000005'
export const UNUSABLE_X = '+8617000000006'
export const FOREIGN_X = '+8617000000007'
export const UNKNOWN_X = '+8617000000099'
export const NO_ID = '00000000-0000-4000-8000-000000000000'
/** A number whose city nobody knows; A, B and all others are of Shenzhen. */
export const NOMAD = '+8613800000029'
/** Most pairs on one X here. */
export const CAPACITY = 3

const FOREIGN_APP = anApp({ key: 'app-key-0002', tenantId: 'tenant-2', spId: 'sp-2' })
const GUANGDONG = 'Guangdong'
const SHENZHEN = { areaCode: '0755', province: GUANGDONG }

export const xNumber = (number: string, changes: Partial<XNumber> = {}): XNumber => ({
  number: number as E164,
  appKey: 'app-key-0001',
  ...SHENZHEN,
  status: 'normal',
  smsCapable: true,
  ...changes,
})

export type Scheme = 'AKSK' | 'WSSE'
export type Members = Readonly<Record<string, unknown>>
/** The members of `unbind` and `query` go into the URL. */
export type Operation = 'bind' | 'unbind' | 'modify' | 'query'

export type AxbApi = {
  readonly storage: Storage
  readonly test: TestApi
  readonly hand: { now: EpochMs }
  /** Begins anew: the app as given, its X numbers without bindings, the clock at NOW. */
  reset(app?: Partial<App>): Promise<void>
  call(operation: Operation, members: Members, scheme?: Scheme): Promise<Reply>
  /** A bind of A and B on X, unless the members say otherwise. */
  bind(members?: Members, scheme?: Scheme): Promise<Reply>
  /** The same, which must succeed; answers the subscriptionId. */
  bound(members?: Members): Promise<string>
  /** `200 0`, or `403 1010002 parameter`. */
  verdict(operation: Operation, members: Members): Promise<string>
  /** What the query shows of a binding. */
  infoOf(subscriptionId: string): Promise<Record<string, unknown>>
  close(): Promise<void>
}

export function verdictOf({ status, json }: Reply): string {
  const culprit = /^Invalid request\. (\S+) is invalid\.$/.exec(String(json['resultdesc']))?.[1]
  return [status, json['resultcode'], ...(culprit === undefined ? [] : [culprit])].join(' ')
}

export async function startAxbApi(
  open: TestEngine['open'],
  limits: { readonly maxPairsPerX?: number; readonly maxBindsPerDay?: number } = { maxPairsPerX: CAPACITY },
): Promise<AxbApi> {
  const hand = { now: NOW }
  const clock: Clock = { now: () => hand.now, setTimer: systemClock.setTimer }
  const storage = await open({ clock })
  const axb = createAxbService({
    store: storage.bindings,
    clock,
    ...limits,
    areas: areasBy(
      (number) => (number === NOMAD ? undefined : SHENZHEN),
      (code) => (code === '0755' || code === '020' ? GUANGDONG : undefined),
    ),
  })
  await storage.apps.saveApp(FOREIGN_APP)
  await storage.apps.saveApp(anApp())
  const test = await startTestApi({ axb, apps: storage.apps, clock })

  const call: AxbApi['call'] = (operation, members, scheme) => {
    const options = scheme === undefined ? {} : { scheme }
    if (operation === 'bind') return test.call('POST', { ...options, body: members })
    if (operation === 'modify') return test.call('PUT', { ...options, body: members })
    const query = `?${new URLSearchParams(members as Record<string, string>)}`
    return test.call(operation === 'unbind' ? 'DELETE' : 'GET', { ...options, query })
  }
  const bind: AxbApi['bind'] = (members, scheme) =>
    call('bind', { callerNum: A, calleeNum: B, relationNum: X, ...members }, scheme)

  return {
    storage,
    test,
    hand,
    async reset(app) {
      hand.now = NOW
      test.app = anApp(app)
      await storage.apps.saveApp(test.app)
      for (const key of [test.app.key, FOREIGN_APP.key]) {
        for (const { number } of await storage.numbers.list(key)) await storage.numbers.remove(number)
      }
      await storage.numbers.save([
        xNumber(X),
        xNumber(X2, { areaCode: '020' }),
        xNumber(BEIJING_X, { areaCode: '010', province: 'Beijing' }),
        xNumber(FROZEN_X, { areaCode: '021', province: 'Shanghai', status: 'binding-frozen' }),
        xNumber(SUSPENDED_X, { areaCode: '021', province: 'Shanghai', status: 'suspended' }),
        xNumber(UNUSABLE_X, { areaCode: '021', province: 'Shanghai', status: 'unusable' }),
        xNumber(FOREIGN_X, { appKey: FOREIGN_APP.key }),
      ])
    },
    call,
    bind,
    async bound(members) {
      const { json, text } = await bind(members)
      assert.equal(json['resultcode'], '0', text)
      return String(json['subscriptionId'])
    },
    verdict: async (operation, members) => verdictOf(await call(operation, members)),
    async infoOf(subscriptionId) {
      const { json, text } = await call('query', { subscriptionId })
      assert.equal(json['resultcode'], '0', text)
      return (json['relationNumList'] as Record<string, unknown>[])[0]!
    },
    async close() {
      await test.close()
      await storage.close()
    },
  }
}
