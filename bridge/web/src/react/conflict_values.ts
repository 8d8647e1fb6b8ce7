import type { Json } from "../providers/json";
import type { Conflict } from "../providers/provider";

/** A value as a node tells it in a conflict. Numbers keep their text: 9007199254740993 has no number of JavaScript's. */
export type Told = null | string | { readonly number: string } | { readonly other: string };
/** The columns of a row in their order; null: there is no row. */
export type ToldRow = ReadonlyMap<string, Told> | null;

/** One column of a conflict about a whole row. A side that does not have it is undefined. */
export interface Field {
  readonly name: string;
  readonly current: Told | undefined;
  readonly other: Told | undefined;
}

const numbersAndStrings = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** @throws SyntaxError if it is no JSON. */
function parse(json: string): unknown {
  return JSON.parse(json.replace(numbersAndStrings, (each) => (each[0] === '"' ? each : `{"number":"${each}"}`)));
}

function toldOf(value: unknown): Told {
  if (value === null || typeof value === "string") return value;
  if (typeof value !== "object") return { other: String(value) };
  if ("number" in value) return { number: String(value.number) };
  if ("real" in value) return { number: String(value.real) };
  if ("blob" in value) {
    const bytes = String(value.blob);
    return { other: `${bytes.length / 2} bytes: ${bytes}` };
  }
  return { other: JSON.stringify(value) };
}

/** Undefined where the node told nothing. */
function read(json: Json | undefined): unknown {
  if (typeof json !== "string") return json === undefined ? undefined : parse(JSON.stringify(json));
  try {
    return parse(json);
  } catch {
    return json;
  }
}

export function cellOf(json: Json | undefined): Told {
  return toldOf(read(json) ?? null);
}

export function rowOf(json: Json | undefined): ToldRow {
  const value = read(json);
  if (!value || typeof value !== "object") return null;
  return new Map(Object.entries(value).map(([name, each]) => [name, toldOf(each)]));
}

/** The values of the primary key, in order. */
export function keyOf(conflict: Conflict): readonly Told[] {
  const value = read(conflict.key);
  return Array.isArray(value) ? value.map(toldOf) : [toldOf(value ?? null)];
}

export function textOf(value: Told | undefined): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  return "number" in value ? value.number : value.other;
}

export function isEqual(left: Told | undefined, right: Told | undefined): boolean {
  return left !== undefined && JSON.stringify(left) === JSON.stringify(right);
}

/** All columns that either side has, in their order there. */
export function fieldsOf(current: ToldRow, other: ToldRow): readonly Field[] {
  const names = new Set([...(current?.keys() ?? []), ...(other?.keys() ?? [])]);
  return [...names].map((name) => ({ name, current: current?.get(name), other: other?.get(name) }));
}

export const isOfRow = ({ column }: Conflict) => typeof column !== "string" || column === "";

const constraints = /^(UNIQUE|CHECK|NOT NULL|FOREIGN KEY|the column type of a STRICT table|a constraint)\b/;

/** A row that a constraint keeps out. No choice brings it back: that does what it waits for. Older nodes do not tell the kind. */
export function isSetAside(conflict: Conflict): boolean {
  if (typeof conflict.kind === "string") return conflict.kind === "constraint";
  return isOfRow(conflict) && rowOf(conflict.current) === null && constraints.test(String(conflict.rule));
}

/** Two rows that were inserted under one key: the one that lost can stand beside the other. */
export function canReinsert(conflict: Conflict): boolean {
  if (typeof conflict.kind === "string") return conflict.kind === "insert";
  return (
    isOfRow(conflict) && conflict.rule !== "row" && rowOf(conflict.current) !== null && rowOf(conflict.other) !== null
  );
}

export function placeOf(conflict: Conflict): string {
  const column = isOfRow(conflict) ? "" : `${conflict.column} of `;
  return `${column}${conflict.table} ${keyOf(conflict).map(textOf).join(", ")}`;
}

/** One side in one line, for lists. */
export function sideInWords(conflict: Conflict, side: Json | undefined): string {
  if (!isOfRow(conflict)) return textOf(cellOf(side)) || "nothing";
  const row = rowOf(side);
  if (!row) return "deleted";
  const key = new Set(keyOf(conflict).map((each) => JSON.stringify(each)));
  const telling = [...row.values()].filter((each) => each !== null && !key.has(JSON.stringify(each)));
  return telling.map(textOf).filter(Boolean).join(", ") || "the row";
}
