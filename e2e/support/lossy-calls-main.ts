import { writeFileSync } from 'node:fs'
import { type Transport, maskedCalls } from './lossy-calls.ts'
import { packetsLost } from './lossy-network.ts'
import { sippTalk } from './sipp-talk.ts'

/** Run in a network that loses packets: `node lossy-calls-main.ts udp|tcp NAME-OF-THE-LOSS FILE`; the outcome goes into the file. */
const [transport, loss = '', file = ''] = process.argv.slice(2)
const outcome = await maskedCalls(transport as Transport, sippTalk, { packetsLost: () => packetsLost(loss) })
writeFileSync(file, JSON.stringify(outcome))
