/** Fewer digits than that are told apart only as they are: extensions, service numbers. */
const LEAST_NATIONAL = 7

/** Whether two texts are one number, in whatever form each is written: `+86138…`, `0086138…`, `138…`, `0138…`. */
export function isSameNumber(one: string, other: string): boolean {
  const [short, long] = [digitsOf(one), digitsOf(other)].sort((a, b) => a.length - b.length) as [
    string,
    string,
  ]
  return short.length < LEAST_NATIONAL ? short === long && short !== '' : long.endsWith(short)
}

/** Without the zeros that an exchange wants before it. */
const digitsOf = (text: string): string => text.replace(/\D/g, '').replace(/^0+/, '')
