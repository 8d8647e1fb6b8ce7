import type { SqlParameter, WriteIntent } from "@tandem/web";

export interface Write {
  readonly sql: string;
  readonly parameters: readonly SqlParameter[];
  /** What to show until the node has it. */
  readonly intent: WriteIntent;
}

type Values = Readonly<Record<string, string | number>>;

export function insertOf(table: "notes" | "tasks", values: Values): Write {
  const names = Object.keys(values);
  return {
    sql: `INSERT INTO ${table}(${names.join(", ")}) VALUES(${names.map(() => "?").join(", ")})`,
    parameters: Object.values(values),
    intent: { overlay: { table, kind: "insert", values } },
  };
}

/** What is typed later takes the place of what still waits. */
export function updateOf(table: "notes" | "tasks", id: string, column: string, value: string | number): Write {
  return {
    sql: `UPDATE ${table} SET ${column} = ? WHERE id = ?`,
    parameters: [value, id],
    intent: {
      replaces: `${table} ${id} ${column}`,
      overlay: { table, kind: "update", values: { id, [column]: value } },
    },
  };
}

export function removalOf(table: "notes" | "tasks", id: string): Write {
  return {
    sql: `DELETE FROM ${table} WHERE id = ?`,
    parameters: [id],
    intent: { overlay: { table, kind: "delete", values: { id } } },
  };
}
