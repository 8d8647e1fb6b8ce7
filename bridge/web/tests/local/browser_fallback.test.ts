import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { executablePath } from "../browser";
import { untilPageHasAll, visitDemo } from "../demo_site";
import { until } from "../node_process";

describe.runIf(existsSync(executablePath))("the demo with a node of its own", () => {
  it("goes on alone while the node is away, and brings what was typed then", async () => {
    await visitDemo(async ({ node, browser, address }) => {
      const page = await browser.newPage();
      const troubles: string[] = [];
      page.on("pageerror", (error) => troubles.push(error.message));
      await page.goto(address);
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
      await until(async () => (await way.inputValue()) === "websocket", 90_000);
      await type("with the node");
      await until(() => node.sqlite("SELECT body FROM notes") === "with the node");
      await untilPageHasAll(node);
      await node.kill();
      await until(async () => (await way.inputValue()) === "local", 60_000);
      await until(async () => (await text.inputValue()) === "with the node");
      await type("and all alone");
      await node.run();
      await until(() => node.sqlite("SELECT body FROM notes") === "and all alone", 60_000);
      await until(async () => (await way.inputValue()) === "websocket", 90_000);
      await until(async () => (await text.inputValue()) === "and all alone");
      await type("with the node again");
      await until(() => node.sqlite("SELECT body FROM notes") === "with the node again");
      expect(troubles).toEqual([]);
    });
  }, 400_000);
});
