import { X509Certificate, createPrivateKey } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { SecureContext, SecureContextOptions } from 'node:tls'

/** What one side of a TLS connection shows and whom it believes, in PEM form. */
export type TlsIdentity = {
  /** The certificate, then those that signed it. */
  readonly cert: string
  readonly key: string
  /** Who may sign the certificates of peers; default: the roots that come with Node. */
  readonly ca?: string
}

export type TlsSourceOptions = {
  /** Whether connecting peers are asked for a certificate, and let in without one; default `none`. */
  readonly clientCert?: 'none' | 'optional' | 'required'
  /** Whether servers must show a trusted certificate of the domain we look for (RFC 5922 §7); default true. */
  readonly verifyServers?: boolean
}

/**
 * Gives the certificates of the moment. A reload is for the connections to come; those that stand keep what they agreed on.
 */
export type TlsSource = Required<TlsSourceOptions> & {
  /** The identity for a name that a client asked for (SNI); the first when none is for it, or it asked for none. */
  contextFor(serverName: string | undefined): SecureContext
  /** What the first identity's context is made of, for a server of Node's. */
  contextOptions(): SecureContextOptions
  /** Loads again. Rejects, and keeps what it had, when the new ones cannot be used. */
  reload(): Promise<void>
  /** Calls back after every reload; gives the function that ends it. */
  onReload(listener: () => void): () => void
}

type Loaded = {
  readonly certificate: X509Certificate
  readonly options: SecureContextOptions
  readonly context: SecureContext
}

/** TLS 1.0 and 1.1 are dead (RFC 8996). */
const MIN_VERSION: SecureContextOptions['minVersion'] = 'TLSv1.2'

/** Makes a source of what `load` gives: one identity or more, the first of which is for everyone. Rejects when it cannot be used. */
export async function createTlsSource(
  load: () => Promise<readonly TlsIdentity[]> | readonly TlsIdentity[],
  options: TlsSourceOptions = {},
): Promise<TlsSource> {
  const read = async (): Promise<readonly Loaded[]> => {
    const loaded = (await load()).map(usable)
    if (loaded.length === 0) throw new Error('TLS needs a certificate, and none was given')
    return loaded
  }
  let identities = await read()
  const listeners = new Set<() => void>()
  return {
    clientCert: options.clientCert ?? 'none',
    verifyServers: options.verifyServers ?? true,
    contextFor(serverName) {
      const named =
        serverName === undefined || identities.length === 1
          ? undefined
          : identities.find(({ certificate }) => certificate.checkHost(serverName) !== undefined)
      return (named ?? identities[0]!).context
    },
    contextOptions: () => identities[0]!.options,
    async reload() {
      identities = await read()
      for (const listener of listeners) listener()
    },
    onReload(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/** Throws a sentence when key and certificate do not fit. */
function usable({ cert, key, ca }: TlsIdentity): Loaded {
  const certificate = new X509Certificate(cert)
  if (!certificate.checkPrivateKey(createPrivateKey(key))) {
    throw new Error('the private key belongs to another certificate')
  }
  const options: SecureContextOptions = {
    cert,
    key,
    minVersion: MIN_VERSION,
    ...(ca !== undefined && { ca }),
  }
  return { certificate, options, context: createSecureContext(options) }
}
