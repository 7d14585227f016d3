/** Checks of lists in the configuration: every fault of every member in a sentence of its own. */

export type Json = Readonly<Record<string, unknown>>

/** Says what a value must be when it is not that; a member that is not given is never asked. */
export type Check = (value: unknown, where: string, faults: string[]) => void

export const must =
  (right: (value: unknown) => boolean, sentence: string): Check =>
  (value, where, faults) => {
    if (!right(value)) faults.push(`${where} must be ${sentence}`)
  }

export const oneOf = (choices: readonly string[]): Check =>
  must((value) => choices.includes(value as string), choicesOf(choices))

export const listOf = (right: (item: unknown) => boolean, sentence: string): Check =>
  must((value) => Array.isArray(value) && value.length > 0 && value.every(right), `a list of ${sentence}`)

export const whole = (min: number, max: number): Check =>
  must((value) => isWhole(value, min, max), `a whole number from ${min} to ${max}`)

/** An object with these members and no others. */
export const object =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value, where, faults) => {
    if (!isObject(value)) {
      faults.push(`${where} must be an object with ${Object.keys(checks).join(', ')}`)
      return
    }
    for (const key of Object.keys(value))
      if (!(key in checks))
        faults.push(`${where}.${key} is not known; there are ${Object.keys(checks).join(', ')}`)
    checkMembers(value, checks, where, faults)
  }

export function checkMembers(
  value: Json,
  checks: Readonly<Record<string, Check>>,
  where: string,
  faults: string[],
): void {
  for (const [key, check] of Object.entries(checks))
    if (value[key] !== undefined) check(value[key], `${where}.${key}`, faults)
}

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
export const asObject = (value: unknown): Json => (isObject(value) ? value : {})
export const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
export const isWhole = (value: unknown, min: number, max: number): boolean =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max
export const choicesOf = (choices: readonly string[]): string =>
  `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`
