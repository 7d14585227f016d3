import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Hop, ServerCall } from '@maskline/sip'
import type { TrunkConfig } from '../config/config.ts'
import type { E164 } from '../shared/e164.ts'
import { silentLog } from '../shared/log.ts'
import { createTrunks, type Phones } from './trunks.ts'

const B = '+8613800000022' as E164
const PEER = { address: '192.0.2.9', port: 5060, transport: 'udp' } as const

function open(
  trunks: readonly Partial<TrunkConfig>[],
  more: { phones?: Phones; chance?: () => number; isRight?: boolean; at?: () => number } = {},
) {
  const checked: string[] = []
  const layer = createTrunks({
    trunks: trunks.map((trunk, i) => ({ name: `t${i}`, allowFrom: [], numberFormat: 'e164', ...trunk })),
    phones: more.phones,
    guard: {
      check: (_call, user) => (checked.push(user), more.isRight ?? true),
      ask: () => void checked.push('who?'),
    },
    sipHost: '192.0.2.1',
    clock: { now: () => more.at?.() ?? 0 },
    chance: more.chance ?? (() => 0),
    log: silentLog,
  })
  return { layer, checked, uris: (callee = B) => layer.waysTo(callee).map(({ uri }) => uri) }
}

function callFrom(source: Partial<Hop> & { tlsNames?: readonly string[] }, headers: readonly string[] = []) {
  const answers: number[] = []
  const call = {
    request: { kind: 'request', method: 'INVITE', uri: 'sip:x', headers, body: Buffer.alloc(0) },
    source: { address: '192.0.2.5', port: 5060, transport: 'udp', ...source },
    rejectStateless: (status: number) => void answers.push(status),
  } as unknown as ServerCall
  return { call, answers }
}

describe('ways out', () => {
  test('one trunk is one way, written as the trunk writes numbers', () => {
    const { layer } = open([
      {
        peer: PEER,
        username: 'u',
        password: 'p',
        numbersOut: { callee: { format: 'digits', prefix: '9#' } },
        identity: { userPhone: true },
      },
    ])
    const [way] = layer.waysTo(B)
    assert.equal(way?.uri, 'sip:9%238613800000022@192.0.2.9;user=phone')
    assert.deepEqual(way.hop, PEER)
    assert.deepEqual(way.credentials, { username: 'u', password: 'p' })
  })

  for (const [peer, domain, uri, hop] of [
    [PEER, undefined, `sip:${B}@192.0.2.9`, true],
    [{ ...PEER, port: 5062 }, undefined, `sip:${B}@192.0.2.9:5062`, true],
    [{ ...PEER, address: '2001:db8::9' }, undefined, `sip:${B}@[2001:db8::9]`, true],
    [PEER, 'carrier.example', `sip:${B}@carrier.example`, true],
    [{ address: 'sip.carrier.example' }, undefined, `sip:${B}@sip.carrier.example`, false],
    [
      { address: 'sip.carrier.example', port: 5061, transport: 'tls' },
      undefined,
      `sip:${B}@sip.carrier.example:5061;transport=tls`,
      false,
    ],
  ] as const)
    test(`peer ${peer.address}${domain === undefined ? '' : ` of ${domain}`} is called at ${uri}`, () => {
      const [way] = open([{ peer, ...(domain && { domain }) }]).layer.waysTo(B)
      assert.equal(way?.uri, uri)
      assert.equal(way.hop !== undefined, hop, 'a host name is left to the stack')
    })

  test('by prefix, then priority, then weight; peers within their trunk', () => {
    const at = (address: string, more: object = {}) => ({ ...PEER, address, ...more })
    const { uris } = open([
      { peer: at('192.0.2.10'), priority: 1 },
      { peers: [at('192.0.2.21', { priority: 1 }), at('192.0.2.20')] },
      { peer: at('192.0.2.30'), serves: ['+86138', '+1'], priority: 9 },
    ])
    const hosts = (callee: E164): string[] => uris(callee).map((uri) => uri.split('@')[1]!)
    assert.deepEqual(hosts(B), ['192.0.2.30', '192.0.2.20', '192.0.2.21', '192.0.2.10'])
    assert.deepEqual(hosts('+8675528000001' as E164), ['192.0.2.20', '192.0.2.21', '192.0.2.10'])
  })

  test('by weight among trunks of one priority', () => {
    const draws = [0.2, 0.3]
    const two = [
      { peer: PEER, weight: 1 },
      { peer: { ...PEER, address: '192.0.2.10' }, weight: 3 },
    ]
    const { uris } = open(two, { chance: () => draws.shift()! })
    assert.deepEqual([uris()[0], uris()[0]], [`sip:${B}@192.0.2.9`, `sip:${B}@192.0.2.10`])
  })

  test('a peer that is down comes last, and is tried all the same when it is the only one', () => {
    const { layer, uris } = open([{ peer: PEER }, { peer: { ...PEER, address: '192.0.2.10' }, priority: 1 }])
    const [line] = layer.trunks[0]!.lines
    for (let i = 0; i < 3; i++) line!.way(B).fared('silent')
    assert.deepEqual(uris(), [`sip:${B}@192.0.2.10`, `sip:${B}@192.0.2.9`])
    const alone = open([{ peer: PEER }])
    for (let i = 0; i < 3; i++) alone.layer.waysTo(B)[0]!.fared('silent')
    assert.equal(alone.uris().length, 1)
  })

  test('a peer that is down is tried first by one call when its rest is over, not by all that come meanwhile', () => {
    let at = 0
    const { layer, uris } = open(
      [{ peer: PEER }, { peer: { ...PEER, address: '192.0.2.10' }, priority: 1 }],
      {
        at: () => at,
      },
    )
    for (let i = 0; i < 3; i++) layer.trunks[0]!.lines[0]!.way(B).fared('silent')
    at = 30_000
    const [probe] = layer.waysTo(B)
    assert.equal(probe!.uri, `sip:${B}@192.0.2.9`)
    probe!.begun()
    assert.deepEqual(uris(), [`sip:${B}@192.0.2.10`, `sip:${B}@192.0.2.9`])
    at = 60_000
    assert.equal(uris()[0], `sip:${B}@192.0.2.9`)
  })

  test('a registered phone is the only way to its number', () => {
    const phones: Phones = {
      admit: () => ({ kind: 'refused' }),
      find: (number) => (number === B ? { uri: 'sip:b@192.0.2.77', hop: PEER } : undefined),
    }
    const { uris } = open([{ peer: PEER }], { phones })
    assert.deepEqual(uris(), ['sip:b@192.0.2.77'])
  })

  test('no trunk serves the number: no way', () => {
    assert.deepEqual(open([{ allowFrom: ['192.0.2.5'] }, { peer: PEER, serves: ['+1'] }]).uris(), [])
  })

  test('channels are those of the trunk, whichever peer has the call', () => {
    const peers = [PEER, { ...PEER, address: '192.0.2.10' }]
    const { layer } = open([{ peers, maxChannels: { out: 1 } }])
    const [one, other] = layer.waysTo(B)
    assert.deepEqual([one!.begun(), other!.begun()], [true, false])
    one!.ended()
    assert.equal(other!.begun(), true)
  })
})

describe('the door', () => {
  const claim = (username: string): string[] => [
    'Authorization',
    `Digest username="${username}", realm="r", nonce="n", uri="sip:x", response="00000000000000000000000000000000"`,
  ]
  const admitted = (door: ReturnType<typeof open>, ...given: Parameters<typeof callFrom>) => {
    const { call, answers } = callFrom(...given)
    const admission = door.layer.admit(call)
    return admission.kind === 'trunk' ? admission.trunk : `${admission.kind} ${answers.join()}`
  }

  test('an address that is named exactly wins over a range that it lies in', () => {
    const door = open([{ allowFrom: ['192.0.2.0/24'] }, { allowFrom: ['192.0.2.5'] }])
    assert.equal(admitted(door, { address: '192.0.2.5' }), 't1')
    assert.equal(admitted(door, { address: '192.0.2.6' }), 't0')
    assert.equal(admitted(door, { address: '198.51.100.1' }), 'refused 403')
    assert.deepEqual([door.layer.knows('192.0.2.6'), door.layer.knows('198.51.100.1')], [true, false])
  })

  test('all conditions that are set must hold: address, name of the certificate, digest', () => {
    const all = {
      allowFrom: ['192.0.2.5'],
      tlsNames: ['*.carrier.example'],
      inboundUsername: 'c',
      inboundPassword: 'p',
    }
    const named = { address: '192.0.2.5', tlsNames: ['sip.carrier.example'] }
    assert.equal(admitted(open([all]), named), 't0')
    assert.equal(admitted(open([all], { isRight: false }), named), 'refused ')
    assert.equal(admitted(open([all]), { ...named, address: '192.0.2.6' }), 'refused 403')
    for (const tlsNames of [
      undefined,
      [],
      ['carrier.example'],
      ['a.b.carrier.example'],
      ['sip.other.example'],
    ])
      assert.equal(
        admitted(open([all]), { address: '192.0.2.5', ...(tlsNames && { tlsNames }) }),
        'refused 403',
      )
  })

  test('a name of a certificate lets in from anywhere, in any case and as a URI', () => {
    const door = open([{ tlsNames: ['sip.carrier.example'] }])
    assert.equal(admitted(door, { tlsNames: ['SIP.Carrier.Example'] }), 't0')
    assert.equal(admitted(door, { tlsNames: ['sip:sip.carrier.example'] }), 't0')
  })

  test('a trunk told by its digest alone is found by the user that its peer claims to be', () => {
    const door = open([
      { inboundUsername: 'one', inboundPassword: 'p' },
      { inboundUsername: 'two', inboundPassword: 'p' },
    ])
    assert.equal(admitted(door, {}, claim('two')), 't1')
    assert.deepEqual(door.checked, ['two'])
    assert.equal(admitted(door, {}, claim('three')), 'refused ')
    assert.equal(admitted(door, {}), 'refused ')
    assert.deepEqual(door.checked, ['two', 'who?', 'who?'], 'whoever is not known is asked')
  })

  for (const from of ['192.0.2.5', '192.0.2.0/24'])
    test(`trunks of one address are told apart by the user that the peer claims to be, the first without: ${from}`, () => {
      const allowFrom = [from, from]
      const door = open([
        { allowFrom, inboundUsername: 'one', inboundPassword: 'p' },
        { allowFrom, inboundUsername: 'two', inboundPassword: 'p' },
        { allowFrom },
      ])
      for (const user of ['two', 'one', 'three']) admitted(door, { address: '192.0.2.5' }, claim(user))
      admitted(door, { address: '192.0.2.5' })
      assert.deepEqual(door.checked, ['two', 'one', 'one', 'one'])
      assert.equal(admitted(door, { address: '192.0.2.5' }, claim('two')), 't1')
    })

  test('of a trunk that registers the user of our Contact is told, for calls go there', () => {
    const registering = { allowFrom: ['192.0.2.5'], username: 'maskline', password: 'p', register: {} }
    const contactUser = (more: object): string | undefined => {
      const admission = open([{ ...registering, ...more }]).layer.admit(callFrom({}).call)
      return admission.kind === 'trunk' ? admission.contactUser : undefined
    }
    assert.equal(contactUser({}), 'maskline')
    assert.equal(contactUser({ register: { contactUser: 'x' } }), 'x')
    assert.equal(contactUser({ register: undefined }), undefined)
  })

  test('a trunk without any condition lets nobody in', () => {
    assert.equal(admitted(open([{ peer: PEER }]), {}), 'refused 403')
  })

  test('a full trunk answers 503 to those who proved who they are, and nothing of a stranger counts', () => {
    const trunk = {
      allowFrom: ['192.0.2.5'],
      inboundUsername: 'c',
      inboundPassword: 'p',
      maxChannels: { in: 1 },
    }
    const wrong = open([trunk], { isRight: false })
    for (let i = 0; i < 3; i++) assert.equal(admitted(wrong, {}), 'refused ')
    assert.deepEqual(wrong.layer.trunks[0]!.capacity.inUse, { in: 0, out: 0 })
    const right = open([trunk])
    const { call } = callFrom({})
    const admission = right.layer.admit(call)
    assert.equal(admitted(right, {}), 'refused 503')
    assert.ok(admission.kind === 'trunk')
    admission.ended()
    assert.equal(admitted(right, {}), 't0')
  })
})
