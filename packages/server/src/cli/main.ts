import { AppError } from '../shared/app-error.ts'
import { printConfig } from '../config/load.ts'
import { loadFromCommandLine } from './options.ts'
import { USAGE } from './usage.ts'

const COMMANDS: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  serve: async (args) => (await import('./serve.ts')).serve(loadFromCommandLine(args, process.env)),
  lab: async (args) => (await import('./lab.ts')).printLab(loadFromCommandLine(args, process.env)),
  api: async (args) => (await import('./api-call.ts')).runApiCall(args, process.env, process),
  apps: async (args) => (await import('./inventory.ts')).runApps(args, process.env, process),
  numbers: async (args) => (await import('./inventory.ts')).runNumbers(args, process.env, process),
  trunk: async (args) => (await import('./trunk.ts')).runTrunk(args, process.env, process),
  sip: async (args) => (await import('./sip.ts')).runSip(args, process.env, process),
  sms: async (args) => (await import('./sms.ts')).runSms(args, process.env, process),
  bans: async (args) => (await import('./bans.ts')).runBans(args, process.env, process),
  announcements: async (args) =>
    (await import('./announcements.ts')).runAnnouncements(args, process.env, process),
  async config(args) {
    process.stdout.write(`${printConfig(loadFromCommandLine(args, process.env))}\n`)
    return 0
  },
  async help() {
    process.stdout.write(USAGE)
    return 0
  },
}

// Whoever reads has seen enough: `| head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

const [first = 'help', ...args] = process.argv.slice(2)
const wantsHelp = (word: string | undefined): boolean => word === '--help' || word === '-h'
// `api` has a help of its own.
const name = wantsHelp(first) || (first !== 'api' && args.some(wantsHelp)) ? 'help' : first
const command = COMMANDS[name]
if (command === undefined) {
  process.stderr.write(
    `maskline: there is no command "${name}"; \`npm run maskline -- help\` lists what there is.\n`,
  )
  process.exitCode = 2
} else {
  try {
    process.exitCode = await command(args)
  } catch (error) {
    // A fault that a person can mend is one sentence; anything else is a bug and shows its stack.
    if (error instanceof AppError) process.stderr.write(`maskline: ${error.message}\n`)
    else process.stderr.write(`maskline: unexpected fault, please report it\n${(error as Error).stack}\n`)
    process.exit(1)
  }
}
