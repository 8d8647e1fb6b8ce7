import { existsSync } from "node:fs";
import { describe, it } from "vitest";
import { executablePath } from "../browser";
import { untilPageHasAll, visitDemo } from "../demo_site";
import { until } from "../node_process";

describe.runIf(existsSync(executablePath))("the demo with a node of its own", () => {
  it("opens with no other node at all, with the data it had, and works", async () => {
    await visitDemo(async ({ node, browser, address }) => {
      const context = await browser.newContext();
      const before = await context.newPage();
      await before.goto(address);
      await before.evaluate(() => navigator.serviceWorker.ready.then(() => true));
      await untilPageHasAll(node);
      await before.close();
      await node.kill();
      const page = await context.newPage();
      await page.goto(address);
      await page.getByRole("button", { name: "Welcome" }).click();
      await until(async () => (await page.getByLabel("Reached by").inputValue()) === "local", 60_000);
      await page.getByLabel("Text").fill("with no node at all");
      const field = page.locator(".field", { has: page.locator("textarea") });
      await field.getByText("Saved").waitFor();
      await node.run();
      await until(() => node.sqlite("SELECT body FROM notes") === "with no node at all", 60_000);
    });
  }, 400_000);
});
