import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { describe, expect, it } from "vitest";
import { browserFlags, executablePath } from "./browser";
import { program } from "./node_process";

/** The page that `tandem validate --html` writes, in a real browser. */
describe.runIf(existsSync(executablePath))("the report of a validation", () => {
  it("shows its table and its plots, in light and dark, without any script", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tandem-report-"));
    const file = join(folder, "report.html");
    const browser = await chromium.launch({ executablePath, args: browserFlags });
    try {
      // Exit 1 says that a floor was missed, which a busy machine may do; the page is there all the same.
      const done = spawnSync(program, ["validate", "--effort", "0.05", "--html", file, "--json"], { encoding: "utf8" });
      expect([0, 1]).toContain(done.status);
      const report = JSON.parse(done.stdout) as { figures: { title: string; samples: number[] }[] };
      const page = await browser.newPage();
      const troubles: string[] = [];
      page.on("pageerror", (error) => troubles.push(error.message));
      page.on("console", (message) => troubles.push(message.text()));
      await page.goto(`file://${file}`);
      const rows = await page.locator("table.targets tbody tr").count();
      expect(rows).toBe(report.figures.length);
      const plotted = report.figures.filter(({ samples }) => samples.length > 1);
      expect(await page.locator("figure svg polyline").count()).toBe(plotted.length);
      expect(plotted.length).toBeGreaterThan(5);
      const ratios = await page.locator("table.targets tbody td").allTextContents();
      expect(ratios.filter((each) => / x (better|worse)$/.test(each)).length).toBeGreaterThan(10);
      expect(await page.locator("table.ways tbody tr").count()).toBeGreaterThan(5);
      for (const points of await page
        .locator("polyline")
        .evaluateAll((all) => all.map((each) => each.getAttribute("points"))))
        expect(points?.trim().endsWith(",10")).toBe(true); // each curve ends where all samples lie below
      for (const each of await page.locator("figure svg").all()) {
        const box = await each.boundingBox();
        expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThan(80);
      }
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        const [paper, ink] = await page.evaluate(() => {
          const style = getComputedStyle(document.body);
          return [style.backgroundColor, style.color];
        });
        expect(paper).not.toBe(ink);
        if (process.env.TANDEM_PICTURES)
          await page.screenshot({
            path: `${process.env.TANDEM_PICTURES}/validation-${colorScheme}.png`,
            fullPage: true,
          });
      }
      expect(await page.locator("script").count()).toBe(0);
      expect(troubles).toEqual([]);
    } finally {
      await browser.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 240_000);
});
