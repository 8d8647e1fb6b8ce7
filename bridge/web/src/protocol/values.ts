/** What SQLite gives: integers beyond ±(2^53-1) come as bigint, all other numbers as number. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** Makes a number that is integral arrive as REAL: `new Real(2)` is 2.0 where 2 is an integer. */
export class Real {
  constructor(readonly value: number) {}
}

/** What may stand for a `?` in a statement. Booleans are refused by type: SQLite has none, say 0 or 1. */
export type SqlParameter = SqlValue | Real;

export type Row = Record<string, SqlValue>;
