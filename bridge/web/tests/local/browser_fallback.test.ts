import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { describe, expect, it } from "vitest";
import { browserFlags, executablePath, repository } from "../browser";
import { NodeProcess, until } from "../node_process";

describe.runIf(existsSync(executablePath))("the demo with a node of its own", () => {
  it("goes on alone while the node is away, and brings what was typed then", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tandem-fallback-"));
    execFileSync("npm", ["run", "--silent", "demo", "--", "--outDir", folder], {
      cwd: `${repository}bridge/web`,
      stdio: "pipe",
    });
    const schema = readFileSync(`${repository}demos/web/schema.sql`, "utf8");
    const node = await NodeProcess.start(["--www", folder], schema);
    const browser = await chromium.launch({ executablePath, args: browserFlags });
    try {
      const page = await browser.newPage();
      const troubles: string[] = [];
      page.on("pageerror", (error) => troubles.push(error.message));
      await page.goto(`http://127.0.0.1:${node.port}/`);
      await page.getByRole("button", { name: "Welcome" }).click();
      const way = page.getByLabel("Reached by");
      const text = page.getByLabel("Text");
      const type = async (words: string) => {
        await text.fill(words);
        await page
          .locator(".field", { has: page.locator("textarea") })
          .getByText("Saved")
          .waitFor();
      };
      expect(await way.inputValue()).toBe("websocket");
      await type("with the node");
      await until(() => node.sqlite("SELECT body FROM notes") === "with the node");
      // What the page's own node has by now is what there is to go on with.
      await until(() => JSON.stringify(JSON.parse(node.status())).includes("a page"));
      await node.kill();
      await until(async () => (await way.inputValue()) === "local", 20_000);
      await until(async () => (await text.inputValue()) === "with the node");
      await type("and all alone");
      expect(node.sqlite("SELECT body FROM notes")).toBe("with the node");
      await node.run();
      await until(() => node.sqlite("SELECT body FROM notes") === "and all alone", 20_000);
      await until(async () => (await way.inputValue()) === "websocket", 60_000);
      await until(async () => (await text.inputValue()) === "and all alone");
      await type("with the node again");
      await until(() => node.sqlite("SELECT body FROM notes") === "with the node again");
      expect(troubles).toEqual([]);
    } finally {
      await browser.close();
      await node.end();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 180_000);
});
