import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { WebSocketProvider } from "../../src";
import type { BridgeReport } from "../../src/validation";
import { contractSchema } from "../contract/provider_contract";
import { program } from "../node_process";
import { type Task, windowTables } from "./tables";

export const windowProgram = process.env.TANDEM_WEBVIEW ?? join(dirname(program), "tandem_webview");
const xvfb = "/usr/bin/xvfb-run";
/** What it takes is not there on every machine. */
export const canOpenWindow = existsSync(windowProgram) && existsSync(xvfb);

export interface ContractResult {
  readonly way: string;
  readonly name: string;
  readonly trouble: string | null;
}

/** A real WebKitGTK window with the page beside this, over a database of its own; nobody has to see it. */
export class WindowProcess {
  private readonly folder = mkdtempSync(join(tmpdir(), "tandem-window-"));
  private readonly database = join(this.folder, "notes.db");
  private readonly page = join(this.folder, "page");
  private child: ChildProcess | null = null;
  private output = "";

  /** Runs the task to its end, whatever that is, and takes the window away. */
  static async contract(ways: readonly string[], wasmFolder = ""): Promise<readonly ContractResult[]> {
    return new WindowProcess().run({ what: "contract", ways, scale: 1 }, wasmFolder, (node) =>
      node.query<ContractResult>("SELECT way, name, trouble FROM results").then(({ rows }) => rows),
    );
  }

  static async validate(ways: readonly string[], scale: number, wasmFolder = ""): Promise<BridgeReport> {
    return new WindowProcess().run({ what: "validate", ways, scale }, wasmFolder, async (node) => {
      const { rows } = await node.query<{ report: string }>("SELECT report FROM reports");
      return JSON.parse(rows[0]?.report ?? "null") as BridgeReport;
    });
  }

  private async run<T>(task: Task, wasmFolder: string, outcome: (node: WebSocketProvider) => Promise<T>): Promise<T> {
    try {
      this.prepare(task, wasmFolder);
      const node = new WebSocketProvider(await this.open());
      try {
        await this.untilEnd(node);
        return await outcome(node);
      } finally {
        node.close();
      }
    } finally {
      await this.close();
    }
  }

  private sqlite(sql: string): void {
    execFileSync("sqlite3", ["-cmd", ".timeout 5000", this.database, sql]);
  }

  private prepare({ what, ways, scale }: Task, wasmFolder: string): void {
    const web = new URL("../..", import.meta.url).pathname;
    const build = ["vite", "build", "--config", "vite.window.config.ts", "--logLevel", "error", "--outDir", this.page];
    execFileSync("npx", build, { cwd: web, stdio: "pipe" });
    if (wasmFolder !== "")
      for (const name of ["tandem.mjs", "tandem.wasm"]) copyFileSync(join(wasmFolder, name), join(this.page, name));
    this.sqlite(`PRAGMA journal_mode=WAL; ${contractSchema} ${windowTables}`);
    this.sqlite(`INSERT INTO task VALUES('${what}', '${ways.join(",")}', ${scale})`);
    execFileSync(program, ["track", this.database, "notes"], { stdio: "pipe" });
  }

  /** Resolves with the address of the window's node. */
  private open(): Promise<string> {
    const command = ["-a", "dbus-run-session", "--", windowProgram, this.database, "--www", this.page];
    // WebKit's sandbox does not work for root, as in containers.
    const sandbox = process.getuid?.() === 0 ? { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" } : {};
    const places = { XDG_DATA_HOME: this.folder, XDG_CACHE_HOME: this.folder, GDK_BACKEND: "x11", NO_AT_BRIDGE: "1" };
    const child = spawn(xvfb, command, { env: { ...process.env, ...sandbox, ...places }, detached: true });
    this.child = child;
    process.once("exit", this.end);
    return new Promise((resolve, reject) => {
      const note = (part: Buffer) => {
        this.output += part;
        const ready = /ready (ws:\S+)/.exec(this.output);
        if (ready?.[1]) resolve(ready[1]);
      };
      child.stdout.on("data", note);
      child.stderr.on("data", note);
      child.once("exit", () => reject(new Error(`the window is gone: ${this.output}`)));
    });
  }

  /** Meanwhile carries out what the page wants to be written by another program. */
  private async untilEnd(node: WebSocketProvider): Promise<void> {
    const wanted = node.watch<{ id: string; sql: string }>("SELECT id, sql FROM outside WHERE NOT is_done", [], {
      key: ["id"],
    });
    const ends = node.watch<{ trouble: string | null }>("SELECT trouble FROM ends");
    const done = new Set<string>();
    try {
      await new Promise<void>((resolve, reject) => {
        this.child?.once("exit", () => reject(new Error(`the window is gone: ${this.output}`)));
        wanted.subscribe(() => {
          for (const { id, sql } of wanted.snapshot.rows) {
            if (done.has(id)) continue;
            done.add(id);
            this.sqlite(sql);
            this.sqlite(`UPDATE outside SET is_done = 1 WHERE id = '${id}'`);
          }
        });
        ends.subscribe(() => {
          const [end] = ends.snapshot.rows;
          if (end) end.trouble === null ? resolve() : reject(new Error(`the page failed: ${end.trouble}`));
        });
      });
    } finally {
      wanted.close();
      ends.close();
    }
  }

  /** The window with all that it has started: a group of its own, which does not end with us. */
  private readonly end = (): boolean => {
    const { child } = this;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return false;
    return process.kill(-child.pid, "SIGTERM");
  };

  private async close(): Promise<void> {
    process.removeListener("exit", this.end);
    const ended = new Promise((resolve) => this.child?.once("exit", resolve));
    if (this.end()) await ended;
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
