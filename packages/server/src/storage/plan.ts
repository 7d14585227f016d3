import type { CompiledQuery, Kysely } from 'kysely'
import type { Database } from './schema.ts'

/**
 * A query compiled by Kysely once and run many times: compiling costs 20 to 50 µs, more than most of our queries.
 * Values take the places of the slots, in the order given.
 */
export type Query<Row> = {
  readonly sql: string
  /** Turns the values of one run into the parameters of the statement. */
  bind(values: readonly unknown[]): unknown[]
  /** Carries the type of a row; never present. */
  readonly row?: Row
}

class Slot {
  readonly index: number
  constructor(index: number) {
    this.index = index
  }
}

/** Place `index` for a value, to be used where Kysely takes a value of type T. */
export const slot = <T>(index: number): T => new Slot(index) as unknown as T

/** Compiles a query whose values are slots or constants. */
export function prepare<Row>(builder: { compile(): CompiledQuery<Row> }): Query<Row> {
  const { sql, parameters } = builder.compile()
  const sources = parameters.map((p) => (p instanceof Slot ? p.index : -1))
  const inOrder = sources.every((source, i) => source === i)
  return {
    sql,
    bind: inOrder
      ? (values) => values as unknown[]
      : (values) => sources.map((source, i) => (source < 0 ? parameters[i] : values[source])),
  }
}

/** One statement to be run: all its rows are the answer. */
export type Step = { readonly query: Query<unknown>; readonly values: readonly unknown[] }

/**
 * A piece of work on the database, written once for every dialect: it yields statements and gets their rows. SQLite
 * runs it without ever leaving the stack, PostgreSQL awaits each statement.
 */
export type Plan<T> = Generator<Step, T, readonly unknown[]>

/** All rows of a query. */
export function* all<Row>(query: Query<Row>, ...values: readonly unknown[]): Plan<readonly Row[]> {
  return (yield { query, values }) as readonly Row[]
}

/** The first row of a query. */
export function* first<Row>(query: Query<Row>, ...values: readonly unknown[]): Plan<Row | undefined> {
  return ((yield { query, values }) as readonly Row[])[0]
}

/** Runs plans. Each plan of `write` is atomic; a plan never waits for anything but the database. */
export type Runner = {
  /**
   * Reads; sees every write whose promise has resolved. With PostgreSQL others may write between two statements of
   * one read.
   */
  read<T>(plan: Plan<T>): Promise<T>
  /**
   * Resolves when the work is committed; rejects when nothing of it was done: with AppError `STORAGE_FAILED` when
   * the database could not, with `WRITE_REFUSED` or the plan's own AppError when this work alone is to blame, and
   * would be again.
   *
   * What a plan has read stays true until it is committed. PostgreSQL may make and run a plan several times, so what
   * it leaves in memory must be right however often that was.
   *
   * `about` names the things whose rows the plan reads and writes; a plan may be needed to find them, which is run
   * before where they matter. Plans that share a thing run one after the other, others may run at the same time. Without
   * names a plan runs alone, which is always right.
   */
  write<T>(plan: () => Plan<T>, about?: About | (() => Plan<About>)): Promise<T>
}

/** Names of things, such as X numbers. */
export type About = readonly string[]
export const ALONE: About = []

/** A Kysely instance used as a builder of queries. */
export type QueryBuilder = Kysely<Database>
