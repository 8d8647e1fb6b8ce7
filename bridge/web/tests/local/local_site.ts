import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Page } from "playwright-core";
import type { LiveQuery } from "../../src";
import type { LocalProvider } from "../../src/local";
import { repository } from "../browser";
import { schema, until } from "../node_process";
import { PlainBrowser } from "../plain_browser";

const wasmFolder = process.env.TANDEM_WASM ?? "";
const types: Record<string, string> = { js: "text/javascript", mjs: "text/javascript", wasm: "application/wasm" };

/** What a page of the site has on `window`. */
export interface LocalWindow {
  readonly db: LocalProvider;
  readonly live: LiveQuery<{ id: string; title: string }>;
  /** How often the node was opened in this tab. */
  readonly openings: number;
  /** Given by the test: one more write of this tab was answered. */
  readonly answered: (id: string) => void;
}

/** The page's script. `deaf`: it does not hear that it is frozen, like in browsers that don't tell. */
const script = `
  import openModule from "/tandem.mjs";
  import { LocalProvider } from "/local.js";
  const given = new URLSearchParams(location.search);
  if (given.has("deaf")) document.addEventListener("freeze", (event) => event.stopImmediatePropagation());
  window.openings = 0;
  window.db = LocalProvider.open({
    database: given.get("database"),
    module: (options) => {
      window.openings++;
      return openModule(options);
    },
    locateFile: (name) => "/" + name,
    peers: given.getAll("hub"),
    schema: ${JSON.stringify(schema.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"))}, tables: ["notes"],
  }, { backoff: { firstMs: 10, mostMs: 100 } });
  window.live = db.watch("SELECT id, title FROM notes ORDER BY id", [], { key: ["id"] });
`;

/** A site whose pages have a database of their own, and a browser that keeps it. */
export class LocalSite {
  private constructor(
    private readonly folder: string,
    private readonly address: string,
    private readonly browser: PlainBrowser,
    private readonly stop: () => void,
  ) {}

  /** `profile`: a folder for what the browser keeps, instead of one that goes with the site. */
  static async start(profile?: string): Promise<LocalSite> {
    const folder = mkdtempSync(join(tmpdir(), "tandem-local-"));
    execFileSync("npx", ["vite", "build", "--logLevel", "error", "--outDir", `${folder}/dist`], {
      cwd: `${repository}bridge/web`,
      stdio: "pipe",
    });
    const server = createServer((request, response) => {
      const name = basename(new URL(request.url ?? "/", "http://site").pathname);
      if (name === "") {
        response.setHeader("content-type", "text/html");
        response.end(`<!doctype html><script type="module">${script}</script>`);
        return;
      }
      const path = [`${folder}/dist/${name}`, `${wasmFolder}/${name}`].find((each) => existsSync(each));
      response.setHeader("content-type", types[name.split(".").at(-1) ?? ""] ?? "text/plain");
      response.statusCode = path === undefined ? 404 : 200;
      response.end(path === undefined ? "" : readFileSync(path));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const browser = await PlainBrowser.start(profile ?? `${folder}/profile`);
    return new LocalSite(folder, `http://127.0.0.1:${port}/`, browser, () => server.close());
  }

  /** One more tab. */
  async open(database: string, hub: string, isDeaf = false): Promise<Page> {
    const page = await this.browser.newPage();
    const query = new URLSearchParams({ database, hub, ...(isDeaf && { deaf: "" }) });
    await page.goto(`${this.address}?${query}`);
    await until(() => page.evaluate(() => "live" in window));
    return page;
  }

  crash(page: Page): Promise<void> {
    return this.browser.crash(page);
  }

  setState(page: Page, state: "frozen" | "active"): Promise<void> {
    return this.browser.setState(page, state);
  }

  async end(): Promise<void> {
    await this.browser.end();
    this.stop();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  }
}

export const execute = (page: Page, sql: string) =>
  page.evaluate(async (text) => {
    await (window as unknown as LocalWindow).db.execute(text);
  }, sql);

export const titles = (page: Page) =>
  page.evaluate(async () => {
    const { db } = window as unknown as LocalWindow;
    return (await db.query<{ title: string }>("SELECT title FROM notes ORDER BY id")).rows.map((row) => row.title);
  });
