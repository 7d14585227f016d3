import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TrunkConfig } from '../config/config.ts'
import { silentLog } from '../shared/log.ts'
import { type RegistrationState, registrationOf, startRegistrations } from './registrations.ts'

const BASE: TrunkConfig = {
  name: 'c',
  allowFrom: [],
  numberFormat: 'e164',
  username: 'maskline',
  password: 'p',
  register: {},
}
const PEER = { address: '192.0.2.9', port: 5062, transport: 'tcp' } as const

const SECURE = { address: '192.0.2.9', port: 5061, transport: 'tls' } as const

for (const [more, registrar, aor, hop] of [
  [{ peer: PEER }, 'sip:192.0.2.9:5062;transport=tcp', 'sip:maskline@192.0.2.9', PEER],
  [
    { peers: [{ address: 'sip.carrier.example' }] },
    'sip:sip.carrier.example',
    'sip:maskline@sip.carrier.example',
  ],
  [{ peer: PEER, domain: 'carrier.example' }, 'sip:carrier.example', 'sip:maskline@carrier.example', PEER],
  [
    { peer: SECURE, domain: 'carrier.example' },
    'sip:carrier.example;transport=tls',
    'sip:maskline@carrier.example',
    { ...SECURE, serverName: 'carrier.example' },
  ],
  [
    { peer: { address: 'sip.carrier.example' }, domain: 'carrier.example' },
    'sip:carrier.example',
    'sip:maskline@carrier.example',
  ],
  [{ peer: PEER, username: 'a@b' }, 'sip:192.0.2.9:5062;transport=tcp', 'sip:a%40b@192.0.2.9', PEER],
  [{ peer: PEER, register: { registrar: 'reg.example' } }, 'sip:reg.example', 'sip:maskline@reg.example'],
  [
    { peer: SECURE, register: { registrar: 'reg.example' } },
    'sip:reg.example;transport=tls',
    'sip:maskline@reg.example',
  ],
  [
    { peer: PEER, register: { aor: 'sip:4001@pbx.example' } },
    'sip:192.0.2.9:5062;transport=tcp',
    'sip:4001@pbx.example',
    PEER,
  ],
] as const)
  test(`registers ${aor} at ${registrar}${hop === undefined ? ' by DNS' : ''}`, () => {
    const made = registrationOf({ ...BASE, ...more })
    assert.deepEqual([made.registrar, made.aor, made.hop], [registrar, aor, hop])
    assert.deepEqual([made.contactUser, made.expiresSec], [made.username, 3600])
  })

test('only trunks that ask for it register; a change is told once', async () => {
  const told: string[] = []
  const log = {
    ...silentLog,
    info: (_: object, m: string) => void told.push(m),
    warn: (_: object, m: string) => void told.push(m),
  }
  let onState: ((state: RegistrationState) => void) | undefined
  let closed = 0
  const { register: _, ...silent } = BASE
  const registrations = startRegistrations(
    [
      { ...BASE, peer: PEER },
      { ...silent, name: 'other' },
    ],
    (options) => {
      assert.equal(onState, undefined)
      onState = options.onState
      return { close: () => void closed++ }
    },
    log,
  )
  assert.deepEqual(registrations.stateOf('c'), { kind: 'trying' })
  assert.equal(registrations.stateOf('other'), undefined)
  onState!({ kind: 'registered' })
  onState!({ kind: 'registered' })
  onState!({ kind: 'failed', why: '403 Forbidden' })
  onState!({ kind: 'failed', why: '403 Forbidden' })
  assert.deepEqual(told, ['a trunk is registered', 'a trunk is not registered; it is tried again'])
  assert.equal(registrations.stateOf('c')?.why, '403 Forbidden')
  await registrations.close()
  assert.equal(closed, 1)
})
