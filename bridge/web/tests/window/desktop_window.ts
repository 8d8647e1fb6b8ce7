import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { program } from "../node_process";

export const windowProgram = process.env.TANDEM_WEBVIEW ?? join(dirname(program), "tandem_webview");
const xvfb = "/usr/bin/xvfb-run";
/** What it takes is not there on every machine. */
export const canOpenWindow = existsSync(windowProgram) && existsSync(xvfb);

/** A real WebKitGTK window over a database; nobody has to see it. */
export class DesktopWindow {
  private output = "";
  private readonly ended: Promise<void>;
  /** Rejects when the window is gone, whoever ended it. */
  readonly gone: Promise<never>;
  /** Of the window's node. */
  readonly url: Promise<string>;

  private constructor(private readonly child: ChildProcess) {
    this.ended = new Promise((resolve) => child.once("exit", () => resolve()));
    this.gone = this.ended.then(() => Promise.reject(new Error(`the window is gone: ${this.output}`)));
    this.gone.catch(() => {}); // Whoever waits for something of the window hears of it.
    this.url = Promise.race([this.ready(), this.gone]);
    process.once("exit", this.end);
  }

  /** `folder`: where WebKit may keep things. `options`: more of the program's. */
  static open(folder: string, database: string, www: string, options: readonly string[] = []): DesktopWindow {
    const command = ["-a", "dbus-run-session", "--", windowProgram, database, "--www", www, ...options];
    // WebKit's sandbox does not work for root, as in containers.
    const sandbox = process.getuid?.() === 0 ? { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" } : {};
    const places = { XDG_DATA_HOME: folder, XDG_CACHE_HOME: folder, GDK_BACKEND: "x11", NO_AT_BRIDGE: "1" };
    return new DesktopWindow(spawn(xvfb, command, { env: { ...process.env, ...sandbox, ...places }, detached: true }));
  }

  private ready(): Promise<string> {
    return new Promise((resolve) => {
      const note = (part: Buffer) => {
        this.output += part;
        const ready = /ready (ws:\S+)/.exec(this.output);
        if (ready?.[1]) resolve(ready[1]);
      };
      this.child.stdout?.on("data", note);
      this.child.stderr?.on("data", note);
    });
  }

  async close(): Promise<void> {
    process.removeListener("exit", this.end);
    if (this.end()) await this.ended;
  }

  /** The window with all that it has started: a group of its own, which does not end with us. */
  private readonly end = (): boolean => {
    const { pid, exitCode, signalCode } = this.child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return false;
    return process.kill(-pid, "SIGTERM");
  };
}
