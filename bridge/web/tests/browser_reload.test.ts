import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { executablePath } from "./browser";
import { visitDemo } from "./demo_site";
import { until } from "./node_process";

describe.runIf(existsSync(executablePath))("the demo while its node is away", () => {
  it("can be loaded anew and opened in another tab, and keeps what is written there", async () => {
    await visitDemo(async ({ node, browser, address }) => {
      const context = await browser.newContext();
      const page = await context.newPage();
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
      );
      for (const each of [page, other])
        await until(async () => (await each.getByText(/edits? waits? here/).count()) === 0);
      // The node's own pages are no files of the page's.
      const metrics = await page.evaluate(() => fetch("/metrics").then(({ status }) => status));
      expect(metrics).toBe(200);
      await page.reload();
      await page.getByRole("button", { name: "Welcome" }).waitFor();
    });
  });
});
