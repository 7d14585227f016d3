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

const USAGE = `npm run demo [-- --mode MODE]   masked calls on this machine, told step by step; exit code 0 = every step held

  axb    A and B reach each other through X (default)
  ax     one person behind X: others call in, the customer says whom it calls
  axe    many people behind one X, each with an extension
  axyb   each of two people behind a number of its own
  x      the customer's server decides each call
`

/** The mode of the command line, in any letter case; a word without `--mode` is one too, as npm eats options. */
function modeOf(args: readonly string[]): string | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { mode: { type: 'string' }, help: { type: 'boolean' } },
      allowPositionals: true,
    })
    return values.help ? undefined : (values.mode ?? positionals[0] ?? 'axb').toLowerCase()
  } catch (error) {
    process.stderr.write(`maskline demo: ${(error as Error).message.split('. ')[0]}\n`)
    process.exitCode = 2
    return undefined
  }
}

// Ending by `exit` lets a laboratory clear its data away.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const mode = modeOf(process.argv.slice(2))
const demo = mode !== undefined && Object.hasOwn(DEMOS, mode) ? DEMOS[mode] : undefined
if (mode === undefined) process.stdout.write(USAGE)
else if (demo === undefined) {
  process.stderr.write(`maskline demo: there is no demo of mode "${mode}"; there are: ${MODES.join(', ')}\n`)
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
