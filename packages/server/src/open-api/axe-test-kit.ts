import assert from 'node:assert/strict'
import { createAxeService } from '../bindings/axe-service.ts'
import { areasBy } from '../numbers/area.ts'
import type { XNumber } from '../numbers/x-number.ts'
import type { E164 } from '../shared/e164.ts'
import { systemClock, type Clock, type EpochMs } from '../shared/time.ts'
import type { Storage } from '../storage/index.ts'
import type { App } from '../tenants/app.ts'
import type { TestEngine } from '../testkit/engines.ts'
import { A, anApp, NOW, startTestApi, X, type Reply, type TestApi } from './api-test-kit.ts'

/** What the tests of AXE's API share: the API over the real service and a real database, and its calls. */

export const V1 = '/rest/caas/extendnumber/v1.0'
export const V2 = '/rest/caas/extendnumber/v2.0'
export const X2 = '+8617000000002'
export const BEIJING_X = '+8617000000003'
export const FROZEN_X = '+8617000000004'
export const SUSPENDED_X = '+8617000000005'
export const UNUSABLE_X = '+8617000000006'
export const FOREIGN_X = '+8617000000007'
export const UNKNOWN_X = '+8617000000099'
export const NO_ID = '00000000-0000-4000-8000-000000000000'

export const anAxeApp = (changes: Partial<App> = {}): App => anApp({ mode: 'AXE', ...changes })
export const FOREIGN_APP = anAxeApp({ key: 'app-key-0002', tenantId: 'tenant-2', spId: 'sp-2' })

export const xNumber = (number: string, changes: Partial<XNumber> = {}): XNumber => ({
  number: number as E164,
  appKey: 'app-key-0001',
  areaCode: '0755',
  province: 'Guangdong',
  status: 'normal',
  smsCapable: true,
  ...changes,
})

export const areas = areasBy(
  () => undefined,
  (code) => (code === '0755' || code === '020' ? 'Guangdong' : undefined),
)

export type Scheme = 'AKSK' | 'WSSE'
export type Members = Readonly<Record<string, unknown>>
/** `list` is the query of version 2.0; the members of `unbind`, `query` and `list` go into the URL. */
export type Operation = 'bind' | 'unbind' | 'modify' | 'query' | 'list'
export type Bound = {
  readonly subscriptionId: string
  readonly virtualNum: string
  readonly extendNum: string
}

export type AxeApi = {
  readonly storage: Storage
  readonly test: TestApi
  readonly clock: Clock
  readonly hand: { now: EpochMs }
  /** Begins anew: the app as given, its X numbers without bindings, the clock at NOW. */
  reset(app?: Partial<App>): Promise<void>
  call(operation: Operation, members: Members, scheme?: Scheme): Promise<Reply>
  /** A bind of A on X, unless the members say otherwise. */
  bind(members?: Members, scheme?: Scheme): Promise<Reply>
  /** The same, which must succeed. */
  bound(members?: Members): Promise<Bound>
  verdict(operation: Operation, members: Members): Promise<string>
  /** What the query shows of a binding. */
  infoOf(subscriptionId: string): Promise<Record<string, unknown>>
  close(): Promise<void>
}

/** `200 0`, or `403 1010002 parameter`. */
export function verdictOf({ status, json }: Reply): string {
  const culprit = /^Invalid request\. (\S+) is invalid\.$/.exec(String(json['resultdesc']))?.[1]
  return [status, json['resultcode'], ...(culprit === undefined ? [] : [culprit])].join(' ')
}

export async function startAxeApi(open: TestEngine['open']): Promise<AxeApi> {
  const hand = { now: NOW }
  const clock: Clock = { now: () => hand.now, setTimer: systemClock.setTimer }
  const storage = await open({ clock })
  const axe = createAxeService({ store: storage.bindings, memory: storage.memory, clock, areas })
  await storage.apps.saveApp(FOREIGN_APP)
  await storage.apps.saveApp(anAxeApp())
  const test = await startTestApi({ axe, apps: storage.apps, clock })

  const call: AxeApi['call'] = (operation, members, scheme) => {
    const options = { path: operation === 'list' ? V2 : V1, ...(scheme && { scheme }) }
    if (operation === 'bind') return test.call('POST', { ...options, body: members })
    if (operation === 'modify') return test.call('PUT', { ...options, body: members })
    const query = `?${new URLSearchParams(members as Record<string, string>)}`
    return test.call(operation === 'unbind' ? 'DELETE' : 'GET', { ...options, query })
  }
  const bind: AxeApi['bind'] = (members, scheme) =>
    call('bind', { virtualNum: X, bindNum: A, ...members }, scheme)

  return {
    storage,
    test,
    clock,
    hand,
    async reset(app) {
      hand.now = NOW
      test.app = anAxeApp(app)
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
      return json as Bound
    },
    verdict: async (operation, members) => verdictOf(await call(operation, members)),
    infoOf: async (subscriptionId) => (await call('query', { subscriptionId })).json,
    async close() {
      await test.close()
      await storage.close()
    },
  }
}
