import { parseArgs } from 'node:util'
import { runAxbDemo } from './axb.ts'
import { createNarrator } from './narrator.ts'

const USAGE = `npm run demo [-- --mode axb]   a masked call on this machine, told step by step; exit code 0 = every step held
`

const { values } = parseArgs({
  options: { mode: { type: 'string', default: 'axb' }, help: { type: 'boolean', default: false } },
})
if (values.help) process.stdout.write(USAGE)
else if (values.mode !== 'axb') {
  process.stderr.write(`maskline demo: there is no demo of mode "${values.mode}" yet; there is: axb\n`)
  process.exitCode = 2
} else {
  const colour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined
  const narrator = createNarrator(process.stdout, colour)
  const started = performance.now()
  try {
    await runAxbDemo(narrator, { colour, width: Math.min(process.stdout.columns ?? 100, 120) })
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
