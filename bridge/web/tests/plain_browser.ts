import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { browserFlags, executablePath } from "./browser";
import { until } from "./node_process";

/** Chromium as a user starts it: Playwright's own way to do so keeps tabs in the background from being throttled and frozen. */
export class PlainBrowser {
  private constructor(
    private readonly browser: Browser,
    private readonly child: ChildProcess,
  ) {}

  /** `profile`: a folder for what the browser keeps. */
  static async start(profile: string): Promise<PlainBrowser> {
    const flags = ["--headless=new", "--no-startup-window", "--remote-debugging-port=0", `--user-data-dir=${profile}`];
    const child = spawn(executablePath, [...browserFlags, ...flags], { stdio: "ignore" });
    const told = `${profile}/DevToolsActivePort`;
    try {
      await until(() => existsSync(told) && readFileSync(told, "utf8").includes("\n"));
      const [port] = readFileSync(told, "utf8").split("\n");
      const options = { noDefaults: true };
      return new PlainBrowser(await chromium.connectOverCDP(`http://127.0.0.1:${port}`, options), child);
    } catch (reason) {
      child.kill();
      throw reason;
    }
  }

  newPage(): Promise<Page> {
    return this.context.newPage();
  }

  /** What the browser's own developer tools can do to a tab. */
  async crash(page: Page): Promise<void> {
    await (await this.context.newCDPSession(page)).send("Page.crash").catch(() => {}); // Nobody is left to answer.
  }

  async setState(page: Page, state: "frozen" | "active"): Promise<void> {
    await (await this.context.newCDPSession(page)).send("Page.setWebLifecycleState", { state });
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    const session = await this.browser.newBrowserCDPSession();
    await session.send("Browser.close").catch(() => {}); // It may be gone before it answers.
    await ended;
  }

  private get context(): BrowserContext {
    return this.browser.contexts()[0] as BrowserContext;
  }
}
