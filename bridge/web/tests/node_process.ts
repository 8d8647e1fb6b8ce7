import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The program, as the other tests of the repository find it. */
export const program = process.env.TANDEM ?? new URL("../../../build/tandem", import.meta.url).pathname;

export const schema =
  "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL DEFAULT '', stars, UNIQUE(title)) WITHOUT ROWID;";

/** How long another process waits for a node that is writing. */
export const busyMs = 30_000;

/** A real node on a database of its own; can be killed and started again. */
export class NodeProcess {
  readonly folder = mkdtempSync(join(tmpdir(), "tandem-web-"));
  readonly database = join(this.folder, "notes.db");
  private child: ChildProcess | null = null;

  private constructor(
    readonly port: number,
    private readonly options: readonly string[],
  ) {}

  static async start(
    options: readonly string[] = [],
    tables = schema,
    policies: readonly string[] = [],
  ): Promise<NodeProcess> {
    const node = new NodeProcess(await freePort(), options);
    node.sqlite(`PRAGMA journal_mode=WAL; ${tables}`);
    execFileSync(program, ["track", node.database, "--all", ...policies.flatMap((policy) => ["--policy", policy])], {
      stdio: "pipe",
    });
    await node.run();
    return node;
  }

  /** Another device, kept in step with this node whenever both run. */
  clone(options: readonly string[] = []): Promise<NodeProcess> {
    return NodeProcess.cloneOf(this.url, options);
  }

  static async cloneOf(url: string, options: readonly string[] = []): Promise<NodeProcess> {
    const device = new NodeProcess(await freePort(), [...options, "--peer", url]);
    execFileSync(program, ["clone", url, device.database], { stdio: "pipe" });
    await device.run();
    return device;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/`;
  }

  /** By another process, with stock SQLite. */
  sqlite(sql: string): string {
    return execFileSync("sqlite3", ["-cmd", `.timeout ${busyMs}`, this.database, sql], { encoding: "utf8" }).trim();
  }

  async run(): Promise<void> {
    const child = spawn(program, ["serve", this.database, "--listen", `127.0.0.1:${this.port}`, ...this.options], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    let output = "";
    const note = (part: Buffer) => {
      output += part;
    };
    child.stdout?.on("data", note);
    child.stderr?.on("data", note);
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`the node ended: ${output}`);
      return await fetch(`http://127.0.0.1:${this.port}/`).then(
        () => true,
        () => false,
      );
    });
  }

  /** Without warning, as a crash would. */
  async kill(): Promise<void> {
    const child = this.child;
    this.child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  /** As `tandem status --json` tells it. */
  status(): string {
    return execFileSync(program, ["status", this.database, "--json"], { encoding: "utf8" });
  }

  /** Takes its time away, and gives it back: it keeps its connections, and says nothing. */
  freeze(): void {
    this.child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.child?.kill("SIGCONT");
  }

  /** Another process writes, and does not come to an end until the returned function is called. */
  async lock(): Promise<() => Promise<void>> {
    const writer = spawn("sqlite3", ["-bail", "-cmd", `.timeout ${busyMs}`, this.database], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    const ended = new Promise<void>((resolve) => writer.once("exit", () => resolve()));
    await new Promise<void>((resolve, reject) => {
      writer.stdout.once("data", () => resolve());
      writer.once("exit", () => reject(new Error("another process could not get the lock")));
      writer.stdin.write("BEGIN IMMEDIATE; SELECT 1;\n");
    });
    return () => {
      writer.stdin.end("ROLLBACK;\n");
      return ended;
    };
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function until(condition: () => boolean | Promise<boolean>, withinMs = 30_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`it did not come about within ${withinMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
