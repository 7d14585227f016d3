import assert from 'node:assert/strict'
import type { Laboratory } from '@maskline/lab'
import { generateTone } from '@maskline/media'
import type { TestAuthority } from '@maskline/sip/testkit'
import { type Baresip, startBaresip } from './baresip.ts'

/** Whose phone it is: the number it registers, the address it has, and the tone it speaks. */
export type PhoneOwner = { readonly number: string; readonly host: string; readonly toneHz: number }

/**
 * A baresip that is registered with the laboratory, answers by itself and speaks its tone; over TLS with a certificate of
 * `authority` where one is given. It is put into `phones` before it registers, so that whoever closes those closes it.
 */
export async function startLabPhone(
  lab: Laboratory,
  { number, host, toneHz }: PhoneOwner,
  phones: Baresip[],
  authority?: TestAuthority,
): Promise<Baresip> {
  const user = number.slice(3)
  await lab.platform.storage.subscribers.save({ username: user, password: 'correct-horse' })
  await lab.platform.reloadSubscribers()
  const { sip } = lab.platform
  const port = authority === undefined ? sip.port : sip.tlsPort
  assert.ok(port)
  const phone = await startBaresip({
    user,
    host,
    ...(authority && {
      transport: 'tls',
      tls: { ...authority.issue(`IP:${host}`), ca: authority.cert },
    }),
    speaks: generateTone(toneHz, 1),
    autoAnswer: true,
    registrar: { address: sip.host, port, password: 'correct-horse' },
  })
  phones.push(phone)
  await phone.registered()
  return phone
}
