import { readdirSync, readFileSync } from 'node:fs'

/** One line of /proc/PID/stat (proc(5)). Times in clock ticks. */
export type ProcessStat = {
  readonly pid: number
  readonly parent: number
  /** User and system time, its own and that of children it has waited for. */
  readonly ticks: number
}

/** `sysconf(_SC_CLK_TCK)`: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

export function parseProcessStat(line: string): ProcessStat {
  // The command in brackets may hold spaces and brackets itself; fields count from after the last one.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const field = (number: number): number => Number(fields[number - 3])
  return {
    pid: Number(line.slice(0, line.indexOf(' '))),
    parent: field(4),
    ticks: field(14) + field(15) + field(16) + field(17),
  }
}

/** The processes `roots` and all that descend from them, as far as they are still alive. */
export function processTree(roots: readonly number[], all: readonly ProcessStat[]): ProcessStat[] {
  const wanted = new Set(roots)
  for (let before = -1; before !== wanted.size;) {
    before = wanted.size
    for (const process of all) if (wanted.has(process.parent)) wanted.add(process.pid)
  }
  return all.filter((process) => wanted.has(process.pid))
}

/** User and system CPU seconds that the trees of `roots` have used since their start; resolution 10 ms a process. */
export function cpuSeconds(roots: readonly number[]): number {
  const ticks = processTree(roots, readProcesses()).reduce((sum, process) => sum + process.ticks, 0)
  return ticks / TICKS_PER_SECOND
}

/** The same of the main threads of `roots` alone: of a Node program what it does in JavaScript, without its workers. */
export function mainThreadSeconds(roots: readonly number[]): number {
  const lines = roots.map((pid) => readFile(`/proc/${pid}/task/${pid}/stat`)).filter((line) => line !== '')
  return lines.reduce((sum, line) => sum + parseProcessStat(line).ticks, 0) / TICKS_PER_SECOND
}

/**
 * Resident memory of the trees in bytes, shared pages counted once (proportional set size), so that processes around
 * one shared memory compare fairly with one process.
 */
export function residentBytes(roots: readonly number[]): number {
  let kib = 0
  for (const { pid } of processTree(roots, readProcesses())) {
    kib += Number(/^Pss:\s+(\d+) kB$/m.exec(readFile(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0)
  }
  return kib * 1_024
}

function readProcesses(): ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => readFile(`/proc/${pid}/stat`))
    .filter((line) => line !== '')
    .map(parseProcessStat)
}

/** Empty when the process has ended meanwhile. */
function readFile(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
