import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IdentityPolicy } from '../config/config.ts'
import type { E164 } from '../shared/e164.ts'
import { identityWriter } from './identity.ts'
import { national } from './number-format.ts'

const X = '+8617000000001' as E164
const asIs = (number: E164): string => number
const PLAIN = `<sip:${X}@192.0.2.1>`

for (const [title, policy, from, headers] of [
  ['no policy', undefined, PLAIN, ['P-Asserted-Identity', PLAIN]],
  ['no header beside From', { headers: [] }, PLAIN, []],
  [
    'every header, in the order given',
    { headers: ['Remote-Party-ID', 'P-Preferred-Identity', 'P-Asserted-Identity'] },
    PLAIN,
    [
      'Remote-Party-ID',
      `${PLAIN};party=calling;screen=yes;privacy=off`,
      'P-Preferred-Identity',
      PLAIN,
      'P-Asserted-Identity',
      PLAIN,
    ],
  ],
  [
    'a domain, user=phone and a display name',
    { domain: 'pn.example', userPhone: true, displayName: 'Courier' },
    `"Courier" <sip:${X}@pn.example;user=phone>`,
    ['P-Asserted-Identity', `"Courier" <sip:${X}@pn.example;user=phone>`],
  ],
  ['X as display name', { displayName: 'number', headers: [] }, `"${X}" ${PLAIN}`, []],
  ['a tel URI beside From', { uri: 'tel' }, PLAIN, ['P-Asserted-Identity', `<tel:${X}>`]],
  [
    'an anonymous From with the identity asserted and hidden',
    { from: 'anonymous', privacy: 'id' },
    '"Anonymous" <sip:anonymous@anonymous.invalid>',
    ['P-Asserted-Identity', PLAIN, 'Privacy', 'id'],
  ],
  [
    'a Remote-Party-ID that is hidden',
    { headers: ['Remote-Party-ID'], privacy: 'id' },
    PLAIN,
    ['Remote-Party-ID', `${PLAIN};party=calling;screen=yes;privacy=full`, 'Privacy', 'id'],
  ],
  ['an IPv6 domain', { domain: '2001:db8::1', headers: [] }, `<sip:${X}@[2001:db8::1]>`, []],
] as readonly [string, IdentityPolicy | undefined, string, string[]][])
  test(`identity: ${title}`, () => {
    const said = identityWriter(policy, asIs, '192.0.2.1')(X)
    assert.equal(said.from, from)
    assert.deepEqual(said.headers, headers)
    assert.equal(said.contactUser, policy?.from === 'anonymous' ? undefined : X)
  })

test('identity: a number that is not in global form says where it is valid, and its signs are escaped', () => {
  const { headers } = identityWriter({ uri: 'tel', domain: 'pn.example' }, national, '192.0.2.1')(X)
  assert.deepEqual(headers, ['P-Asserted-Identity', '<tel:17000000001;phone-context=pn.example>'])
  const { from } = identityWriter(undefined, (number) => `9#${number}`, '192.0.2.1')(X)
  assert.equal(from, `<sip:9%23%2B${X.slice(1)}@192.0.2.1>`.replace('%2B', '+'))
})
