/** Tells the demo's story on a terminal and keeps the verdict. */
export type Narrator = {
  title(text: string): void
  step(text: string): void
  say(text: string): void
  /** Indented block: JSON, a ladder, a command. */
  show(text: string): void
  /** A claim that must hold; the demo fails when one does not. */
  check(claim: string, holds: boolean, detail?: string): void
  readonly failed: number
  readonly checked: number
}

export function createNarrator(out: { write(text: string): unknown }, colour: boolean): Narrator {
  const paint =
    (code: string) =>
    (text: string): string =>
      colour ? `\u001b[${code}m${text}\u001b[0m` : text
  const [bold, dim, green, red, cyan] = [paint('1'), paint('2'), paint('32'), paint('1;31'), paint('1;36')]
  let steps = 0
  let failed = 0
  let checked = 0
  return {
    title: (text) => void out.write(`\n${bold(text)}\n`),
    step: (text) => void out.write(`\n${cyan(`${++steps}. ${text}`)}\n`),
    say: (text) => void out.write(`   ${text}\n`),
    show: (text) => void out.write(`${text.replace(/^/gm, '     ').trimEnd()}\n`),
    check(claim, holds, detail) {
      checked++
      if (!holds) failed++
      const mark = holds ? green('✔') : red('✘')
      const why = detail === undefined ? '' : dim(`  (${detail})`)
      out.write(`   ${mark} ${holds ? claim : red(claim)}${why}\n`)
    },
    get failed() {
      return failed
    },
    get checked() {
      return checked
    },
  }
}
