import "fake-indexeddb/auto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { LocalProvider, type ModuleFactory } from "../src/local";
import { NodeProcess, program, schema, until } from "./node_process";
import { execFileSync } from "node:child_process";

const folder = process.env.TANDEM_WASM ?? new URL("../../../build-wasm", import.meta.url).pathname;
let module: ModuleFactory;
let wasmBinary: Uint8Array;

beforeAll(async () => {
  module = (await import(pathToFileURL(`${folder}/tandem.mjs`).href)).default as ModuleFactory;
  wasmBinary = readFileSync(`${folder}/tandem.wasm`);
});

const ifNotThere = schema.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS");
const open = (database: string, peers: string[] = []) =>
  LocalProvider.open(
    {
      database,
      module,
      wasmBinary,
      schema: ifNotThere,
      tables: ["notes"],
      peers,
      ...(process.env.TANDEM_LOG && { onLog: (level: string, text: string) => console.log(level, text) }),
    },
    { backoff: { firstMs: 10, mostMs: 100 } },
  );
const insert = "INSERT INTO notes(id, title) VALUES(?, ?)";
const titlesOf = async (provider: LocalProvider) =>
  (await provider.query<{ title: string }>("SELECT title FROM notes ORDER BY id")).rows.map((row) => row.title);

describe("a page's own database", () => {
  it("works without any node", async () => {
    const page = open("alone");
    await page.execute(insert, ["1", "Milk"]);
    const live = page.watch<{ title: string }>("SELECT id, title FROM notes ORDER BY id", [], { key: ["id"] });
    await until(() => live.snapshot.rows.length === 1);
    await page.execute(insert, ["2", "Bread"]);
    await until(() => live.snapshot.rows.length === 2);
    await page.shutDown();
  });

  it("is there after it was closed and opened again", async () => {
    const first = open("kept");
    await first.execute(insert, ["1", "Milk"]);
    await first.shutDown();
    const second = open("kept");
    expect(await titlesOf(second)).toEqual(["Milk"]);
    await second.shutDown();
  });

  it("syncs with a node that appears later, both ways", async () => {
    const hub = await NodeProcess.start();
    await hub.kill();
    const first = open("later", [hub.url]);
    await first.execute(insert, ["1", "Written alone"]);
    await first.shutDown();
    const second = open("later", [hub.url]);
    expect(await titlesOf(second)).toEqual(["Written alone"]);
    hub.sqlite("INSERT INTO notes(id, title) VALUES('2', 'Of the hub')");
    await hub.run();
    await until(async () => (await titlesOf(second)).length === 2 && hub.sqlite("SELECT count(*) FROM notes") === "2");
    const digest = await second.digest();
    await second.shutDown();
    await hub.kill();
    expect(execFileSync(program, ["digest", hub.database], { encoding: "utf8" }).trim()).toContain(digest);
    await hub.end();
  }, 30_000);
});
