import { createHash, generateKeyPair, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import type { EpochMs } from '../shared/time.ts'
import * as der from './der.ts'

/** PEM texts. */
export type KeyAndCertificate = { readonly key: string; readonly cert: string }

const DAY_MS = 86_400_000
const VALID_DAYS = 3650

const OID = {
  commonName: '2.5.4.3',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const

/**
 * Makes a self-signed server certificate for host names and IP addresses (RFC 5280): RSA-2048 with SHA-256, which
 * the oldest deployed Java clients take, valid for ten years from a day before `now`.
 */
export async function makeSelfSigned(hosts: readonly string[], now: EpochMs): Promise<KeyAndCertificate> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const publicKeyInfo = publicKey.export({ type: 'spki', format: 'der' })
  const algorithm = der.sequence(der.objectIdentifier(OID.sha256WithRsa), der.nullValue())
  const name = distinguishedName(hosts[0] ?? 'localhost')
  const body = der.sequence(
    der.explicit(0, der.integer(Buffer.from([2]))), // version 3
    der.integer(randomBytes(16)),
    algorithm,
    name, // issuer
    der.sequence(der.time(new Date(now - DAY_MS)), der.time(new Date(now + VALID_DAYS * DAY_MS))),
    name, // subject
    publicKeyInfo,
    der.explicit(3, extensions(hosts, publicKeyInfo)),
  )
  const certificate = der.sequence(body, algorithm, der.bitString(sign('sha256', body, privateKey)))
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: pem('CERTIFICATE', certificate),
  }
}

function distinguishedName(commonName: string): Buffer {
  // ub-common-name is 64 characters (RFC 5280 appendix A.1); the alternative names carry the whole host.
  const attribute = der.sequence(
    der.objectIdentifier(OID.commonName),
    der.utf8String(commonName.slice(0, 64)),
  )
  return der.sequence(der.set(attribute))
}

function extensions(hosts: readonly string[], publicKeyInfo: Uint8Array): Buffer {
  const keyId = createHash('sha1').update(publicKeyInfo).digest()
  // digitalSignature (bit 0), keyEncipherment (bit 2), keyCertSign (bit 5): clients may import it as their trust root.
  const usage = der.bitString(Buffer.from([0b1010_0100]), 2)
  return der.sequence(
    extension(OID.basicConstraints, der.sequence(der.boolean(true)), true),
    extension(OID.keyUsage, usage, true),
    extension(OID.extendedKeyUsage, der.sequence(der.objectIdentifier(OID.serverAuth))),
    extension(OID.subjectKeyId, der.octetString(keyId)),
    extension(OID.subjectAltName, der.sequence(...hosts.map(generalName))),
  )
}

function extension(oid: string, value: Uint8Array, critical = false): Buffer {
  const id = der.objectIdentifier(oid)
  const content = der.octetString(value)
  return critical ? der.sequence(id, der.boolean(true), content) : der.sequence(id, content)
}

/** dNSName [2] or iPAddress [7] (RFC 5280 section 4.2.1.6). */
function generalName(host: string): Buffer {
  const family = isIP(host)
  if (family === 0) return der.implicit(2, Buffer.from(host, 'latin1'))
  return der.implicit(7, family === 4 ? Buffer.from(host.split('.').map(Number)) : ipv6Bytes(host))
}

/** The 16 bytes of an IPv6 address without an embedded IPv4 part or zone. */
function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = address.split('::')
  const groups = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const bytes = Buffer.alloc(16)
  left.forEach((group, i) => bytes.writeUInt16BE(group, 2 * i))
  right.forEach((group, i) => bytes.writeUInt16BE(group, 16 - 2 * (right.length - i)))
  return bytes
}

function pem(label: string, content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
