import { parseArgs } from 'node:util'
import { runAxDemo } from './ax.ts'
import { type Look, runAxbDemo } from './axb.ts'
import { runAxeDemo } from './axe.ts'
import { runAxybDemo } from './axyb.ts'
import { createNarrator, type Narrator } from './narrator.ts'
import { runXDemo } from './x.ts'

const DEMOS: Readonly<Record<string, (tell: Narrator, look: Look) => Promise<void>>> = {
  ax: runAxDemo,
  axb: runAxbDemo,
  axe: runAxeDemo,
  axyb: runAxybDemo,
  x: runXDemo,
}
const MODES = Object.keys(DEMOS)

const USAGE = `npm run demo [-- --mode ${MODES.join('|')}]   masked calls on this machine, told step by step; exit code 0 = every step held
`

const { values } = parseArgs({
  options: { mode: { type: 'string', default: 'axb' }, help: { type: 'boolean', default: false } },
})
const demo = Object.hasOwn(DEMOS, values.mode) ? DEMOS[values.mode] : undefined
if (values.help) process.stdout.write(USAGE)
else if (demo === undefined) {
  process.stderr.write(
    `maskline demo: there is no demo of mode "${values.mode}"; there are: ${MODES.join(', ')}\n`,
  )
  process.exitCode = 2
} else {
  const colour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined
  const narrator = createNarrator(process.stdout, colour)
  const started = performance.now()
  try {
    await demo(narrator, { colour, width: Math.min(process.stdout.columns ?? 100, 120) })
  } catch (error) {
    narrator.check(`the demo went through: ${(error as Error).message}`, false)
    process.stderr.write(`${(error as Error).stack}\n`)
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  narrator.title(
    narrator.failed === 0
      ? `All ${narrator.checked} checks held, in ${seconds} s.`
      : `${narrator.failed} of ${narrator.checked} checks failed, in ${seconds} s.`,
  )
  process.exitCode = narrator.failed === 0 ? 0 : 1
}
