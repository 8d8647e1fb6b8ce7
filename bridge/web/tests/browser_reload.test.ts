import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { describe, expect, it } from "vitest";
import { browserFlags, executablePath, repository } from "./browser";
import { NodeProcess, until } from "./node_process";

describe.runIf(existsSync(executablePath))("the demo while its node is away", () => {
  it("can be loaded anew and opened in another tab, and keeps what is written there", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tandem-reload-"));
    execFileSync("npm", ["run", "--silent", "demo", "--", "--outDir", folder], {
      cwd: `${repository}bridge/web`,
      stdio: "pipe",
    });
    const node = await NodeProcess.start(["--www", folder], readFileSync(`${repository}demos/web/schema.sql`, "utf8"));
    const browser = await chromium.launch({ executablePath, args: browserFlags });
    try {
      const context = await browser.newContext();
      const page = await context.newPage();
      const address = `http://127.0.0.1:${node.port}/`;
      await page.goto(address);
      await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
      await node.kill();
      const add = async (title: string) => {
        await page.getByLabel("New task").fill(title);
        await page.getByRole("button", { name: "Add" }).click();
      };
      await page.reload();
      await add("Made with no node");
      await page.getByText("1 edit waits here").waitFor();
      await page.reload();
      await page.getByText("1 edit waits here").waitFor();
      const other = await context.newPage();
      await other.goto(address);
      await other.getByText("1 edit waits here").waitFor();
      await add("And one more");
      await other.getByText("2 edits wait here").waitFor();
      await node.run();
      const titles = () =>
        node.sqlite("SELECT title FROM tasks WHERE title <> 'Tick me in one window, look at the other'");
      await until(
        () => titles() === "And one more\nMade with no node" || titles() === "Made with no node\nAnd one more",
        20_000,
      );
      for (const each of [page, other])
        await until(async () => (await each.getByText(/edits? waits? here/).count()) === 0);
      // The node's own pages are no files of the page's.
      const metrics = await page.evaluate(() => fetch("/metrics").then(({ status }) => status));
      expect(metrics).toBe(200);
      await page.reload();
      await page.getByRole("button", { name: "Welcome" }).waitFor();
    } finally {
      await browser.close();
      await node.end();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 90_000);
});
