import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LocalProvider } from "../../src/local";
import { browserFlags, executablePath, repository } from "../browser";
import { NodeProcess, schema, until } from "../node_process";

const wasmFolder = process.env.TANDEM_WASM ?? "";
const types: Record<string, string> = { js: "text/javascript", mjs: "text/javascript", wasm: "application/wasm" };

/** The page's script: a database of its own, on `window`. */
const script = (hub: string) => `
  import openModule from "/tandem.mjs";
  import { LocalProvider } from "/local.js";
  window.db = LocalProvider.open({
    database: "notes", module: openModule, locateFile: (name) => "/" + name, peers: ["${hub}"],
    schema: ${JSON.stringify(schema.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"))}, tables: ["notes"],
  }, { backoff: { firstMs: 10, mostMs: 100 } });
`;

describe.runIf(existsSync(executablePath))("a page's own database in Chromium", () => {
  const folder = mkdtempSync(join(tmpdir(), "tandem-local-"));
  let server: Server;
  let hub: NodeProcess;
  let browser: BrowserContext;
  const open = async (): Promise<Page> => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => "db" in window);
    return page;
  };
  const execute = (page: Page, sql: string) =>
    page.evaluate(async (text) => {
      await (window as unknown as { db: LocalProvider }).db.execute(text);
    }, sql);
  const titles = (page: Page) =>
    page.evaluate(async () => {
      const { db } = window as unknown as { db: LocalProvider };
      return (await db.query<{ title: string }>("SELECT title FROM notes ORDER BY id")).rows.map((row) => row.title);
    });

  beforeAll(async () => {
    execFileSync("npx", ["vite", "build", "--logLevel", "error", "--outDir", `${folder}/dist`], {
      cwd: `${repository}bridge/web`,
      stdio: "pipe",
    });
    hub = await NodeProcess.start();
    await hub.kill();
    server = createServer((request, response) => {
      const name = basename(request.url ?? "");
      if (name === "") {
        response.setHeader("content-type", "text/html");
        response.end(`<!doctype html><script type="module">${script(hub.url)}</script>`);
        return;
      }
      const path = [`${folder}/dist/${name}`, `${wasmFolder}/${name}`].find((each) => existsSync(each));
      response.setHeader("content-type", types[name.split(".").at(-1) ?? ""] ?? "text/plain");
      response.statusCode = path === undefined ? 404 : 200;
      response.end(path === undefined ? "" : readFileSync(path));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    browser = await chromium.launchPersistentContext(`${folder}/profile`, { executablePath, args: browserFlags });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    server?.close();
    await hub?.end();
    rmSync(folder, { recursive: true, force: true });
  });

  it("was written without a node, closed without warning, opened again, and syncs when a node appears", async () => {
    const first = await open();
    await execute(first, "INSERT INTO notes(id, title) VALUES('1', 'Written alone')");
    await first.close();
    const second = await open();
    expect(await titles(second)).toEqual(["Written alone"]);
    hub.sqlite("INSERT INTO notes(id, title) VALUES('2', 'Of the hub')");
    await hub.run();
    await until(
      async () => hub.sqlite("SELECT count(*) FROM notes") === "2" && (await titles(second)).length === 2,
      20_000,
    );
    // A second tab waits until the first one has gone.
    const third = await open();
    const waiting = titles(third);
    await second.close();
    expect(await waiting).toEqual(["Written alone", "Of the hub"]);
  }, 60_000);
});
