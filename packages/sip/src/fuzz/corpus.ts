import { readFileSync, readdirSync } from 'node:fs'

const TESTDATA = new URL('../../testdata/', import.meta.url)
export const CRASHERS = new URL('crashers/', TESTDATA)

/** The messages of a folder of fixtures, by file name. */
export function messagesIn(folder: URL): readonly { readonly file: string; readonly bytes: Buffer }[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.dat'))
    .sort()
    .map((file) => ({ file, bytes: readFileSync(new URL(file, folder)) }))
}

/** Every message of the torture RFCs, and every one that once broke something. */
export function fuzzCorpus(): readonly Buffer[] {
  return ['rfc4475/', 'rfc5118/', 'crashers/'].flatMap((folder) =>
    messagesIn(new URL(folder, TESTDATA)).map(({ bytes }) => bytes),
  )
}
