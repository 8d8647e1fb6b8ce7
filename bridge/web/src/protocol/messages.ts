import { TandemError } from "../errors";
import * as limits from "./limits";
import { Reader } from "./reader";
import type { SqlParameter, SqlValue } from "./values";
import { Writer } from "./writer";

/** How one field is written and read. */
interface Field<T> {
  write(out: Writer, value: T): void;
  read(from: Reader): T;
  /** Of a field that was added at the end: what it is where an older node does not send it. */
  readonly absent?: T;
}

const integer: Field<number> = { write: (out, value) => out.integer(value), read: (from) => from.integer() };
const wide: Field<number | bigint> = {
  write: (out, value) => out.integer(value),
  read: (from) => {
    const value = from.value();
    if (typeof value !== "number" && typeof value !== "bigint")
      throw new TandemError("protocol", "a number was expected");
    return value;
  },
};
const flag: Field<boolean> = { write: (out, value) => out.boolean(value), read: (from) => from.boolean() };

const laterFlag: Field<boolean> = { ...flag, absent: false };

function text(bytesMax: number): Field<string> {
  return {
    write: (out, value) => {
      // Three bytes are the most that one UTF-16 unit takes.
      if (value.length * 3 > bytesMax && new TextEncoder().encode(value).length > bytesMax)
        throw new TandemError(
          "limit",
          `a text of ${value.length} characters is longer than the ${bytesMax} bytes allowed`,
        );
      out.text(value);
    },
    read: (from) => from.text(bytesMax),
  };
}

function list<T>(item: Field<T>, countMax: number): Field<readonly T[]> {
  return {
    write: (out, value) => {
      if (value.length > countMax)
        throw new TandemError("limit", `a list of ${value.length} items is longer than the ${countMax} allowed`);
      out.array(value.length);
      for (const each of value) item.write(out, each);
    },
    read: (from) => {
      const count = from.array(countMax);
      const items: T[] = [];
      for (let index = 0; index < count; index++) items.push(item.read(from));
      return items;
    },
  };
}

const parameter: Field<SqlParameter> = { write: (out, value) => out.value(value), read: (from) => from.value() };
const sqlValue: Field<SqlValue> = { write: (out, value) => out.value(value), read: (from) => from.value() };
const sql = text(limits.sqlBytesMax);
const label = text(limits.labelBytesMax);
const name = text(limits.nameBytesMax);
const once = text(limits.onceBytesMax);
const columns = list(text(limits.sqlBytesMax), limits.columnsMax);
const values = list(sqlValue, limits.frameBytesMax);
const parameters = list(parameter, limits.parametersMax);
const indexes = list(integer, limits.watchRowsMax);

export interface Statement {
  readonly sql: string;
  readonly parameters: readonly SqlParameter[];
}
const statement: Field<Statement> = {
  write: (out, value) => {
    out.array(2);
    sql.write(out, value.sql);
    parameters.write(out, value.parameters);
  },
  read: (from) => {
    if (from.array(limits.columnsMax) !== 2) throw new TandemError("protocol", "a statement has two parts");
    return { sql: sql.read(from), parameters: parameters.read(from) };
  },
};

/** Every message: its tag and its fields in their order on the wire. docs/page-protocol.md says what they mean. */
const catalogue = {
  open: {
    tag: 32,
    fields: {
      protocolMin: integer,
      protocolMax: integer,
      session: text(limits.sessionDigits),
      token: text(limits.tokenBytesMax),
      name: label,
    },
  },
  query: {
    tag: 33,
    fields: {
      id: integer,
      deadlineMs: integer,
      transaction: integer,
      sql,
      parameters,
      pageRows: integer,
      pages: integer,
    },
  },
  more: { tag: 34, fields: { id: integer, pages: integer } },
  execute: {
    tag: 35,
    fields: {
      id: integer,
      deadlineMs: integer,
      transaction: integer,
      once,
      statements: list(statement, limits.statementsMax),
      after: integer,
    },
  },
  begin: { tag: 36, fields: { id: integer, deadlineMs: integer, limitMs: integer } },
  finish: { tag: 37, fields: { id: integer, deadlineMs: integer, transaction: integer, isCommit: flag, once } },
  watch: {
    tag: 38,
    fields: { id: integer, deadlineMs: integer, sql, parameters, keyColumns: list(name, limits.keyColumnsMax) },
  },
  observe: { tag: 39, fields: { id: integer, tables: list(name, limits.tablesMax) } },
  cancel: { tag: 40, fields: { id: integer } },
  ask: { tag: 41, fields: { id: integer, deadlineMs: integer, what: label, argument: text(limits.argumentBytesMax) } },
  taken: { tag: 42, fields: { id: integer, sequence: integer } },
  opened: {
    tag: 48,
    fields: {
      protocol: integer,
      site: label,
      name: label,
      program: label,
      isReadOnly: flag,
      timeMs: integer,
      rowsMax: wide,
      bytesMax: wide,
      statementMsMax: integer,
      heartbeatMs: integer,
    },
  },
  rows: { tag: 49, fields: { id: integer, number: integer, columns, count: integer, values, isLast: flag } },
  done: { tag: 50, fields: { id: integer, changes: integer, lastRowid: wide, isRepeat: flag } },
  told: { tag: 51, fields: { id: integer, json: text(limits.frameBytesMax) } },
  failed: { tag: 52, fields: { id: integer, code: label, text: text(limits.reasonBytesMax) } },
  live: {
    tag: 53,
    fields: {
      id: integer,
      sequence: integer,
      isWhole: flag,
      columns,
      removed: indexes,
      inserted: indexes,
      insertedValues: values,
      changed: indexes,
      changedValues: values,
      total: integer,
      moreFollows: laterFlag,
    },
  },
  changed: {
    tag: 54,
    fields: { id: integer, sequence: integer, tables: list(name, limits.tablesMax), isRemote: flag },
  },
  beat: { tag: 55, fields: { timeMs: integer } },
} as const;

type Catalogue = typeof catalogue;
export type MessageKind = keyof Catalogue;
type ValueOf<F> = F extends Field<infer T> ? T : never;
export type Fields<K extends MessageKind> = {
  readonly [N in keyof Catalogue[K]["fields"]]: ValueOf<Catalogue[K]["fields"][N]>;
};
export type Message = { [K in MessageKind]: { readonly kind: K } & Fields<K> }[MessageKind];
export type MessageOf<K extends MessageKind> = Extract<Message, { kind: K }>;

const version = 1;
interface Shape {
  readonly kind: MessageKind;
  readonly fields: readonly (readonly [string, Field<unknown>])[];
  /** Fields that every version sends. */
  readonly required: number;
}
const byTag = new Map<number, Shape>();
for (const [kind, { tag, fields }] of Object.entries(catalogue)) {
  const named = Object.entries(fields) as [string, Field<unknown>][];
  const required = named.filter(([, field]) => field.absent === undefined).length;
  byTag.set(tag, { kind: kind as MessageKind, fields: named, required });
}

/** @throws TandemError `limit` or `usage` if a field may not go out so. */
export function encode<K extends MessageKind>(kind: K, message: Fields<K>): Uint8Array<ArrayBuffer> {
  const { tag } = catalogue[kind];
  const { fields } = byTag.get(tag) as Shape;
  const out = new Writer();
  out.array(2 + fields.length);
  out.integer(tag);
  out.integer(version);
  for (const [name, field] of fields) field.write(out, (message as Record<string, unknown>)[name]);
  const frame = out.take();
  if (frame.length > limits.frameBytesMax)
    throw new TandemError(
      "limit",
      `this ${kind} has ${frame.length} bytes; ${limits.frameBytesMax} are allowed: send less at once`,
    );
  return frame;
}

/** Null for a kind of message that this version does not know. @throws TandemError `protocol` if it cannot be read. */
export function decode(frame: Uint8Array): Message | null {
  if (frame.length > limits.frameBytesMax)
    throw new TandemError("protocol", `a frame of ${frame.length} bytes is too long`);
  const from = new Reader(frame);
  const count = from.array(limits.columnsMax);
  const tag = from.integer();
  from.integer();
  const shape = byTag.get(tag);
  if (!shape) return null;
  if (count < 2 + shape.required) throw new TandemError("protocol", `a message of kind ${shape.kind} lacks fields`);
  const message: Record<string, unknown> = { kind: shape.kind };
  shape.fields.forEach(([name, field], index) => {
    message[name] = index < count - 2 ? field.read(from) : field.absent;
  });
  for (let extra = count - 2 - shape.fields.length; extra > 0; extra--) from.skipField();
  if (!from.isAtEnd) throw new TandemError("protocol", `a message of kind ${shape.kind} is followed by something else`);
  return message as unknown as Message;
}
