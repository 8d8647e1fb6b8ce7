import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { executablePath } from "../browser";
import { NodeProcess, program, until } from "../node_process";
import { execute, LocalSite, type LocalWindow, titles } from "./local_site";

describe.runIf(existsSync(executablePath))("several tabs with one database in Chromium", () => {
  let site: LocalSite;
  let hub: NodeProcess;
  let database = "";
  let databases = 0;
  const pages: Page[] = [];
  /** Writes that were answered, by tab. */
  const answered = new Map<Page, Set<string>>();

  const open = async (isDeaf = false) => {
    const page = await site.open(database, hub.url, isDeaf);
    pages.push(page);
    const ids = new Set<string>();
    answered.set(page, ids);
    await page.exposeFunction("answered", (id: string) => ids.add(id));
    return page;
  };
  const answers = (page: Page) => answered.get(page)?.size ?? 0;
  const openings = (page: Page) => page.evaluate(() => (window as unknown as LocalWindow).openings);
  const shown = (page: Page) =>
    page.evaluate(() => (window as unknown as LocalWindow).live.snapshot.rows.map(({ title }) => title));
  const digest = (page: Page) => page.evaluate(() => (window as unknown as LocalWindow).db.digest());

  /** One after the other, each a row and a step of the counter that the row `total` has. */
  const write = (page: Page, who: string, count: number) =>
    page.evaluate(
      async ([name, most]) => {
        const { db, answered } = window as unknown as LocalWindow;
        for (let i = 0; i < most; i++) {
          const id = `${name} ${String(i).padStart(4, "0")}`;
          await db.execute([
            { sql: "INSERT INTO notes(id, title) VALUES(?, ?)", parameters: [id, id] },
            { sql: "UPDATE notes SET stars = stars + 1 WHERE id = 'total'", parameters: [] },
          ]);
          answered(id);
        }
      },
      [who, count] as const,
    );
  const begin = (page: Page) => execute(page, "INSERT INTO notes(id, title, stars) VALUES('total', 'total', 0)");

  /** All that any tab was told of is there, once, whole, and at the hub too. */
  const check = async (page: Page) => {
    const rows = await titles(page);
    expect(new Set(rows).size).toBe(rows.length);
    for (const ids of answered.values()) for (const id of ids) expect(rows).toContain(id);
    const counted = await page.evaluate(async () => {
      const { db } = window as unknown as LocalWindow;
      return (await db.query<{ stars: number }>("SELECT stars FROM notes WHERE id = 'total'")).rows[0]?.stars;
    });
    expect(counted).toBe(rows.length - 1);
    await until(async () => JSON.stringify(await shown(page)) === JSON.stringify(rows));
    await hub.run();
    await until(async () => {
      const there = execFileSync(program, ["digest", hub.database], { encoding: "utf8" });
      return there.includes(await digest(page));
    });
    expect(hub.sqlite("SELECT count(*) FROM notes")).toBe(String(rows.length));
    expect(hub.sqlite("SELECT count(*) FROM tandem_conflicts")).toBe("0");
    execFileSync(program, ["verify", hub.database], { stdio: "pipe" });
  };

  beforeAll(async () => {
    site = await LocalSite.start();
  });
  afterAll(() => site?.end());
  beforeEach(async () => {
    database = `tabs ${++databases}`;
    hub = await NodeProcess.start();
    await hub.kill();
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.close();
    answered.clear();
    await hub.end();
  });

  it("work at once without any node, see each other's writes, and sync when one appears", async () => {
    const first = await open();
    await begin(first);
    const second = await open();
    await Promise.all([write(first, "first", 40), write(second, "second", 40)]);
    for (const page of [first, second]) await until(async () => (await shown(page)).length === 81);
    expect([await openings(first), await openings(second)]).toEqual([1, 0]);
    expect(await digest(second)).toBe(await digest(first));
    await check(second);
    hub.sqlite("INSERT INTO notes(id, title) VALUES('hub', 'Of the hub')");
    for (const page of [first, second]) await until(async () => (await shown(page)).includes("Of the hub"), 60_000);
  }, 400_000);

  it.each(["closed", "loaded anew", "crashed"])(
    "go on when the owner is %s in the middle of writing",
    async (how) => {
      const first = await open();
      await begin(first);
      const [second, third] = [await open(), await open()];
      const writing = [write(second, "second", 150), write(third, "third", 150)];
      void write(first, "first", 10_000).catch(() => {}); // It does not come to an end.
      await until(() => [first, second, third].every((page) => answers(page) >= 20), 60_000);
      if (how === "closed") await first.close();
      else if (how === "loaded anew") await first.reload();
      else void site.crash(first);
      await Promise.all(writing);
      expect([answers(second), answers(third)]).toEqual([150, 150]);
      const taken = [await openings(second), await openings(third)];
      expect(taken.sort()).toEqual([0, 1]);
      await check(second);
    },
    400_000,
  );

  it("take over from an owner that is frozen, which follows when it comes back", async () => {
    const first = await open();
    await begin(first);
    const second = await open();
    await write(second, "before", 10);
    await site.setState(first, "frozen");
    await write(second, "second", 50);
    expect(await openings(second)).toBe(1);
    await site.setState(first, "active");
    await Promise.all([write(first, "first", 50), write(second, "third", 50)]);
    expect([await openings(first), await openings(second)]).toEqual([1, 1]);
    await check(first);
  }, 400_000);

  it("take over from an owner that is frozen unawares, and none of what it still believes gets in", async () => {
    const first = await open(true);
    await begin(first);
    const second = await open();
    const going = write(first, "first", 200);
    void going.catch(() => {});
    await until(() => answers(first) >= 20);
    await site.setState(first, "frozen");
    await write(second, "second", 100); // Until the owner has been silent for long enough, this waits.
    expect(await openings(second)).toBe(1);
    await site.setState(first, "active");
    await Promise.all([going, write(second, "third", 50)]);
    expect([await openings(first), await openings(second)]).toEqual([1, 1]);
    await check(first);
    expect(await digest(second)).toBe(await digest(first));
  }, 400_000);
});
