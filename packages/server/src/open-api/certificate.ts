import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { AppError } from '../shared/app-error.ts'
import type { EpochMs } from '../shared/time.ts'
import { makeSelfSigned, type KeyAndCertificate } from './self-signed.ts'

export type CertificateSource = Pick<Config, 'dataDir' | 'hostName'> & {
  readonly api: Pick<Config['api'], 'tlsCertFile' | 'tlsKeyFile'>
}

/**
 * The certificate of the deployment: the configured files, else a self-signed one that the first start makes in the
 * data directory (`tls.key`, readable by its owner only, and `tls.crt`) and that later starts use again.
 * Throws AppError `TLS_FILE_UNREADABLE` or `TLS_FILE_INVALID`.
 */
export async function loadCertificate(source: CertificateSource, now: EpochMs): Promise<KeyAndCertificate> {
  const { tlsCertFile, tlsKeyFile } = source.api
  if (tlsCertFile !== undefined && tlsKeyFile !== undefined) return readPair(tlsKeyFile, tlsCertFile)
  const keyFile = join(source.dataDir, 'tls.key')
  const certFile = join(source.dataDir, 'tls.crt')
  try {
    return await readPair(keyFile, certFile)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
  const made = await makeSelfSigned(hostsOf(source.hostName), now)
  await mkdir(source.dataDir, { recursive: true })
  await writeWhole(keyFile, made.key, 0o600)
  await writeWhole(certFile, made.cert, 0o644)
  return made
}

function hostsOf(hostName: string): readonly string[] {
  return [...new Set([hostName, 'localhost', '127.0.0.1', '::1'])]
}

async function readPair(keyFile: string, certFile: string): Promise<KeyAndCertificate> {
  const [key, cert] = await Promise.all([readPem(keyFile), readPem(certFile)])
  try {
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
      throw new Error('the key belongs to another certificate')
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const message = `${keyFile} and ${certFile} are no usable key and certificate in PEM form: ${why}`
    throw new AppError('TLS_FILE_INVALID', message, { cause })
  }
  return { key, cert }
}

/** Throws AppError `TLS_FILE_UNREADABLE`. */
export async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code
    throw new AppError('TLS_FILE_UNREADABLE', `The TLS file ${file} cannot be read (${why}).`, { cause })
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof AppError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
}

/** Writes beside and renames, so that a crash leaves no half file. */
async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  await writeFile(`${file}.new`, text, { mode })
  await rename(`${file}.new`, file)
}
