import type { TestContext } from 'node:test'
import { findPeer } from '../scripts/peers.mjs'

/**
 * The path of a peer program (a row of scripts/peers.mjs). Where it is missing the test is skipped with a reason and
 * the caller returns; with CI=true it fails instead, so that a green run has run everything.
 *
 *     const sipp = requirePeer(t, 'sipp')
 *     if (sipp === undefined) return
 */
export function requirePeer(
  t: Pick<TestContext, 'skip'>,
  command: string,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const peer = findPeer(command, env)
  if ('path' in peer) return peer.path
  if (env.CI === 'true') throw new Error(`${peer.reason}; CI=true skips nothing`)
  t.skip(peer.reason)
  return undefined
}
