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

  /** @throws TandemError `protocol` if the difference does not fit the list: it has to be asked for anew. */
  apply(diff: MessageOf<"live">): void {
    if (diff.isWhole) this.columns = diff.columns;
    const kept = without(diff.isWhole ? [] : this.rows, diff.removed);
    const inserted = toRows<R>(this.columns, diff.insertedValues, diff.inserted.length);
    const next = merged(kept, diff.inserted, inserted);
    const changed = toRows<R>(this.columns, diff.changedValues, diff.changed.length);
    diff.changed.forEach((index, each) => {
      if (index >= next.length) throw misfit(`row ${index} of ${next.length} changed`);
      next[index] = changed[each] as R;
    });
    if (next.length !== diff.total) throw misfit(`it has ${next.length} rows instead of ${diff.total}`);
    this.rows = next;
  }
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
