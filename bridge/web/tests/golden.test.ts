import { readdirSync, readFileSync } from "node:fs";
import { decode as libraryDecode, encode as libraryEncode } from "@msgpack/msgpack";
import { describe, expect, it } from "vitest";
import { decode, encode, type Fields, type MessageKind } from "../src/protocol/messages";
import { Reader } from "../src/protocol/reader";
import { Real } from "../src/protocol/values";
import { Writer } from "../src/protocol/writer";

const folder = new URL("../../../tests/unit/messages/golden/", import.meta.url);
const golden = (name: string) =>
  new Uint8Array(Buffer.from(readFileSync(new URL(`page_${name}.hex`, folder), "utf8").replace(/\s/g, ""), "hex"));
const bytes = (...values: number[]) => new Uint8Array(values);
const values = [null, -1, 9007199254740993n, 2, "a\0é", bytes(0, 255)];
const sent = [null, -1, 9007199254740993n, new Real(2), "a\0é", bytes(0, 255)];

/** The same messages as in tests/unit/messages/page_test.cpp. */
const messages: { [K in MessageKind]: Fields<K> } = {
  open: { protocolMin: 1, protocolMax: 1, session: "a".repeat(32), token: "secret", name: "notes" },
  query: {
    id: 7,
    deadlineMs: 1_000,
    transaction: 0,
    sql: "SELECT * FROM t WHERE x = ?",
    parameters: sent,
    pageRows: 100,
    pages: 2,
  },
  more: { id: 7, pages: 4 },
  execute: {
    id: 8,
    deadlineMs: 0,
    transaction: 5,
    once: "w1",
    statements: [
      { sql: "INSERT INTO t VALUES(?)", parameters: [-1] },
      { sql: "", parameters: [] },
    ],
    after: 7,
  },
  begin: { id: 5, deadlineMs: 0, limitMs: 2_000 },
  finish: { id: 6, deadlineMs: 0, transaction: 5, isCommit: true, once: "w2" },
  watch: { id: 9, deadlineMs: 0, sql: "SELECT id FROM t", parameters: [], keyColumns: ["id"] },
  observe: { id: 10, tables: ["t"] },
  cancel: { id: 9 },
  ask: { id: 11, deadlineMs: 0, what: "why", argument: '{"table":"t","key":1}' },
  taken: { id: 9, sequence: 300 },
  opened: {
    protocol: 1,
    site: "b".repeat(32),
    name: "desk",
    program: "0.1.0",
    isReadOnly: true,
    timeMs: 1_700_000_000_000,
    rowsMax: 1_000_000,
    bytesMax: 4_000_000,
    statementMsMax: 60_000,
    heartbeatMs: 10_000,
  },
  rows: { id: 7, number: 0, columns: ["id", "t"], count: 3, values, isLast: true },
  done: { id: 8, changes: 3, lastRowid: -1, isRepeat: true },
  told: { id: 11, json: "{}" },
  failed: { id: 8, code: "constraint", text: "UNIQUE constraint failed: t.x" },
  live: {
    id: 9,
    sequence: 2,
    isWhole: true,
    columns: ["id", "t", "x"],
    removed: [0, 5],
    inserted: [1, 2],
    insertedValues: values,
    changed: [300],
    changedValues: [-1, null, null],
    total: 301,
    moreFollows: true,
  },
  changed: { id: 10, sequence: 1, tables: ["t"], isRemote: true },
  beat: { timeMs: 1_700_000_000_000 },
};
const kinds = Object.keys(messages) as MessageKind[];
const fromPage: MessageKind[] = [
  "open",
  "query",
  "more",
  "execute",
  "begin",
  "finish",
  "watch",
  "observe",
  "cancel",
  "ask",
  "taken",
];
const plain = (fields: object) =>
  JSON.parse(
    JSON.stringify(fields, (_, value) =>
      typeof value === "bigint" ? `${value}n` : value instanceof Real ? value.value : value,
    ),
  );

describe("golden vectors", () => {
  it("has one for each message", () => {
    const files = readdirSync(folder).filter((name) => name.startsWith("page_"));
    expect(files.sort()).toEqual(kinds.map((kind) => `page_${kind}.hex`).sort());
  });
  it.each(kinds)("reads %s", (kind) => {
    expect(plain(decode(golden(kind)) ?? {})).toEqual(plain({ kind, ...messages[kind] }));
  });
  it.each(fromPage)("writes %s byte by byte", (kind) => {
    expect(Buffer.from(encode(kind, messages[kind] as never)).toString("hex")).toBe(
      Buffer.from(golden(kind)).toString("hex"),
    );
  });
});

describe("strict decoding", () => {
  it.each(kinds)("refuses %s cut off anywhere", (kind) => {
    const whole = golden(kind);
    for (let size = 0; size < whole.length; size++)
      expect(() => decode(whole.subarray(0, size))).toThrow(/cannot be read|lacks fields/);
  });
  it("skips fields of later versions", () => {
    const later = libraryEncode([52, 2, 8, "sql", "text", { a: [1, { b: true }] }, null]);
    expect(decode(later)).toMatchObject({ kind: "failed", id: 8 });
  });
  it("does without a field that an older node does not send", () => {
    const older = golden("live").slice(0, -1);
    older[0] = (older[0] as number) - 1;
    expect(decode(older)).toMatchObject({ kind: "live", total: 301, moreFollows: false });
  });
  it("does not know messages of later versions, and says so by null", () => {
    expect(decode(libraryEncode([63, 1, 5]))).toBeNull();
  });
  it("allocates nothing for lists that the frame cannot hold", () => {
    expect(() => decode(bytes(0x98, 49, 1, 1, 0, 0xdd, 0, 0, 4, 0))).toThrow(/longer than the frame/);
  });
  it("refuses nesting without end", () => {
    expect(() => decode(bytes(0x96, 52, 1, 1, 0xa0, 0xa0, ...new Array(100).fill(0x91), 1))).toThrow(/too deeply/);
  });
});

describe("values", () => {
  const cases = [
    0, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296, -1, -32, -33, -128, -129, -32768, -32769, -2147483648,
    -2147483649,
  ]
    .concat([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 1.5, Number.MAX_VALUE, 5e-324])
    .map((value) => value as number | bigint | string)
    .concat([2n ** 63n - 1n, -(2n ** 63n), "", "a\0b", "ü".repeat(300), "x".repeat(70_000), "\u{1F600}"]);
  it.each(cases)("come back as they went: %s", (value) => {
    const out = new Writer();
    out.value(value);
    expect(new Reader(out.take()).value()).toBe(value);
    const other = libraryDecode(out.take(), { useBigInt64: true });
    expect(typeof other === "bigint" ? BigInt(value) : value).toBe(other);
  });
  it("refuses integers that SQLite cannot hold, and booleans", () => {
    expect(() => new Writer().value(2n ** 63n)).toThrow(/64 bits/);
    expect(() => new Writer().value(true as never)).toThrow(/boolean/);
  });
  it("refuses what is over a limit before it is sent", () => {
    expect(() =>
      encode("execute", { id: 1, deadlineMs: 0, transaction: 0, once: "x".repeat(65), statements: [], after: 0 }),
    ).toThrow(/64 bytes/);
    const blob = new Uint8Array(4 * 1024 * 1024);
    expect(() => encode("query", { ...messages.query, parameters: [blob] })).toThrow(/send less/);
  });
});
