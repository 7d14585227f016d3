import { escapeLiteral, type QueryConfig } from 'pg'
import { newUuid } from '../../shared/ids.ts'

/**
 * Each transaction of writes leaves its mark in a row of `meta` that its writer alone uses. When a commit gets no answer,
 * that row tells whether it was done: it changes with the work, or not at all. (The number of the transaction does not
 * serve: a server that crashed gives the numbers it lost to others.)
 */
export type Marks = {
  /** A mark that was never made before. */
  next(): string
  /** The statement that leaves it. */
  leave(writer: number, mark: string): string
  /** Asks for the mark that is there, once no transaction of the writer is under way any more. */
  ask(writer: number): QueryConfig
  /** Takes all rows away. */
  clear(): QueryConfig
}

/** `node` is who writes: no other process that runs has this id. */
export function createMarks(node: string): Marks {
  const process = newUuid()
  let count = 0
  const keyOf = (writer: number | string): string => `writer:${node}:${writer}`
  return {
    next: () => `${process}:${++count}`,
    leave: (writer, mark) =>
      `insert into meta (key, value) values (${escapeLiteral(keyOf(writer))}, '${mark}') on conflict (key) do update set value = excluded.value`,
    ask: (writer) => ({
      text: `insert into meta (key, value) values ($1, '') on conflict (key) do update set key = excluded.key returning value`,
      values: [keyOf(writer)],
    }),
    clear: () => ({
      text: 'delete from meta where starts_with(key, $1)',
      values: [keyOf('')],
    }),
  }
}
