/** A program that tests talk to; see peers.mjs. */
export type Peer = {
  readonly command: string
  readonly packages: readonly string[]
  readonly why: string
}
export declare const peers: readonly Peer[]
export declare const benchPeers: readonly Peer[]
export declare function findPeer(
  command: string,
  env?: { PATH?: string | undefined },
): { readonly path: string } | { readonly reason: string }
export declare function installPeers(wanted?: readonly Peer[], users?: string): void
