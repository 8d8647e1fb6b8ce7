import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserFlags, executablePath, repository } from "./browser";
import { NodeProcess, until } from "./node_process";

/** Two devices with a page each, and a person at one of them. */
describe.runIf(existsSync(executablePath))("a conflict between two devices", () => {
  let browser: Browser;
  let hub: NodeProcess;
  let device: NodeProcess;
  const pages = new Map<NodeProcess, Page>();
  const title = (node: NodeProcess) => node.sqlite("SELECT title FROM notes WHERE id = 'welcome'");
  const pageOf = (node: NodeProcess) => pages.get(node) as Page;

  beforeAll(async () => {
    execFileSync("npm", ["run", "--silent", "demo"], { cwd: `${repository}bridge/web`, stdio: "pipe" });
    const schema = readFileSync(`${repository}demos/web/schema.sql`, "utf8");
    const www = ["--www", `${repository}demos/web/dist`];
    hub = await NodeProcess.start(www, schema, ["notes.title=ask"]);
    device = await hub.clone(www);
    browser = await chromium.launch({ executablePath, args: browserFlags });
    for (const node of [hub, device]) {
      const page = await (await browser.newContext()).newPage();
      await page.goto(`http://127.0.0.1:${node.port}/`);
      pages.set(node, page);
    }
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await device?.end();
    await hub?.end();
  });

  /** Both write the title while they do not hear of each other. */
  const collide = async (here: string, there: string) => {
    await device.kill();
    device.sqlite(`UPDATE notes SET title = '${there}' WHERE id = 'welcome'`);
    hub.sqlite(`UPDATE notes SET title = '${here}' WHERE id = 'welcome'`);
    await device.run();
    for (const node of [hub, device])
      await pageOf(node)
        .getByRole("button", { name: /^title of notes/ })
        .waitFor();
    await until(() => title(hub) === title(device));
    return title(hub) === here ? there : here;
  };
  const isSettledEverywhereAs = async (wanted: string) => {
    await until(() => title(hub) === wanted && title(device) === wanted);
    for (const node of [hub, device]) await pageOf(node).getByText("No conflicts.").waitFor();
  };

  it("is settled by mouse on one device, and gone on both", async () => {
    const loser = await collide("Milk", "Bread");
    const page = pageOf(device);
    await page.getByRole("button", { name: /^title of notes/ }).click();
    const dialog = page.getByRole("dialog");
    expect(await dialog.textContent()).toContain("Milk");
    expect(await dialog.textContent()).toContain("Bread");
    if (process.env.TANDEM_PICTURES) await page.screenshot({ path: `${process.env.TANDEM_PICTURES}/dialog.png` });
    await dialog.getByRole("button", { name: "Take this" }).click();
    await isSettledEverywhereAs(loser);
  }, 30_000);

  it("is settled by keyboard alone, after Escape put it off once", async () => {
    const loser = await collide("Tea", "Coffee");
    const page = pageOf(hub);
    await page.getByRole("button", { name: /^title of notes/ }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    for (let tabs = 0; tabs < 6 && (await focused()) !== "Take this"; tabs++) await page.keyboard.press("Tab");
    expect(await focused()).toBe("Take this");
    await page.keyboard.press("Enter");
    await isSettledEverywhereAs(loser);
  }, 30_000);
});
