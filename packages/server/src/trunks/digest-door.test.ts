import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { type ClientCallHandlers, createSipStack, type DigestWatch, type SipStack } from '@maskline/sip'
import type { Admission } from '../calls/ports.ts'
import type { TrunkConfig } from '../config/config.ts'
import { silentLog } from '../shared/log.ts'
import { systemClock } from '../shared/time.ts'
import { createPhones, createTrunkGuard } from './phones.ts'
import { createTrunks } from './trunks.ts'

const HOST = '127.0.0.1'
const REALM = 'maskline.example'
const LISTEN = [{ transport: 'udp', address: HOST, port: 0 }] as const

/** Trunks that are told by digest alone; the carrier never sends credentials before it is asked for them. */
for (const registrar of [false, true])
  describe(`digest alone, ${registrar ? 'beside' : 'without'} phones`, () => {
    let ours: SipStack
    /** Wrong passwords, by user name. */
    const wrong: string[] = []
    const watch: DigestWatch = {
      mayTry: () => true,
      onWrong: (user) => void wrong.push(user),
      onRight() {},
    }
    let trunks: readonly TrunkConfig[]
    let admit: ReturnType<typeof createTrunks>['admit']
    let admitted: Admission | undefined

    before(async () => {
      ours = await createSipStack({
        listen: LISTEN,
        handlers: {
          onInvite(call) {
            admitted = admit(call)
            if (admitted.kind !== 'refused') call.reject(486)
          },
        },
      })
    })
    after(() => ours.close())

    async function open(...given: readonly Partial<TrunkConfig>[]): Promise<void> {
      trunks = given.map((trunk, i) => ({ name: `t${i}`, allowFrom: [], numberFormat: 'e164', ...trunk }))
      const common = { realm: REALM, digest: 'sha-256+md5', clock: systemClock, watch } as const
      const nonceSecret = randomBytes(32)
      const subscribers = { list: async () => [{ username: '13800000021', password: 'phone' }] }
      const phones = await createPhones({
        ...common,
        nonceSecret,
        countryCode: '86',
        subscribers: subscribers as never,
        enabled: registrar,
        log: silentLog,
      })
      const guard = createTrunkGuard({ ...common, nonceSecret })
      const options = { guard, sipHost: HOST, clock: systemClock, chance: () => 0, log: silentLog }
      ;({ admit } = createTrunks({ trunks, phones: registrar ? phones : undefined, ...options }))
      wrong.length = 0
    }

    /** The final status of one call of a carrier that has not been asked before, and the trunk that let it in. */
    async function calls(username: string, password: string): Promise<string> {
      const carrier = await createSipStack({
        listen: LISTEN,
        handlers: { onInvite: (call) => call.reject(603) },
      })
      admitted = undefined
      const { promise, resolve } = Promise.withResolvers<number>()
      const handlers: ClientCallHandlers = {
        onProvisional() {},
        onAnswer: (call) => call.bye(),
        onFailure: (_call, status) => resolve(status),
        onBye() {},
        onReinvite: (_call, request) => request.respond(488),
        onLost() {},
      }
      const { address, port } = ours.addresses[0]!
      const uri = `sip:x@${address}:${port}`
      carrier.invite(
        { uri, from: '<sip:c@carrier.example>', to: uri, credentials: { username, password } },
        handlers,
      )
      const status = await promise
      await carrier.close()
      const by = admitted as Admission | undefined
      return `${status} ${by?.kind === 'trunk' ? by.trunk : by?.kind}`
    }

    const ONE = { inboundUsername: 'one', inboundPassword: 'p1' }
    const TWO = { inboundUsername: 'two', inboundPassword: 'p2' }

    test('its peer is asked, answers, and is let in; no attempt counts as a wrong password', async () => {
      await open(ONE, TWO)
      assert.equal(await calls('one', 'p1'), '486 t0')
      assert.equal(await calls('two', 'p2'), '486 t1')
      assert.deepEqual(wrong, [])
    })

    test('a wrong password and an unknown user are told the same, and both count', async () => {
      await open(ONE)
      assert.equal(await calls('one', 'p2'), '401 refused')
      assert.equal(await calls('nobody', 'p1'), '401 refused')
      assert.deepEqual(wrong, ['one', 'nobody'])
    })
  })
