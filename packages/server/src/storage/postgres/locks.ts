import type { About } from '../plan.ts'

/** Classes of our advisory locks: two numbers of 32 bits name one, within a database. */
const EVERYTHING = 0x6d61736b
const ONE_THING = EVERYTHING + 1

/**
 * The statement that takes the locks of `about`, to the end of the transaction. Work about some things shares the lock of everything
 * with other such work and has those of its things for itself; work that names nothing has everything for itself.
 * PostgreSQL serves the queue of a lock in turn, so neither kind starves, and all take the locks in one order, so none
 * wait for each other. After the locks each statement sees what was committed before (read committed), and whoever
 * could change that waits.
 */
export function lockAbout(about: About): string {
  if (about.length === 0) return `select pg_advisory_xact_lock(${EVERYTHING}, 0)`
  const things = [...new Set(about.map(hash))].toSorted((a, b) => a - b)
  const locks = things.map((thing) => `pg_advisory_xact_lock(${ONE_THING}, ${thing})`)
  return `select ${[`pg_advisory_xact_lock_shared(${EVERYTHING}, 0)`, ...locks].join(', ')}`
}

/** FNV-1a with 32 bits, signed. Two things of one hash wait for each other, no more. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value | 0
}
