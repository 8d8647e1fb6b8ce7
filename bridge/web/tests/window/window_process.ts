import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocketProvider } from "../../src";
import type { BridgeReport } from "../../src/validation";
import { contractSchema } from "../contract/provider_contract";
import { NodeProcess, program } from "../node_process";
import { DesktopWindow } from "./desktop_window";
import { type Task, windowTables } from "./tables";

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
    let window: DesktopWindow | undefined;
    let node: WebSocketProvider | undefined;
    let device: NodeProcess | undefined;
    try {
      this.prepare(task, wasmFolder);
      window = DesktopWindow.open(this.folder, this.database, this.page);
      node = new WebSocketProvider(await window.url);
      device = await NodeProcess.cloneOf(await window.url);
      await Promise.race([this.untilEnd(node, device), window.gone]);
      return await outcome(node);
    } finally {
      node?.close();
      await device?.end();
      await window?.close();
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
    }
  }

  private sqlite(sql: string): void {
    execFileSync("sqlite3", ["-cmd", ".timeout 30000", this.database, sql]);
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

  /** Meanwhile carries out what the page wants to be written by another program. */
  private async untilEnd(node: WebSocketProvider, device: NodeProcess): Promise<void> {
    const wanted = node.watch<{ id: string; sql: string; is_elsewhere: number }>(
      "SELECT id, sql, is_elsewhere FROM outside WHERE NOT is_done",
      [],
      { key: ["id"] },
    );
    const ends = node.watch<{ trouble: string | null }>("SELECT trouble FROM ends");
    const done = new Set<string>();
    try {
      await new Promise<void>((resolve, reject) => {
        wanted.subscribe(() => {
          for (const { id, sql, is_elsewhere } of wanted.snapshot.rows) {
            if (done.has(id)) continue;
            done.add(id);
            if (is_elsewhere) device.sqlite(sql);
            else this.sqlite(sql);
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
}
