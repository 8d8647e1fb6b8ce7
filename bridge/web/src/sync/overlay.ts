import type { SqlValue } from "../protocol/values";
import { Real } from "../protocol/values";
import type { PendingWrite } from "./sync_manager";

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
  let result = rows;
  for (const { overlay, state } of writes) {
    if (!overlay || overlay.table !== table || state === "refused") continue;
    const values = Object.fromEntries(Object.entries(overlay.values).map(([name, value]) => [name, plain(value)]));
    const place = result.findIndex((row) =>
      key.every((name) => (row as Record<string, SqlValue>)[name] === values[name]),
    );
    if (place < 0) {
      if (overlay.kind === "insert") result = [...result, values as R];
    } else if (overlay.kind === "delete") {
      result = result.filter((_, at) => at !== place);
    } else {
      result = result.map((row, at) => (at === place ? { ...row, ...values } : row));
    }
  }
  return result;
}

const plain = (value: SqlValue | Real): SqlValue => (value instanceof Real ? value.value : value);
