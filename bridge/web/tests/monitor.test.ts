import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserFlags, executablePath } from "./browser";
import { NodeProcess, until } from "./node_process";

const schema = "CREATE TABLE notes(id INTEGER PRIMARY KEY, title TEXT); INSERT INTO notes VALUES(1, 'first');";

/** The dashboard that the program carries, over two devices under a hub. */
describe.runIf(existsSync(executablePath))("the dashboard", () => {
  let browser: Browser;
  let hub: NodeProcess;
  let devices: NodeProcess[] = [];
  let page: Page;
  const troubles: string[] = [];
  const load = (node: NodeProcess, from: number) =>
    node.sqlite(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO notes SELECT ${from} + i, 'row ' || i FROM n`,
    );
  const picture = async (name: string) => {
    if (process.env.TANDEM_PICTURES)
      await page.screenshot({ path: `${process.env.TANDEM_PICTURES}/${name}.png`, fullPage: true });
  };

  beforeAll(async () => {
    hub = await NodeProcess.start(["--name", "hub"], schema, ["notes.title=ask"]);
    devices = [await hub.clone(["--name", "desk"]), await hub.clone(["--name", "phone"])];
    browser = await chromium.launch({ executablePath, args: browserFlags });
    page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
    page.on("pageerror", (error) => troubles.push(String(error)));
    page.on("console", (line) => line.type() === "error" && troubles.push(line.text()));
    await page.goto(`http://127.0.0.1:${hub.port}/monitor`);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    for (const each of devices) await each.end();
    await hub?.end();
  });

  it("shows both links, and where a change's time goes, while rows come in", async () => {
    await page.locator("#links td b", { hasText: "desk" }).waitFor();
    await page.locator("#links td b", { hasText: "phone" }).waitFor();
    devices.forEach((device, index) => {
      load(device, (index + 1) * 1_000_000);
    });
    await page.locator("#slowest").waitFor();
    await until(() => hub.sqlite("SELECT count(*) FROM notes") === "4001", 20_000);
    expect(await page.locator(".waterfall .bar").count()).toBeGreaterThan(5);
    await page.locator("#throughput canvas").waitFor();
    await page.locator("#actors td", { hasText: "arbiter" }).waitFor();
    await picture("monitor-load");
  }, 40_000);

  it("settles a conflict", async () => {
    const [desk] = devices as [NodeProcess, NodeProcess];
    await desk.kill();
    desk.sqlite("UPDATE notes SET title = '<b>desk</b>' WHERE id = 1");
    hub.sqlite("UPDATE notes SET title = 'hub' WHERE id = 1");
    await desk.run();
    const row = page.locator("#inbox tr", { hasText: "notes" });
    await row.first().waitFor();
    expect(await row.first().textContent()).toContain("<b>desk</b>");
    expect(await page.locator("#inbox b").count()).toBe(0);
    const before = hub.sqlite("SELECT title FROM notes WHERE id = 1");
    await picture("monitor-conflict");
    await row.first().getByRole("button", { name: "Take the other" }).click();
    await page.locator("#inbox").getByText("No conflicts.").waitFor();
    await until(() => hub.sqlite("SELECT title FROM notes WHERE id = 1") !== before);
    await page.getByLabel("Search the audit trail").fill("dashboard");
    await page.locator("#audit button").click();
    await page.locator("#audit td", { hasText: "by dashboard" }).waitFor();
    await page.getByLabel("Table").fill("notes");
    await page.getByLabel("Key").fill("1");
    await page.locator("#why button").click();
    await page.locator("#why p").first().waitFor();
  }, 40_000);

  it("pauses sync and resumes it, and follows changes by their trace ids", async () => {
    await page.locator("#traces code").first().waitFor();
    expect(await page.locator("#traces code").first().textContent()).toMatch(/^[0-9a-f]{32}$/);
    await page.getByRole("button", { name: "Pause sync" }).click();
    await page.locator('[data-rule="sync_paused"]').waitFor();
    const [desk] = devices as [NodeProcess, NodeProcess];
    desk.sqlite("UPDATE notes SET title = 'while it was paused' WHERE id = 1");
    await page.getByRole("button", { name: "Resume sync" }).click();
    await until(() => hub.sqlite("SELECT title FROM notes WHERE id = 1") === "while it was paused", 20_000);
    await page.getByRole("button", { name: "Pause sync" }).waitFor();
  }, 60_000);

  it("goes on to show while 10,000 changes a second flow by", async () => {
    const [desk] = devices as [NodeProcess, NodeProcess];
    const shown = () => page.locator("#state").textContent();
    const looks = new Set<string | null>();
    const count = () => Number(hub.sqlite("SELECT count(*) FROM notes"));
    const before = count();
    for (let burst = 0; burst < 20; burst++) {
      load(desk, 10_000_000 + burst * 10_000);
      looks.add(await shown());
    }
    await until(() => count() === before + 40_000, 30_000);
    await until(async () => {
      looks.add(await shown());
      return looks.size >= 3;
    }, 10_000);
    expect([...looks].every((text) => text?.startsWith("Live"))).toBe(true);
  }, 60_000);

  it("tells of a cut link, and what to do", async () => {
    await (devices[1] as NodeProcess).kill();
    await page.locator("#links .down", { hasText: "cut" }).waitFor();
    const alert = page.locator('[data-rule="link_down"]');
    await alert.waitFor({ timeout: 15_000 });
    expect(await alert.textContent()).toContain("phone");
    await page.emulateMedia({ colorScheme: "dark" });
    await picture("monitor-cut-dark");
    expect(troubles).toEqual([]);
  }, 40_000);
});
