import type { AxBinding, AxbBinding, Role } from '../bindings/binding.ts'
import type { XNumber } from '../numbers/x-number.ts'
import type { E164 } from '../shared/e164.ts'
import { type App, newApp } from '../tenants/app.ts'
import type { SmsMessage } from './message.ts'
import type { SmsStore } from './ports.ts'
import { createContentFilter } from './rules/content-filter.ts'
import type { SmsArrival, SmsView } from './rules/decide.ts'
import { createWordSearch } from './rules/word-search.ts'

/** Made-up parties of the tests of SMS. */
export const A = '+8613800000021' as E164
export const B = '+8613800000022' as E164
export const C = '+8613800000023' as E164
export const FIXED = '+8675528000001' as E164
export const X = '+8617000000001' as E164

export const smsApp = (changes: Partial<App> = {}): App =>
  newApp({
    key: 'exampleKey',
    secret: 'secret-of-the-app',
    tenantId: 't1',
    mode: 'AXB',
    smsEnabled: true,
    smsNotifyUrl: 'http://customer.example/sms',
    smsControlUrl: 'http://customer.example/ask',
    ...changes,
  })

export const smsX = (changes: Partial<XNumber> = {}): XNumber => ({
  number: X,
  appKey: 'exampleKey',
  areaCode: '0755',
  province: '广东省',
  status: 'normal',
  smsCapable: true,
  ...changes,
})

const common = { appKey: 'exampleKey', x: X, a: A, recordFlag: false, maxDurationMin: 0, changedAt: 1000 }

export const axBinding = (changes: Partial<AxBinding> = {}): AxBinding => ({
  ...common,
  mode: 'AX',
  id: 'example-id-1',
  privateSms: true,
  turnFlag: 'on',
  callDirection: 0,
  ...changes,
})

export const axbBinding = (changes: Partial<AxbBinding> = {}): AxbBinding => ({
  ...common,
  mode: 'AXB',
  id: 'example-id-1',
  b: B,
  privateSms: true,
  callDirection: 0,
  durationSec: 0,
  ...changes,
})

/** Ends an SMS of A's as partly sent to B: the first of two parts accepted as `c-1`, the other refused. */
export async function endPartlySent(store: Pick<SmsStore, 'save'>, message: SmsMessage): Promise<void> {
  const { receivedAt: at } = message
  await store.save(
    {
      ...message,
      state: 'ended',
      appKey: 'axb',
      called: B,
      subject: { direction: 1, subscriptionId: 'binding-1' },
      end: { at: at + 500, result: 9, segments: 1 },
    },
    'received',
    {
      mt: [
        { index: 1, segments: 1, state: 'accepted', carrier: 'smsc-1', carrierId: 'c-1', at: at + 400 },
        { index: 2, segments: 1, state: 'refused', carrier: 'smsc-1', status: 69, at: at + 500 },
      ],
    },
  )
}

export type Given = {
  readonly app?: Partial<App>
  readonly x?: Partial<XNumber>
  readonly from?: E164 | 'nobody'
  readonly text?: string
  readonly binding?: Partial<Omit<AxBinding, 'mode'> & Omit<AxbBinding, 'mode'>> | 'none'
}

/** An SMS and what is known of it, as far as a test does not say otherwise: all switches on, A writes in a bound AXB or AX. */
export function given(mode: App['mode'], { app, x, from = A, text = 'hello', binding = {} }: Given = {}) {
  const owner = smsApp({ mode, ...app })
  const arrival: SmsArrival = { x: X, from: from === 'nobody' ? undefined : from, text }
  const role: Role = from === A ? 'a' : 'b'
  const bound =
    binding === 'none' || (mode !== 'AX' && mode !== 'AXB')
      ? undefined
      : mode === 'AX'
        ? axBinding(binding)
        : axbBinding(binding)
  const view: SmsView = {
    app: owner,
    xNumber: smsX(x),
    match: bound && { binding: bound, role },
    filter: createContentFilter(owner, createWordSearch([])),
    countryCodes: ['86'],
  }
  return { arrival, view, app: owner }
}
