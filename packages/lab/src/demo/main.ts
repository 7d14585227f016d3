import { parseArgs } from 'node:util'
import { runAxDemo } from './ax.ts'
import { type Look, runAxbDemo } from './axb.ts'
import { runAxeDemo } from './axe.ts'
import { runAxybDemo } from './axyb.ts'
import { createNarrator, type Narrator } from './narrator.ts'
import { runSmsAxDemo } from './sms/ax.ts'
import { runSmsAxbDemo } from './sms/axb.ts'
import { runSmsXDemo } from './sms/x.ts'
import { runXDemo } from './x.ts'

type Demo = (tell: Narrator, look: Look) => Promise<void>

const CALL_DEMOS: Readonly<Record<string, Demo>> = {
  ax: runAxDemo,
  axb: runAxbDemo,
  axe: runAxeDemo,
  axyb: runAxybDemo,
  x: runXDemo,
}
const SMS_DEMOS: Readonly<Record<string, Demo>> = { axb: runSmsAxbDemo, ax: runSmsAxDemo, x: runSmsXDemo }

const USAGE = `npm run demo [-- --mode MODE] [--sms]   told step by step, on this machine; exit code 0 = every step held

Masked calls:
  axb    A and B reach each other through X (default)
  ax     one person behind X: others call in, the customer says whom it calls
  axe    many people behind one X, each with an extension
  axyb   each of two people behind a number of its own
  x      the customer's server decides each call

Masked SMS, over SMPP with handsets of its own:
  --sms                 axb, ax and x, one after the other
  --sms --mode MODE     one of them
`

/** The demos that the command line names; none when it asks for help, and a sentence when it is wrong. */
function demosOf(args: readonly string[]): readonly Demo[] | string {
  let given
  try {
    given = parseArgs({
      args: [...args],
      options: { mode: { type: 'string' }, sms: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    })
  } catch (error) {
    return (error as Error).message.split('. ')[0]!
  }
  const { values, positionals } = given
  if (values.help) return []
  // npm eats options that stand before `--`: of `--mode ax` a word is left, of `--sms` a variable.
  const sms = values.sms ?? process.env.npm_config_sms === 'true'
  const demos = sms ? SMS_DEMOS : CALL_DEMOS
  const mode = (values.mode ?? positionals[0])?.toLowerCase()
  if (mode === undefined) return sms ? Object.values(SMS_DEMOS) : [runAxbDemo]
  if (Object.hasOwn(demos, mode)) return [demos[mode]!]
  const what = sms ? 'SMS demo' : 'demo'
  return `there is no ${what} of mode "${mode}"; there are: ${Object.keys(demos).join(', ')}`
}

// Ending by `exit` lets a laboratory clear its data away.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const demos = demosOf(process.argv.slice(2))
if (typeof demos === 'string') {
  process.stderr.write(`maskline demo: ${demos}\n\n${USAGE}`)
  process.exitCode = 2
} else if (demos.length === 0) process.stdout.write(USAGE)
else {
  const colour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined
  const narrator = createNarrator(process.stdout, colour)
  const started = performance.now()
  try {
    const look = { colour, width: Math.min(process.stdout.columns ?? 100, 120) }
    for (const demo of demos) await demo(narrator, look)
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
