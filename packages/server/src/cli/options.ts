import { existsSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { AppError } from '../shared/app-error.ts'

/** Configuration of a command: `--config FILE`, `--data DIR`, then the environment. */
export function loadFromCommandLine(args: string[], env: NodeJS.ProcessEnv): Config {
  return loadFromOptions(parse(args), env)
}

type Options = { readonly config?: string | undefined; readonly data?: string | undefined }

/** The same for a command that has read its options itself. */
export function loadFromOptions({ config, data }: Options, env: NodeJS.ProcessEnv): Config {
  const effective = data === undefined ? env : { ...env, MASKLINE_DATA: data }
  const beside = path.join(effective.MASKLINE_DATA ?? './data', 'maskline.json')
  return loadConfig(effective, config ?? (existsSync(beside) ? beside : undefined))
}

function parse(args: string[]): Options {
  try {
    return parseArgs({ args, options: { config: { type: 'string' }, data: { type: 'string' } } }).values
  } catch (cause) {
    throw new AppError('USAGE', `${(cause as Error).message}; \`maskline help\` lists what there is`, {
      cause,
    })
  }
}
