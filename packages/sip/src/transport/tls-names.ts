import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'

/**
 * The domains that a certificate speaks for, lower case (RFC 5922 §7.1): the hosts of its `sip:` URIs without a user, and its
 * DNS names.
 */
export function domainsOf(certificate: X509Certificate): readonly string[] {
  const domains = new Set<string>()
  for (const entry of alternativeNames(certificate)) {
    if (entry.startsWith('DNS:')) domains.add(entry.slice(4).toLowerCase())
    else {
      const host = /^URI:sips?:([^@:;?]+)(?::\d+)?$/i.exec(entry)?.[1]
      if (host !== undefined) domains.add(host.toLowerCase())
    }
  }
  return [...domains]
}

/**
 * Whether a certificate is one of this domain or address. As in HTTPS a wildcard counts for one label, which RFC 5922 §7.2
 * does not want and carriers use; the common name counts where there are no alternative ones (§7.1).
 */
export function certifies(certificate: X509Certificate, name: string): boolean {
  if (isIP(name) !== 0) return certificate.checkIP(name) !== undefined
  const subject = certificate.subjectAltName === undefined ? 'default' : 'never'
  const isHost = certificate.checkHost(name, { subject, partialWildcards: false }) !== undefined
  return isHost || domainsOf(certificate).includes(name.toLowerCase())
}

/** The peer's certificate, when it was verified. */
export function verifiedCertificate(socket: TLSSocket): X509Certificate | undefined {
  return socket.authorized ? socket.getPeerX509Certificate() : undefined
}

/** `DNS:a.example`, `URI:sip:a.example`; values with a comma or a quote come as JSON texts and are no domains. */
function alternativeNames({ subjectAltName }: X509Certificate): readonly string[] {
  return subjectAltName === undefined ? [] : subjectAltName.split(', ')
}
