import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { browserFlags, executablePath, repository } from "./browser";
import { NodeProcess, until } from "./node_process";
import type { TransactionPage } from "./transaction_page/page";

/** A page that goes away in the middle of an interactive transaction, which keeps all other writers waiting. */
describe.runIf(existsSync(executablePath))("a page in the middle of a transaction", () => {
  const folder = mkdtempSync(join(tmpdir(), "tandem-transaction-"));
  /** Far beyond what the tests wait: that it ran out can't be why others may write. */
  const longMs = 30_000;
  /** Long enough to look at it, and less than another page waits for its turn. */
  const shortMs = 6_000;
  let node: NodeProcess;
  let browser: Browser;
  let context: BrowserContext;

  beforeAll(async () => {
    const root = `${repository}bridge/web/tests/transaction_page`;
    await build({
      root,
      base: "./",
      configFile: false,
      logLevel: "warn",
      build: { outDir: folder, emptyOutDir: true, target: "es2022", modulePreload: false },
    });
    node = await NodeProcess.start(["--www", folder], "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL)");
    browser = await chromium.launch({ executablePath, args: browserFlags });
  });
  afterAll(async () => {
    await browser?.close();
    await node?.end();
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  });
  beforeEach(async () => {
    node.sqlite("DELETE FROM notes");
    context = await browser.newContext();
  });
  afterEach(() => context.close());

  type Scope = { readonly page: TransactionPage };
  const open = async (way: string) => {
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${node.port}/?way=${way}`);
    return page;
  };
  const stateOf = (page: Page) =>
    page.evaluate(() => {
      const { isOpen, tries, end } = (globalThis as unknown as Scope).page;
      return { isOpen, tries, end };
    });
  const begin = async (page: Page, limitMs: number) => {
    await page.evaluate((ms) => (globalThis as unknown as Scope).page.begin(ms), limitMs);
    await until(async () => (await stateOf(page)).isOpen);
    expect(() => node.sqlite("PRAGMA busy_timeout = 1; DELETE FROM notes")).toThrow(/locked/);
  };
  const goOn = (page: Page) => page.evaluate(() => (globalThis as unknown as Scope).page.goOn());
  const ids = () => node.sqlite("SELECT id FROM notes ORDER BY id");
  /** By another page, which waits its turn at the node. */
  const writeElsewhere = async (elsewhere: Page) => {
    await elsewhere.evaluate(() =>
      (globalThis as unknown as Scope).page.write("INSERT INTO notes(id) VALUES('by another page')"),
    );
    expect(ids()).toBe("by another page");
  };
  const worksAgain = async (page: Page) => {
    await begin(page, longMs);
    await goOn(page);
    await until(async () => (await stateOf(page)).end !== "");
    const { end, tries } = await stateOf(page);
    expect(end).toBe("done");
    expect(ids()).toBe(`begun by try ${tries}\nby another page\nended by try ${tries}`);
  };

  it("that is reloaded leaves nothing of it, lets others write, and can begin again", async () => {
    const [page, elsewhere] = [await open("websocket"), await open("websocket")];
    await begin(page, longMs);
    await page.reload();
    await writeElsewhere(elsewhere);
    await worksAgain(page);
  });

  it("that is closed leaves nothing of it, and lets others write", async () => {
    const [page, elsewhere] = [await open("websocket"), await open("websocket")];
    await begin(page, longMs);
    await page.close();
    await writeElsewhere(elsewhere);
    await worksAgain(elsewhere);
  });

  it.each(["websocket", "http"])(
    "that stalls holds nobody up beyond its limit, hears so when it goes on, and can begin again (%s)",
    async (way) => {
      const [page, elsewhere] = [await open(way), await open(way)];
      await begin(page, shortMs);
      await writeElsewhere(elsewhere);
      await goOn(page);
      await until(async () => (await stateOf(page)).end === "deadline");
      expect(ids()).toBe("by another page");
      await worksAgain(page);
    },
  );

  it("that is reloaded over HTTP, where nobody hears of it, holds others up to its limit at most", async () => {
    const [page, elsewhere] = [await open("http"), await open("http")];
    await begin(page, shortMs);
    await page.reload();
    await writeElsewhere(elsewhere);
    await worksAgain(page);
  });
});
