import type { TrunkConfig, TrunkPeer } from '../config/config.ts'

/** Where a trunk's calls are sent, however the configuration says it; none: calls only come in. */
export const peersOf = ({ peer, peers }: TrunkConfig): readonly TrunkPeer[] =>
  peers ?? (peer === undefined ? [] : [peer])
