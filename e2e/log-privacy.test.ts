import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { createSoftphone, openLaboratory, type Softphone } from '@maskline/lab'
import { createLogger } from '@maskline/server'
import { freePorts } from './support/ports.ts'
import { makeTempDir } from './support/temp-dir.ts'
import { AXB } from './support/trunk-lab.ts'

const A = '+8613800138021'
const B = '+8613900139022'
const STRANGER = '+8613700137023'
const FIXED = '+8675528000001'
const X = '+8617000000001'
const PASSWORD = 'correct-horse-battery'
const TRUNK_PASSWORD = 'staple-trunk-secret'
const REAL = [A, B, STRANGER, FIXED]
/** Real numbers are searched for by their national digits, which every form of them contains. */
const digits = (number: string): string => number.slice('+86'.length)
const national = digits

/** Files below a folder with their bytes, the write-ahead log of the database among them. */
function filesOf(folder: string): { name: string; bytes: Buffer }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => ({ name: entry.name, bytes: readFileSync(join(entry.parentPath, entry.name)) }))
}

/** The needles that occur in the bytes: as they are, as UTF-16 or as hex digits. */
function found(needles: readonly string[], bytes: Buffer): string[] {
  return needles.filter((needle) =>
    [
      Buffer.from(needle),
      Buffer.from(needle, 'utf16le'),
      Buffer.from(Buffer.from(needle).toString('hex')),
    ].some((form) => bytes.includes(form)),
  )
}

describe('what stays on the disk and in the log', () => {
  test(
    'names no real number, secret or password, whatever calls and pushes did',
    { timeout: 60_000 },
    async () => {
      const lines: string[] = []
      const dir = makeTempDir('privacy')
      const dataDir = join(dir.path, 'data')
      const lab = await openLaboratory({
        x: [X],
        log: createLogger('debug', { write: (line) => void lines.push(line) }),
        env: { MASKLINE_DATA: dataDir },
        trunks: [
          {
            name: 'dead-end',
            // Nobody listens there: calls that leave this way fail.
            peer: { address: '127.0.0.3', port: await freePorts('127.0.0.3'), transport: 'tcp' },
            allowFrom: ['127.0.0.2'],
            username: 'us',
            password: TRUNK_PASSWORD,
            numberFormat: 'national',
          },
        ],
      })
      const { customer, platform } = lab
      const phones: Softphone[] = []
      try {
        const phone = async (number: string, password = PASSWORD): Promise<Softphone> => {
          const registrar = { address: platform.sip.host, port: platform.sip.port }
          const made = await createSoftphone({ user: national(number), password, registrar })
          phones.push(made)
          return made
        }
        for (const number of [A, B, STRANGER])
          await platform.storage.subscribers.save({ username: national(number), password: PASSWORD })
        await platform.storage.subscribers.save({ username: 'no-number', password: PASSWORD })
        await platform.reloadSubscribers()
        const a = await phone(A)
        const b = await phone(B)
        const stranger = await phone(STRANGER)
        for (const registered of [a, b, stranger]) await registered.register()
        await assert.rejects((await phone(A, 'wrong-password')).register())

        const bind = { callerNum: A, calleeNum: B, relationNum: X, userData: 'ride' }
        const bound = await lab.api('POST', AXB, bind)
        assert.equal(bound.body.resultcode, '0')
        const wrong = { callerNum: `${A}0`, calleeNum: B, relationNum: X }
        for (const refused of [bind, wrong])
          assert.notEqual((await lab.api('POST', AXB, refused)).body.resultcode, '0')
        const query = `${AXB}?relationNum=%2B${X.slice(1)}&callerNum=%2B${A.slice(1)}`
        assert.equal((await lab.api('GET', query)).body.resultcode, '0')
        await fetch(`http://127.0.0.1:${platform.api.httpPort}/nowhere/${A}?secret=${lab.app.secret}`)

        // Every push of the first call fails in another way.
        customer.misbehave({ times: 1, status: 500, body: `${A} ${lab.app.secret}` })
        customer.misbehave({ times: 1, drop: true })
        customer.misbehave({ times: 1, status: 302, headers: { Location: `http://127.0.0.1/${B}` } })
        customer.misbehave({ times: 1, status: 418 })
        const call = await a.call(national(X))
        const incoming = await b.incoming()
        await incoming.answer()
        await call.answered()
        call.hangup()
        await incoming.ended()

        const disconnects = () =>
          customer.pushes.filter((push) => push.body.startsWith('{"eventType":"disconnect"')).length
        const ended = (calls: number) =>
          customer.waitFor(() => disconnects() >= calls, `the disconnect events of ${calls} calls`)
        await ended(1)

        const busy = await a.call(national(X))
        const declined = await b.incoming()
        declined.reject(486, `Busy ${B}`)
        await busy.ended()
        await ended(2)
        await (await stranger.call(national(X))).ended()
        await ended(3)
        // The callee is not registered any more: its call takes the trunk on which nobody listens.
        await b.unregister()
        await (await a.call(national(X))).ended()
        await ended(4)
        const fixed = await createSoftphone({
          user: FIXED,
          host: '127.0.0.2',
          registrar: { address: platform.sip.host, port: platform.sip.port },
        })
        phones.push(fixed)
        await (await fixed.call(national(X))).ended()
        await ended(5)
        await (await fixed.call(national(STRANGER))).ended()
        const unsigned = await lab.api('DELETE', `${AXB}?subscriptionId=${randomUUID()}`)
        assert.equal(unsigned.body.resultcode, '1012007')
        await platform.settle()

        const secrets = [lab.app.secret, PASSWORD, TRUNK_PASSWORD, 'wrong-password']
        const log = lines.join('')
        assert.match(log, /"callee":"\+86\*{9}22".*callee leg started/, 'the debug level is captured')
        assert.match(log, /push failed/, 'failing pushes are logged')
        assert.deepEqual(found([...REAL.map(digits), ...secrets], Buffer.from(log)), [], 'in the log')

        const files = filesOf(dataDir)
        const names = files.map((file) => file.name)
        for (const name of ['maskline.db', 'maskline.db-wal']) assert.ok(names.includes(name), names.join())
        for (const { name, bytes } of files)
          assert.deepEqual(found([...REAL.map(digits), ...secrets], bytes), [], `in the file ${name}`)
        const database = Buffer.concat(files.map((file) => file.bytes))
        assert.ok(database.includes(digits(X)), 'the search finds what is not sealed')
      } finally {
        await Promise.all(phones.map((made) => made.close()))
        await lab.close()
      }
      for (const { name, bytes } of filesOf(dataDir))
        assert.deepEqual(found(REAL.map(digits), bytes), [], `in the file ${name} after the end`)
      dir.remove()
    },
  )
})
