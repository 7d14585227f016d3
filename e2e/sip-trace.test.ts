import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { openLaboratory } from '@maskline/lab'
import { makeTempDir } from './support/temp-dir.ts'
import { AXB } from './support/trunk-lab.ts'

const A = '13800138021'
const B = '13900139022'
const X = '17000000001'

type Line = { readonly direction: 'in' | 'out'; readonly text: string }

test('a traced call shows both legs by X and no real number, unless that is asked for', async (t) => {
  const dir = makeTempDir('trace')
  const lab = await openLaboratory({ x: [`+86${X}`], env: { MASKLINE_DATA: dir.path } })
  t.after(async () => {
    await lab.close()
    dir.remove()
  })
  const [a, b] = [await lab.phone(`+86${A}`, 440), await lab.phone(`+86${B}`, 660)]
  await lab.api('POST', AXB, { callerNum: `+86${A}`, calleeNum: `+86${B}`, relationNum: `+86${X}` })

  const { host, port } = lab.platform.admin!
  const token = readFileSync(join(dir.path, 'admin.token'), 'utf8').trim()
  /** Everything of one call that a trace shows. */
  const traced = async (query: string): Promise<readonly Line[]> => {
    const response = await fetch(`http://${host}:${port}/v1/sip/trace?${query}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    assert.equal(response.status, 200)
    const call = await a.call(X)
    const incoming = await b.incoming()
    await incoming.answer()
    await call.answered()
    call.hangup()
    await incoming.ended()
    const seen: Line[] = []
    const isEnd = ({ text }: Line): boolean => /^SIP\/2\.0 200 [^]*\nCSeq: \d+ BYE\n/.test(text)
    const input = Readable.fromWeb(response.body! as never)
    for await (const line of createInterface({ input })) {
      if (line !== '') seen.push(JSON.parse(line) as Line)
      if (seen.filter(isEnd).length === 2) break
    }
    input.destroy()
    return seen
  }

  const lines = await traced(`number=${X}`)
  const text = lines.map((line) => line.text).join('\n')
  const callIds = new Set(lines.map((line) => /^Call-ID: (.*)$/m.exec(line.text)?.[1]))
  assert.equal(callIds.size, 2)
  for (const direction of ['in', 'out'])
    assert.ok(
      lines.some((line) => line.direction === direction && line.text.startsWith('INVITE ')),
      direction,
    )
  for (const number of [A, B])
    assert.ok(!text.includes(number.slice(0, -2)) && !text.includes(number.slice(-7)), text)
  assert.match(text, new RegExp(X))
  assert.match(text, /m=audio/)

  const real = (await traced('realNumbers=yes')).map((line) => line.text).join('\n')
  for (const number of [A, B, X]) assert.ok(real.includes(number), number)
})
