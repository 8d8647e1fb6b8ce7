import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserFlags, executablePath, repository } from "./browser";
import { NodeProcess, until } from "./node_process";

/** The demo's page in a real browser, over a real node. */
describe.runIf(existsSync(executablePath))("the demo", () => {
  let browser: Browser;
  let node: NodeProcess;
  let first: Page;
  let second: Page;
  const troubles: string[] = [];
  const open = async () => {
    const page = await (await browser.newContext()).newPage();
    page.on("pageerror", (error) => troubles.push(error.message));
    await page.goto(`http://127.0.0.1:${node.port}/`);
    await page.getByRole("button", { name: "Welcome" }).click();
    return page;
  };
  const body = () => node.sqlite("SELECT body FROM notes WHERE id = 'welcome'");

  beforeAll(async () => {
    execFileSync("npm", ["run", "--silent", "demo"], { cwd: `${repository}bridge/web`, stdio: "pipe" });
    const schema = readFileSync(`${repository}demos/web/schema.sql`, "utf8");
    node = await NodeProcess.start(["--www", `${repository}demos/web/dist`], schema);
    browser = await chromium.launch({ executablePath, args: browserFlags });
    [first, second] = [await open(), await open()];
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await node?.end();
  });

  it("shows in one window what is typed in the other, and what sqlite3 writes", async () => {
    await first.getByLabel("Text").fill("typed in the first window");
    await until(async () => (await second.getByLabel("Text").inputValue()) === "typed in the first window");
    node.sqlite("UPDATE notes SET title = 'By sqlite3' WHERE id = 'welcome'");
    await until(async () => (await second.getByLabel("Title").inputValue()) === "By sqlite3");
    node.sqlite("UPDATE notes SET title = 'Welcome' WHERE id = 'welcome'");
    await second.getByRole("checkbox").click();
    await until(() => node.sqlite("SELECT is_done FROM tasks") === "1");
    await until(() => first.getByRole("checkbox").isChecked());
  });

  it("loses and doubles no keystroke when the node is killed in the middle, by either way", async () => {
    for (const way of ["HTTP", "WebSocket"]) {
      await first.getByLabel("Reached by").selectOption({ label: way });
      await first.getByLabel("Text").fill("");
      const typing = first
        .getByLabel("Text")
        .pressSequentially("the quick brown fox jumps over the lazy dog", { delay: 10 });
      await until(() => body().length > 5);
      await node.kill();
      await typing;
      await node.run();
      await until(() => body() === "the quick brown fox jumps over the lazy dog", 15_000);
      await first.getByText("Saved").waitFor();
      await until(async () => (await second.getByLabel("Text").inputValue()) === body(), 15_000);
    }
  }, 60_000);

  it("goes on after a reload", async () => {
    await second.reload();
    await second.getByRole("button", { name: "Welcome" }).click();
    await until(async () => (await second.getByLabel("Text").inputValue()) === body());
  });

  it.each(["light", "dark"] as const)("has nothing that axe objects to in %s", async (colorScheme) => {
    await first.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    await first.evaluate(axe);
    const found = await first.evaluate(async () => {
      const { axe } = globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      };
      return (await axe.run()).violations.map((each) => `${each.id}: ${each.nodes[0]?.html}`);
    });
    expect(found).toEqual([]);
    if (process.env.TANDEM_PICTURES)
      await first.screenshot({ path: `${process.env.TANDEM_PICTURES}/demo-${colorScheme}.png` });
  });

  it("raised no error in any page", () => expect(troubles).toEqual([]));
});
