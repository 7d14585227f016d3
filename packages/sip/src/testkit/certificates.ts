import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TlsIdentity } from '../transport/tls-source.ts'

/** An authority of the test's own, which signs what it is asked to. */
export type TestAuthority = {
  /** PEM. */
  readonly cert: string
  /** A key and a certificate of these names, `DNS:a.example`, `IP:::1`, `URI:sip:a.example`; it believes this authority alone. */
  issue(...names: readonly string[]): TlsIdentity
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

export function hasOpenSsl(): boolean {
  try {
    execFileSync('openssl', ['version'])
    return true
  } catch {
    return false
  }
}

/** Certificates that other code than ours makes: openssl, 3.0 or newer. */
export function makeAuthority(name = 'Test authority'): TestAuthority {
  const authority = generate(['-subj', `/CN=${name}`])
  return {
    cert: authority.cert,
    issue: (...names) => ({
      ...generate(
        [
          '-subj',
          '/CN=peer',
          '-addext',
          `subjectAltName=${names.join(',')}`,
          '-addext',
          'basicConstraints=CA:FALSE',
        ],
        authority,
      ),
      ca: authority.cert,
    }),
  }
}

type Pair = { readonly key: string; readonly cert: string }

function generate(args: readonly string[], signer?: Pair): Pair {
  const dir = mkdtempSync(join(tmpdir(), 'certificates-'))
  const file = (name: string): string => join(dir, name)
  try {
    const signing: string[] = []
    if (signer !== undefined) {
      writeFileSync(file('ca.key'), signer.key)
      writeFileSync(file('ca.crt'), signer.cert)
      signing.push('-CA', file('ca.crt'), '-CAkey', file('ca.key'))
    }
    const out = ['-keyout', file('key'), '-out', file('crt'), '-days', '2']
    execFileSync('openssl', ['req', '-x509', ...KEY, ...out, ...signing, ...args], { stdio: 'pipe' })
    return { key: readFileSync(file('key'), 'utf8'), cert: readFileSync(file('crt'), 'utf8') }
  } finally {
    rmSync(dir, { recursive: true })
  }
}
