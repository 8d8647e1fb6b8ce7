import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserFlags, executablePath } from "./browser";
import { busyMs, program, until } from "./node_process";
import { canOpenWindow, DesktopWindow } from "./window/desktop_window";

const ticks = 30;
const schema = `PRAGMA journal_mode=WAL;
  CREATE TABLE ticks(writer TEXT NOT NULL, id INTEGER NOT NULL, at REAL NOT NULL, PRIMARY KEY(writer, id)) WITHOUT ROWID;
  CREATE TABLE figures(name TEXT PRIMARY KEY, value REAL) WITHOUT ROWID;
  CREATE TABLE troubles(what TEXT);`;

/** The page of the bench, which measures how soon it shows what others write; here it matters that it shows all. */
describe.runIf(canOpenWindow && existsSync(executablePath))("Chromium and a desktop window on one database", () => {
  const folder = mkdtempSync(join(tmpdir(), "tandem-together-"));
  const database = join(folder, "notes.db");
  let browser: Browser;
  let window: DesktopWindow;

  const sqlite = (sql: string) =>
    execFileSync("sqlite3", ["-cmd", `.timeout ${busyMs}`, database, sql], { encoding: "utf8" }).trim();
  const bothSaid = (what: string) =>
    until(() => {
      const troubles = sqlite("SELECT group_concat(what) FROM troubles");
      if (troubles) throw new Error(troubles);
      return sqlite(`SELECT count(*) FROM figures WHERE name IN ('browser ${what}', 'window ${what}')`) === "2";
    });

  beforeAll(async () => {
    const page = join(folder, "page");
    execFileSync("npm", ["run", "--silent", "bench", "--", "--outDir", page], { stdio: "pipe" });
    sqlite(schema);
    execFileSync(program, ["track", database, "ticks"], { stdio: "pipe" });
    const asked = `parts=together&ticks=${ticks}`;
    window = DesktopWindow.open(folder, database, page, ["--open", `?way=webview&me=window&${asked}`]);
    const url = (await window.url).replace("ws:", "http:");
    browser = await chromium.launch({ executablePath, args: browserFlags });
    await (await browser.newPage()).goto(`${url}?way=websocket&me=browser&${asked}`);
  });
  afterAll(async () => {
    await browser?.close();
    await window?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  });

  it("each show the other's edits and those of sqlite3, while all three write", async () => {
    await bothSaid("together_ready");
    sqlite("INSERT INTO figures VALUES('together begun', 1)");
    const program = spawn("sqlite3", ["-cmd", `.timeout ${busyMs}`, database], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    for (let id = 1; id <= ticks; id++)
      program.stdin.write(`INSERT INTO ticks VALUES('program', ${id}, ${Date.now()});\n`);
    program.stdin.end();
    // A page is done when it has shown the last one of each of the two others.
    await bothSaid("together_done");
    expect(sqlite("SELECT writer, count(*), max(id) FROM ticks GROUP BY writer ORDER BY writer")).toBe(
      ["browser", "program", "window"].map((writer) => `${writer}|${ticks}|${ticks}`).join("\n"),
    );
    for (const [page, writer] of [
      ["browser", "window"],
      ["window", "browser"],
    ])
      expect(Number(sqlite(`SELECT value FROM figures WHERE name = '${page} of ${writer} seen'`))).toBeGreaterThan(1); // An edit that the next one overtakes is not shown.
  });
});
