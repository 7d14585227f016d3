import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { advertisedHost } from '../config/advertised.ts'
import type { Config } from '../config/config.ts'
import { newApp } from '../tenants/app.ts'
import type { E164 } from '../shared/e164.ts'
import { AppError } from '../shared/app-error.ts'
import { type Inventory, openInventory, type Storage } from '../storage/index.ts'

/** The lab that a first start creates: made-up numbers, a tenant of its own. */
const LAB_APP_KEY = 'lab-axb'
const LAB_X: readonly E164[] = Array.from(
  { length: 10 },
  (_, i) => `+861700000${String(i + 1).padStart(4, '0')}` as E164,
)
const LAB_PHONES = [
  { name: 'A', user: '13800000021', number: '+8613800000021' },
  { name: 'B', user: '13800000022', number: '+8613800000022' },
] as const

/** Settings that bind to the SMSC of `npm run handsets`. */
const HANDSETS = 'packages/lab/handsets.json'

/** Province of Shenzhen (0755), as the geo data names it. */
const LAB_PROVINCE = '广东省'

const word = (bytes: number): string => randomBytes(bytes).toString('hex')

/** Creates the lab in an empty database; true when it did. */
export async function ensureLab(storage: Storage, config: Config): Promise<boolean> {
  if ((await storage.apps.listApps()).length > 0) return false
  const app = newApp({
    key: LAB_APP_KEY,
    secret: word(16),
    tenantId: 'lab',
    name: 'lab',
    mode: 'AXB',
    smsEnabled: true,
    pushSignature: config.defaults.pushSignature,
  })
  await storage.apps.saveApp(app)
  await storage.numbers.save(
    LAB_X.map((number) => ({
      number,
      appKey: app.key,
      areaCode: '0755',
      province: LAB_PROVINCE,
      status: 'normal',
      smsCapable: true,
    })),
  )
  for (const phone of LAB_PHONES) await storage.subscribers.save({ username: phone.user, password: word(6) })
  return true
}

/** What to type, in order, with the lab's own values filled in. */
export async function labGuide(storage: Inventory, at: Reach): Promise<string> {
  const app = await storage.apps.findApp(LAB_APP_KEY)
  if (app === undefined)
    throw new AppError(
      'NO_LAB',
      'there is no lab in this data folder; a first `npm start` with an empty folder creates one',
    )
  const [a, b] = LAB_PHONES
  const x = LAB_X[0]!
  const phones = await Promise.all(
    LAB_PHONES.map(async (phone) => {
      const subscriber = await storage.subscribers.find(phone.user)
      return `       phone ${phone.name}   user ${phone.user}   password ${subscriber?.password ?? '(removed)'}`
    }),
  )
  const bind = `{"callerNum":"${a.number}","calleeNum":"${b.number}","relationNum":"${x}"}`
  return `The lab: an AXB app with ten X numbers and two phones.

  1. Register two SIP apps (Linphone, MicroSIP, baresip, Zoiper …) at domain ${at.sip.host}:${at.sip.port}
${phones.join('\n')}

  2. Bind A and B to X = ${x}

       npm run maskline -- api POST /rest/caas/relationnumber/partners/v1.0 '${bind}' \\
         --url http://127.0.0.1:${at.api.httpPort} --key ${app.key} --secret ${app.secret}

     (add --print-curl to see the same request as a curl command)

  3. On phone A dial ${x.slice(3)}: phone B rings and shows ${x.slice(3)}, never A's number. B can call back the same X.

  4. Text through the same X without a carrier: start the platform with \`npm start -- --config ${HANDSETS}\`, and in
     another terminal \`npm run handsets\`, which has a handset for every number. Type there

       ${a.user} ${x.slice(3)} On my way

     and the handset ${b.user} reads it, from ${x.slice(3)}. B can answer to the same X.

  5. Unbind, and the next call is refused:

       npm run maskline -- api DELETE '/rest/caas/relationnumber/partners/v1.0?relationNum=%2B${x.slice(1)}' \\
         --url http://127.0.0.1:${at.api.httpPort} --key ${app.key} --secret ${app.secret}
`
}

/** `maskline lab`: prints the guide again, also while the platform runs; it changes nothing. */
export async function printLab(config: Config): Promise<number> {
  const inventory = await openInventory(config.dataDir, config.storage.databaseUrl)
  try {
    process.stdout.write(await labGuide(inventory, lastStart(config) ?? configured(config)))
    return 0
  } finally {
    await inventory.close()
  }
}

/** Where the platform can be reached, as the guide tells it. */
export type Reach = {
  readonly sip: { readonly host: string; readonly port: number }
  readonly api: { readonly httpPort: number }
  readonly admin?: { readonly host: string; readonly port: number }
}

const reachFile = (config: Config): string => path.join(config.dataDir, 'running.json')

/** Writes down where this start listens, so that `maskline lab` tells the same, whatever settings it is given. */
export function noteReach(config: Config, { sip, api, admin }: Reach): void {
  writeFileSync(reachFile(config), JSON.stringify({ sip, api, admin }))
}

export function lastStart(config: Config): Reach | undefined {
  try {
    return JSON.parse(readFileSync(reachFile(config), 'utf8')) as Reach
  } catch {
    return undefined // Never started with this folder, or written by another version: the configuration tells.
  }
}

const configured = (config: Config): Reach => ({
  sip: { host: advertisedHost(config.sip.host, config.sip.publicHost), port: config.sip.port },
  api: { httpPort: config.api.httpPort },
})
