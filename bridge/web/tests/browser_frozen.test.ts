import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { executablePath } from "./browser";
import { buildDemo, demoSchema } from "./demo_site";
import { NodeProcess, until } from "./node_process";
import { PlainBrowser } from "./plain_browser";

/** The browser takes all time from the tab that sends what all tabs write. */
describe.runIf(existsSync(executablePath))("the demo in a frozen tab", () => {
  const profile = mkdtempSync(join(tmpdir(), "tandem-frozen-"));
  let browser: PlainBrowser;
  let node: NodeProcess;

  const open = async () => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${node.port}/`);
    await page.getByRole("button", { name: "Welcome" }).waitFor();
    return page;
  };
  /** Which tab leads, and how many wait for the lead. */
  const lead = (page: Page) =>
    page.evaluate(async () => {
      const isOutbox = ({ name }: { name?: string }) => name?.startsWith("tandem-outbox-");
      const { held = [], pending = [] } = await navigator.locks.query();
      return { leader: held.find(isOutbox)?.clientId, waiting: pending.filter(isOutbox).length };
    });
  const add = async (page: Page, title: string) => {
    await page.bringToFront(); // One in the background draws nothing, and can't be clicked.
    await page.getByLabel("New task").fill(title);
    await page.getByRole("button", { name: "Add" }).click();
  };
  const count = (title: string) => node.sqlite(`SELECT count(*) FROM tasks WHERE title = '${title}'`);

  beforeAll(async () => {
    node = await NodeProcess.start(["--www", buildDemo()], demoSchema);
    browser = await PlainBrowser.start(profile);
  });
  afterAll(async () => {
    await browser?.end();
    await node?.end();
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  });

  it("goes on in another tab, and doubles nothing when the frozen one wakes", async () => {
    const [leading, following] = [await open(), await open()];
    await until(async () => (await lead(following)).waiting === 1);
    const { leader } = await lead(following);
    await node.kill();
    await add(leading, "before it froze");
    await following.bringToFront();
    await following.getByText("1 edit waits here").waitFor();
    await browser.setState(leading, "frozen");
    await until(async () => (await lead(following)).leader !== leader);
    await add(following, "while it was frozen");
    await node.run();
    await until(() => count("before it froze") === "1" && count("while it was frozen") === "1");
    await browser.setState(leading, "active");
    await until(async () => (await lead(following)).waiting === 1);
    await add(leading, "after it woke");
    await until(() => count("after it woke") === "1");
    for (const page of [leading, following]) {
      await page.bringToFront();
      await until(async () => (await page.getByText(/edits? waits? here/).count()) === 0);
    }
    for (const title of ["before it froze", "while it was frozen", "after it woke"]) expect(count(title)).toBe("1");
  });
});
