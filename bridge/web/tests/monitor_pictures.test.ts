import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, it } from "vitest";
import { browserFlags, executablePath } from "./browser";
import { NodeProcess, until } from "./node_process";

const folder = process.env.TANDEM_PICTURES;
const schema = `CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, title TEXT) WITHOUT ROWID;
  INSERT INTO notes VALUES('trip', 'Trip to the coast');
  CREATE TABLE readings(id INTEGER PRIMARY KEY, place TEXT, value REAL);`;

/** The dashboard's pictures for the docs: TANDEM_PICTURES=../../docs/pictures npx vitest run tests/monitor_pictures.test.ts */
describe.runIf(folder && existsSync(executablePath))("the dashboard's pictures", () => {
  let browser: Browser;
  let hub: NodeProcess;
  let devices: NodeProcess[] = [];
  let page: Page;
  const shoot = async (name: string, height: number, colorScheme: "light" | "dark" = "light") => {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width: 1180, height });
    // The charts are drawn anew in their colours with the next report.
    const since = await page.locator("#since").textContent();
    await until(async () => (await page.locator("#since").textContent()) !== since);
    await page.screenshot({ path: `${folder}/${name}.png` });
  };

  beforeAll(async () => {
    hub = await NodeProcess.start(["--name", "hub"], schema, ["notes.title=ask"]);
    devices = [await hub.clone(["--name", "desk"]), await hub.clone(["--name", "phone"])];
    browser = await chromium.launch({ executablePath, args: browserFlags });
    page = await (await browser.newContext({ viewport: { width: 1180, height: 900 } })).newPage();
    await page.goto(`http://127.0.0.1:${hub.port}/monitor`);
  });
  afterAll(async () => {
    await browser?.close();
    for (const each of devices) await each.end();
    await hub?.end();
  });

  it("shows two devices under load, an open conflict, and where the time goes", async () => {
    const [desk] = devices as [NodeProcess, NodeProcess];
    await desk.kill();
    desk.sqlite("UPDATE notes SET title = 'Trip to the sea' WHERE id = 'trip'");
    hub.sqlite("UPDATE notes SET title = 'Coast, long weekend' WHERE id = 'trip'");
    await desk.run();
    await page.locator("#inbox td", { hasText: "notes" }).first().waitFor();
    // Some history: rates that rise and fall as people's do.
    const begin = performance.now();
    for (let tick = 0; performance.now() < begin + 40_000; tick++) {
      devices.forEach((device, index) => {
        const rows = Math.round(20 + 15 * Math.sin(tick / 25 + index));
        device.sqlite(
          `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
           INSERT INTO readings(id, place, value) SELECT ${(index + 1) * 1_000_000 + tick * 100} + i, 'hall', i FROM n`,
        );
      });
      await until(() => performance.now() >= begin + (tick + 1) * 250);
    }
    await page.locator("#slowest").waitFor();
    await shoot("monitor-light", 1400);
    await shoot("monitor-dark", 1400, "dark");
  });

  it("shows a cut link, and what to do about it", async () => {
    await (devices[1] as NodeProcess).kill();
    await page.locator('[data-rule="link_down"]').waitFor({ timeout: 20_000 });
    await shoot("monitor-cut", 620);
  });
});
