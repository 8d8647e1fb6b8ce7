import "fake-indexeddb/auto";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { LocalProvider } from "../../src/local";
import { NodeProcess, program, schema, until } from "../node_process";
import { localOpener } from "./opening";

let open: (database: string, peers?: string[], token?: string) => LocalProvider;

beforeAll(async () => {
  const opener = await localOpener();
  open = (database, peers = [], token = "") =>
    opener(database, schema.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"), peers, { token });
});

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
  });

  it("syncs with a hub that wants a token, and not without", async () => {
    const token = "sécret/+~?";
    const folder = mkdtempSync(join(tmpdir(), "tandem-token-"));
    writeFileSync(join(folder, "token"), `${token}\n`, { mode: 0o600 });
    const hub = await NodeProcess.start(["--token-file", join(folder, "token")]);
    const stranger = open("stranger", [hub.url], "guessed");
    await stranger.execute(insert, ["1", "Guessed"]);
    const page = open("with a token", [hub.url], token);
    await page.execute(insert, ["2", "Known"]);
    await until(() => hub.sqlite("SELECT group_concat(title) FROM notes") === "Known");
    const told = `http://127.0.0.1:${hub.port}/metrics?token=${encodeURIComponent(token)}`;
    await until(async () => /^tandem_links_refused_total\S* [1-9]/m.test(await (await fetch(told)).text()));
    expect(hub.sqlite("SELECT count(*) FROM notes")).toBe("1");
    await page.shutDown();
    await stranger.shutDown();
    await hub.end();
    rmSync(folder, { recursive: true });
  });

  // Both sides write what they like while they can't hear each other: the same core has to come to the same end.
  it.each([1, 2, 3])("ends like a node after a random history, seed %i", async (seed) => {
    const random = generator(seed);
    const hub = await NodeProcess.start();
    await hub.kill();
    const name = `random ${seed}`;
    const page = open(name, [hub.url]);
    for (let i = 0; i < 60; i++) {
      const { sql, parameters } = anyWrite(random, "page", i);
      await page.execute(sql, parameters);
    }
    const others = Array.from({ length: 60 }, (_, i) => {
      const { sql, parameters } = anyWrite(random, "hub", i);
      return sql.replaceAll("?", () => literal(parameters.shift() ?? null));
    });
    hub.sqlite(`${others.join(";")};`);
    await hub.run();
    const level = () => execFileSync(program, ["digest", hub.database], { encoding: "utf8" }).trim();
    await until(async () => level().includes(await page.digest()));
    expect(JSON.stringify(await page.status())).toContain("linked");
    await page.shutDown();
    await hub.end();
  });
});

/** A small generator of numbers below `n`, the same for the same seed. */
function generator(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** Few keys and few titles, so that cells, rows and the UNIQUE constraint meet. */
function anyWrite(random: (n: number) => number, who: string, i: number) {
  const id = `k${random(12)}`;
  const title = random(3) === 0 ? `title ${random(8)}` : `${who} ${i}`;
  const ways: { sql: string; parameters: (string | number | null)[] }[] = [
    { sql: "INSERT OR IGNORE INTO notes(id, title, stars) VALUES(?, ?, ?)", parameters: [id, title, random(5)] },
    { sql: "UPDATE OR IGNORE notes SET title = ? WHERE id = ?", parameters: [title, id] },
    { sql: "UPDATE notes SET stars = ? WHERE id = ?", parameters: [random(100), id] },
    { sql: "DELETE FROM notes WHERE id = ?", parameters: [id] },
  ];
  return ways[random(ways.length)] as (typeof ways)[number];
}

const literal = (value: string | number | null) => (typeof value === "string" ? `'${value}'` : String(value));
