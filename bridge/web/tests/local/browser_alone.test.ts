import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { describe, expect, it } from "vitest";
import { browserFlags, executablePath, repository } from "../browser";
import { NodeProcess, until } from "../node_process";

describe.runIf(existsSync(executablePath))("the demo with a node of its own", () => {
  it("opens with no other node at all, with the data it had, and works", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tandem-alone-"));
    execFileSync("npm", ["run", "--silent", "demo", "--", "--outDir", folder], {
      cwd: `${repository}bridge/web`,
      stdio: "pipe",
    });
    const node = await NodeProcess.start(["--www", folder], readFileSync(`${repository}demos/web/schema.sql`, "utf8"));
    const browser = await chromium.launch({ executablePath, args: browserFlags });
    try {
      const context = await browser.newContext();
      const address = `http://127.0.0.1:${node.port}/`;
      const before = await context.newPage();
      await before.goto(address);
      await before.evaluate(() => navigator.serviceWorker.ready.then(() => true));
      // What the page's own node has by now is what there is to go on with.
      await until(() => JSON.stringify(JSON.parse(node.status())).includes("a page"), 30_000);
      await before.close();
      await node.kill();
      const page = await context.newPage();
      await page.goto(address);
      await page.getByRole("button", { name: "Welcome" }).click();
      await until(async () => (await page.getByLabel("Reached by").inputValue()) === "local", 20_000);
      await page.getByLabel("Text").fill("with no node at all");
      const field = page.locator(".field", { has: page.locator("textarea") });
      await field.getByText("Saved").waitFor();
      expect(node.sqlite("SELECT body FROM notes")).not.toBe("with no node at all");
      await node.run();
      await until(() => node.sqlite("SELECT body FROM notes") === "with no node at all", 30_000);
    } finally {
      await browser.close();
      await node.end();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 180_000);
});
