import { run } from './run.ts'

/** Of all packets, in both directions. */
export const LOSS_PERCENT = 5

/** A way to make the kernel lose packets on the loopback of a network namespace. */
export type PacketLoss = {
  readonly name: 'netem' | 'nftables' | 'a tc filter'
  /** Shell script that lays it, run in the namespace. */
  readonly lay: string
  /** Prints, as JSON, what holds the count. */
  readonly count: readonly [command: string, ...args: string[]]
  /** Packets lost, out of that. */
  read(json: unknown): number
}

/**
 * Classic BPF that picks `LOSS_PERCENT` of the packets by chance: A = random word (SKF_AD_OFF + SKF_AD_RANDOM); A ≥ limit:
 * not this one, else this one.
 */
const PICK = [
  `32 0 0 ${2 ** 32 - 0x1000 + 56}`,
  `53 0 1 ${Math.round((2 ** 32 * LOSS_PERCENT) / 100)}`,
  '6 0 0 0',
  `6 0 0 ${2 ** 32 - 1}`,
]

/** The best first. The last needs no more of a kernel than its classifier: what it picks goes into a cable to nowhere. */
const LOSSES: readonly PacketLoss[] = [
  {
    name: 'netem',
    lay: `tc qdisc add dev lo root netem loss ${LOSS_PERCENT}%`,
    count: ['tc', '-s', '-j', 'qdisc', 'show', 'dev', 'lo'],
    read: (json) => numberAt(json, 'drops'),
  },
  {
    name: 'nftables',
    lay: `
      nft add table inet lossy
      nft 'add chain inet lossy input { type filter hook input priority 0; }'
      nft add rule inet lossy input numgen random mod 100 '<' ${LOSS_PERCENT} counter drop`,
    count: ['nft', '-j', 'list', 'chain', 'inet', 'lossy', 'input'],
    read: (json) => numberAt(json, 'packets'),
  },
  {
    name: 'a tc filter',
    lay: `
      ip link add nowhere type veth peer name beyond
      ip link set nowhere up
      ip link set beyond up
      tc qdisc add dev lo clsact
      tc filter add dev lo ingress bpf bytecode '${PICK.length},${PICK.join(',')}' \
        action mirred egress redirect dev nowhere`,
    count: ['tc', '-s', '-j', 'filter', 'show', 'dev', 'lo', 'ingress'],
    read: (json) => numberAt(json, 'packets'),
  },
]

/**
 * Makes namespaces of network and processes that end with whoever asked for them, killed or not; of the system's root or of a
 * user's own: the first that may be made.
 */
const UNSHARE = ['--pdeathsig', 'KILL', 'unshare', '--net', '--pid', '--fork', '--kill-child', '--mount-proc']
const SPACES = [UNSHARE, [...UNSHARE, '--map-root-user']]

/** A loss, and how the namespaces are made in which it can be laid. */
export type LossyNetwork = { readonly loss: PacketLoss; readonly space: readonly string[] }

/** The best that this machine permits, tried for real; without one, why. */
export async function findLossyNetwork(): Promise<{
  readonly network: LossyNetwork | undefined
  /** What the better ways, or all, failed on. */
  readonly refused: readonly string[]
}> {
  const refused: string[] = []
  for (const space of SPACES) {
    const entered = await run('setpriv', [...space, 'true'])
    if (entered.code !== 0) {
      refused.push(`a namespace: ${entered.stderr.trim() || entered.code}`)
      continue
    }
    for (const loss of LOSSES) {
      const network = { loss, space }
      const { command, args } = within(network, loss.count[0], loss.count.slice(1))
      const { code, stdout, stderr } = await run(command, args)
      if (code === 0) {
        loss.read(JSON.parse(stdout))
        return { network, refused }
      }
      refused.push(`${loss.name}: ${stderr.trim() || code}`)
    }
  }
  return { network: undefined, refused }
}

/** The command line of a program in namespaces of its own: when it is killed, all that it started and the network go with it. */
export function within(
  { loss, space }: LossyNetwork,
  command: string,
  args: readonly string[],
): { readonly command: string; readonly args: readonly string[] } {
  // Where Debian keeps these programs, which is not on the PATH of everybody.
  const script = `PATH=$PATH:/usr/sbin:/sbin\nip link set lo up\n${loss.lay}\nexec "$@"`
  return { command: 'setpriv', args: [...space, 'sh', '-ec', script, 'sh', command, ...args] }
}

/** Asked within the namespace, by the name of the loss that was laid. */
export async function packetsLost(name: string): Promise<number> {
  const loss = LOSSES.find((each) => each.name === name)
  if (loss === undefined) throw new Error(`no loss is called ${name}`)
  const { code, stdout, stderr } = await run(loss.count[0], loss.count.slice(1))
  if (code !== 0) throw new Error(`${loss.count.join(' ')}: ${stderr}`)
  return loss.read(JSON.parse(stdout))
}

/** The first number of that name in a tree. */
function numberAt(json: unknown, name: string): number {
  const found = search(json, name)
  if (found === undefined) throw new Error(`no ${name} in ${JSON.stringify(json)}`)
  return found
}

function search(json: unknown, name: string): number | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  const own = (json as Readonly<Record<string, unknown>>)[name]
  if (typeof own === 'number') return own
  for (const inner of Object.values(json)) {
    const found = search(inner, name)
    if (found !== undefined) return found
  }
  return undefined
}
