import type { SqlParameter, SqlValue } from "../protocol/values";
import { Real } from "../protocol/values";
import type { PendingWrite } from "./sync_state";

type Cells = Readonly<Record<string, SqlParameter>>;
/** Where the row with a key is. */
type Places = ReadonlyMap<unknown, number>;

/** A live query gives a new list for each change, so a list is looked through once, however often it is shown. */
const indexed = new WeakMap<readonly object[], Map<string, Places>>();

/**
 * The rows of one table as they will be when the node has done what waits. A write that was refused shows no more: the
 * row is as the node has it again. `key`: the columns that name a row.
 */
export function withPending<R extends object>(
  rows: readonly R[],
  writes: readonly PendingWrite[],
  table: string,
  key: readonly string[],
): readonly R[] {
  const shown = writes.filter(({ overlay, state }) => overlay?.table === table && state !== "refused");
  if (shown.length === 0) return rows;
  const places = placesOf(rows, key);
  /** Of rows that are put in at the end. */
  const added = new Map<unknown, number>();
  const result: (R | null)[] = [...rows];
  for (const { overlay } of shown) {
    if (!overlay) continue;
    const values = Object.fromEntries(Object.entries(overlay.values).map(([name, value]) => [name, plain(value)]));
    const name = nameOf(values, key);
    const place = added.get(name) ?? places.get(name);
    const row = place === undefined ? null : result[place];
    if (place !== undefined && row) {
      result[place] = overlay.kind === "delete" ? null : { ...row, ...values };
    } else if (overlay.kind === "insert") {
      added.set(name, result.length);
      result.push(values as R);
    }
  }
  return result.filter((row) => row !== null);
}

function placesOf(rows: readonly object[], key: readonly string[]): Places {
  const byKey = indexed.get(rows) ?? new Map<string, Places>();
  indexed.set(rows, byKey);
  const columns = JSON.stringify(key);
  const known = byKey.get(columns);
  if (known) return known;
  const places = new Map<unknown, number>();
  for (const [place, row] of rows.entries()) {
    const name = nameOf(row as Cells, key);
    if (!places.has(name)) places.set(name, place);
  }
  byKey.set(columns, places);
  return places;
}

/** Equal for equal keys. */
function nameOf(row: Cells, key: readonly string[]): unknown {
  const [only, ...more] = key;
  if (only !== undefined && more.length === 0) return partOf(row[only]);
  return JSON.stringify(key.map((name) => partOf(row[name])).map((part) => [typeof part, String(part)]));
}

/** Two blobs with the same bytes are not the same object. */
const partOf = (value: SqlParameter | undefined): unknown =>
  value instanceof Uint8Array ? `\0blob ${Array.from(value).join()}` : value instanceof Real ? value.value : value;

const plain = (value: SqlParameter): SqlValue => (value instanceof Real ? value.value : value);
