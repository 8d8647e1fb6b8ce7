import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { describe, it } from "vitest";
import { browserFlags, executablePath } from "./browser";
import { buildDemo, demoSchema } from "./demo_site";
import { NodeProcess } from "./node_process";

/** The pictures of the docs: TANDEM_PICTURES=../../docs/pictures npx vitest run tests/pictures.test.ts */
describe.runIf(process.env.TANDEM_PICTURES && existsSync(executablePath))("the demo's pictures", () => {
  it("shows a conflict, a note, and an edit that waits", async () => {
    const www = ["--www", buildDemo()];
    const hub = await NodeProcess.start(www, demoSchema, ["notes=ask"]);
    hub.sqlite(`INSERT INTO notes VALUES('list', 'Shopping', 'Milk
Bread
Two lemons, if they are good', 3), ('trip', 'Trip to the coast', 'Leave on Friday after lunch.', 2);
      INSERT INTO tasks VALUES('a', 'Book the ferry', 1, 2), ('b', 'Ask Ada about the tent', 0, 3), ('c', 'Charge the lamps', 0, 4)`);
    const device = await hub.clone(www);
    const browser = await chromium.launch({ executablePath, args: browserFlags });
    try {
      const page = await (await browser.newContext()).newPage();
      await page.setViewportSize({ width: 1180, height: 640 });
      await page.goto(`http://127.0.0.1:${hub.port}/`);
      await device.kill();
      device.sqlite("UPDATE notes SET title = 'Trip to the sea' WHERE id = 'trip'");
      hub.sqlite("UPDATE notes SET title = 'Coast, long weekend' WHERE id = 'trip'");
      await device.run();
      await page.getByRole("button", { name: /^title of notes/ }).waitFor();
      await page.getByRole("button", { name: "Shopping" }).click();
      await page.getByRole("switch", { name: "Work offline" }).check();
      await page.getByLabel("Text").fill("Milk\nBread\nTwo lemons, if they are good\nCoffee");
      await page.getByRole("checkbox", { name: "Ask Ada about the tent" }).click();
      await page.getByText("2 edits wait here").waitFor();
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await page.screenshot({ path: `${process.env.TANDEM_PICTURES}/web-${colorScheme}.png` });
      }
      await page.getByRole("switch", { name: "Work offline" }).uncheck();
      await page.setViewportSize({ width: 900, height: 620 });
      await device.kill();
      const insert = "INSERT INTO notes VALUES('packing', ";
      device.sqlite(`${insert}'Packing list', 'Tent, lamps, two sleeping bags', 4)`);
      hub.sqlite(`${insert}'What to bring', 'Tent and lamps', 4)`);
      await device.run();
      for (const [entry, name, colorScheme] of [
        [/^title of notes/, "cell", "light"],
        [/^notes packing/, "row", "dark"],
      ] as const) {
        await page.emulateMedia({ colorScheme });
        await page.getByRole("button", { name: entry }).click();
        if (name === "row")
          await page
            .getByRole("radio", { name: /^The other one/ })
            .last()
            .check();
        await page.screenshot({ path: `${process.env.TANDEM_PICTURES}/dialog-${name}.png` });
        await page.keyboard.press("Escape");
      }
    } finally {
      await browser.close();
      await device.end();
      await hub.end();
    }
  });
});
