import { TandemError } from "./errors";
import type { MessageOf } from "./protocol/messages";
import type { Row, SqlValue } from "./protocol/values";

/** Rows as objects by column name; of two columns with one name the later stays. */
export function toRows<R extends object = Row>(
  columns: readonly string[],
  values: readonly SqlValue[],
  count: number,
): R[] {
  const width = columns.length;
  if (values.length !== width * count)
    throw new TandemError("protocol", `${count} rows of ${width} columns came with ${values.length} values`);
  const rows: R[] = [];
  for (let at = 0; at < values.length; at += width) rows.push(toRow<R>(columns, values, at));
  return rows;
}

function toRow<R extends object>(columns: readonly string[], values: readonly SqlValue[], at: number): R {
  const row: Row = {};
  for (let index = 0; index < columns.length; index++) {
    const name = columns[index] as string;
    const value = values[at + index] as SqlValue;
    // This name alone would set the object's prototype instead.
    if (name === "__proto__")
      Object.defineProperty(row, name, { value, enumerable: true, writable: true, configurable: true });
    else row[name] = value;
  }
  return row as R;
}

/** The result of a live query: a new list for each change, in which the rows that stayed are the same objects. */
export class LiveList<R extends object = Row> {
  columns: readonly string[] = [];
  rows: readonly R[] = [];
  /** Those of before a whole list came, by their names, until all that are there again have been found. */
  private former: Map<string, R> | null = null;

  /** `key`: columns that name a row; none: its whole content does. */
  constructor(private readonly key: readonly string[] = []) {}

  /** @throws TandemError `protocol` if the difference does not fit the list: it has to be asked for anew. */
  apply(diff: MessageOf<"live">): void {
    if (diff.isWhole) this.begin(diff.columns);
    const kept = without(diff.isWhole ? [] : this.rows, diff.removed);
    const inserted = this.known(toRows<R>(this.columns, diff.insertedValues, diff.inserted.length));
    const next = merged(kept, diff.inserted, inserted);
    const changed = toRows<R>(this.columns, diff.changedValues, diff.changed.length);
    diff.changed.forEach((index, each) => {
      if (index >= next.length) throw misfit(`row ${index} of ${next.length} changed`);
      next[index] = changed[each] as R;
    });
    if (next.length !== diff.total) throw misfit(`it has ${next.length} rows instead of ${diff.total}`);
    this.rows = next;
  }

  private begin(columns: readonly string[]): void {
    const isAlike = columns.length === this.columns.length && columns.every((name, at) => name === this.columns[at]);
    this.columns = columns;
    this.former = isAlike && this.rows.length > 0 ? new Map(this.rows.map((row) => [this.nameOf(row), row])) : null;
  }

  /** The same rows, as the objects that they were before. A list that comes whole in several parts has its later ones as differences. */
  private known(rows: R[]): R[] {
    const { former } = this;
    if (!former) return rows;
    let found = 0;
    const result = rows.map((row) => {
      const before = former.get(this.nameOf(row));
      if (!before || !this.columns.every((name) => isSame(valueAt(before, name), valueAt(row, name)))) return row;
      found++;
      return before;
    });
    if (found === 0) this.former = null;
    return result;
  }

  private nameOf(row: R): string {
    const names = this.key.length > 0 ? this.key : this.columns;
    return names.map((name) => `${typeof valueAt(row, name)} ${valueAt(row, name)}`).join("\0");
  }
}

const valueAt = (row: object, name: string) => (row as Row)[name];

function isSame(left: SqlValue | undefined, right: SqlValue | undefined): boolean {
  if (!(left instanceof Uint8Array && right instanceof Uint8Array)) return Object.is(left, right);
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

const misfit = (what: string) => new TandemError("protocol", `a live query lost step with the node: ${what}`);

function without<R>(rows: readonly R[], removed: readonly number[]): R[] {
  if (removed.length === 0) return rows.slice();
  const kept: R[] = [];
  let next = 0;
  for (let index = 0; index < rows.length; index++) {
    if (removed[next] === index) next++;
    else kept.push(rows[index] as R);
  }
  if (next !== removed.length) throw misfit("rows left that were not there, or out of order");
  return kept;
}

function merged<R>(kept: R[], at: readonly number[], inserted: readonly R[]): R[] {
  if (at.length === 0) return kept;
  const result: R[] = [];
  let next = 0;
  let from = 0;
  while (next < at.length || from < kept.length) {
    if (at[next] === result.length) result.push(inserted[next++] as R);
    else if (from < kept.length) result.push(kept[from++] as R);
    else throw misfit("rows came beyond the end, or out of order");
  }
  return result;
}
