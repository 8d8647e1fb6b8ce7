import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserFlags, executablePath, objectionsOfAxe } from "./browser";
import { buildDemo, demoSchema } from "./demo_site";
import { NodeProcess, until } from "./node_process";

/** The demo's page in a real browser, over a real node. */
describe.runIf(existsSync(executablePath))("the demo", () => {
  let browser: Browser;
  let node: NodeProcess;
  let first: Page;
  let second: Page;
  const troubles: string[] = [];
  /** Windows of one context share what waits to be sent, as tabs of one browser do. */
  const open = async (context?: BrowserContext) => {
    const page = await (context ?? (await browser.newContext())).newPage();
    page.on("pageerror", (error) => troubles.push(error.message));
    await page.goto(`http://127.0.0.1:${node.port}/`);
    await page.getByRole("button", { name: "Welcome" }).click();
    return page;
  };
  /** A way that answered too late is not offered: choosing any makes the page look again. */
  const reachBy = async (page: Page, way: string) => {
    const picker = page.getByLabel("Reached by");
    for (let tries = 0; tries < 10; tries++) {
      const isThere = await picker.selectOption({ label: way }, { timeout: 4_000 }).then(
        () => true,
        () => false,
      );
      if (isThere) return;
      await picker.selectOption({ index: 0 });
    }
    throw new Error(`the page does not offer ${way}`);
  };
  const body = () => node.sqlite("SELECT body FROM notes WHERE id = 'welcome'");

  beforeAll(async () => {
    node = await NodeProcess.start(["--www", buildDemo()], demoSchema);
    browser = await chromium.launch({ executablePath, args: browserFlags });
    [first, second] = [await open(), await open()];
  });
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

  it("loses and doubles no keystroke when the node is killed while two windows type, by either way", async () => {
    const texts = [
      "the quick brown fox jumps over the lazy dog",
      "pack my box with five dozen liquor jugs, and seal it",
    ];
    const third = await open(second.context());
    await third.getByRole("button", { name: "New note" }).click();
    await until(() => node.sqlite("SELECT count(*) FROM notes") === "2");
    const other = node.sqlite("SELECT id FROM notes WHERE id <> 'welcome'");
    const stored = (id: string) => node.sqlite(`SELECT body FROM notes WHERE id = '${id}'`);
    const windows = [
      { page: second, id: "welcome", text: texts[0] ?? "" },
      { page: third, id: other, text: texts[1] ?? "" },
    ];
    /** How much of its text a window shows as saved; 0 while something is not. */
    const shownAsSaved = ({ page }: { page: Page }) =>
      page
        .locator(".field", { has: page.locator("textarea") })
        .evaluate((field) =>
          field.querySelector("output")?.textContent === "Saved"
            ? (field.querySelector("textarea")?.value.length ?? 0)
            : 0,
        );
    const part = (text: string, share: number) => text.slice(0, Math.round(share * text.length));
    let kills = 0;
    for (const way of ["HTTP", "WebSocket"]) {
      for (const { page } of windows) {
        await reachBy(page, way);
        await page.getByLabel("Text").fill("to begin with");
        await page.getByLabel("Text").fill("");
        await page.getByText("Saved").waitFor();
      }
      for (const [from, to] of [
        [0, 0.35],
        [0.35, 0.7],
        [0.7, 1],
      ] as const) {
        const middle = (from + to) / 2;
        const type = (begin: number, end: number) =>
          Promise.all(
            windows.map(({ page, text }) =>
              page.getByLabel("Text").pressSequentially(part(text, end).slice(part(text, begin).length), { delay: 25 }),
            ),
          );
        await type(from, middle);
        // What was shown as saved once has to be there from then on.
        for (const window of windows) await until(async () => (await shownAsSaved(window)) > 0);
        const saved = windows.map(({ text }) => part(text, middle).length);
        const typing = type(middle, to);
        await until(async () => (await second.getByLabel("Text").inputValue()).length > (saved[0] ?? 0) + 1);
        for (const [at, window] of windows.entries()) saved[at] = Math.max(saved[at] ?? 0, await shownAsSaved(window));
        await node.kill();
        kills++;
        for (const [at, { id, text }] of windows.entries()) {
          const body = stored(id);
          expect(text.startsWith(body), `'${body}' is a beginning of what was typed`).toBe(true);
          expect(saved[at]).toBeGreaterThan(0);
          expect(body.length).toBeGreaterThanOrEqual(saved[at] ?? 0);
        }
        await typing;
        // A text that is sent twice is the same text; a row that is put in twice is two.
        for (const [at, { page }] of windows.entries()) {
          await page.getByLabel("New task").fill(`while it was dead: ${kills} in window ${at}`);
          await page.getByRole("button", { name: "Add" }).click();
        }
        await node.run();
      }
      for (const { page, id, text } of windows) {
        await until(() => stored(id) === text);
        await page.getByText("Saved").waitFor();
      }
    }
    expect(kills).toBe(6);
    const added = () => node.sqlite("SELECT title FROM tasks WHERE title LIKE 'while it was dead%' ORDER BY title");
    await until(() => added().split("\n").length >= 12);
    for (const { page } of windows) await until(async () => (await page.getByText(/edits? waits? here/).count()) === 0);
    const wanted = [1, 2, 3, 4, 5, 6].flatMap((kill) =>
      [0, 1].map((at) => `while it was dead: ${kill} in window ${at}`),
    );
    expect(added().split("\n")).toEqual(wanted);
    node.sqlite("DELETE FROM tasks WHERE title LIKE 'while it was dead%'");
    await until(async () => (await first.getByLabel("Text").inputValue()) === texts[0]);
    await third.getByRole("button", { name: "Delete note" }).click();
    await until(() => node.sqlite("SELECT count(*) FROM notes") === "1");
    await third.close();
  }, 240_000);

  it("keeps edits while it is offline, over a reload, and sends them afterwards", async () => {
    await first.getByRole("switch", { name: "Work offline" }).check();
    await first.getByLabel("Title").fill("Written offline");
    await first.getByLabel("New task").fill("Made offline");
    await first.getByRole("button", { name: "Add" }).click();
    await first.getByText("2 edits wait here").waitFor();
    await first.getByText("Kept here until you are online again").waitFor();
    expect(node.sqlite("SELECT title FROM notes")).toBe("Welcome");
    await first.reload();
    // Whoever chose to be offline stays so until they choose otherwise.
    await first.getByText("2 edits wait here").waitFor();
    const offline = first.getByRole("switch", { name: "Work offline" });
    expect(await offline.isChecked()).toBe(true);
    expect(node.sqlite("SELECT title FROM notes")).toBe("Welcome");
    await offline.uncheck();
    await until(() => node.sqlite("SELECT title FROM notes") === "Written offline");
    await until(() => node.sqlite("SELECT count(*) FROM tasks WHERE title = 'Made offline'") === "1");
    await first.getByRole("button", { name: "Written offline" }).click();
    await first.getByLabel("Title").fill("Welcome");
    await until(() => node.sqlite("SELECT title FROM notes") === "Welcome");
  });

  it("sends from another tab what a tab had written that was closed", async () => {
    const browserOfTwo = await browser.newContext();
    const leading = await open(browserOfTwo);
    const following = await open(browserOfTwo);
    await node.kill();
    await leading.getByLabel("Text").fill("by the tab that was closed");
    await following.getByLabel("New task").fill("by the tab that stayed");
    await following.getByRole("button", { name: "Add" }).click();
    await following.getByText("2 edits wait here").waitFor(); // It sees what the other tab has made.
    await leading.close();
    await node.run();
    await until(() => body() === "by the tab that was closed");
    await until(() => node.sqlite("SELECT count(*) FROM tasks WHERE title = 'by the tab that stayed'") === "1");
    await until(async () => (await following.getByText(/edits? waits? here/).count()) === 0);
    await browserOfTwo.close();
  });

  it("takes back what the node refuses, and says why", async () => {
    node.sqlite(
      "CREATE TRIGGER no_swearing BEFORE UPDATE ON notes WHEN NEW.title = 'Damn' BEGIN SELECT RAISE(ABORT, 'no swearing'); END",
    );
    await first.getByLabel("Title").fill("Damn");
    await first.getByRole("alert").getByText("no swearing").waitFor();
    await until(async () => (await first.getByLabel("Title").inputValue()) === "Welcome");
    await first.getByRole("button", { name: "Give up" }).click();
    await until(async () => (await first.getByRole("alert").count()) === 0);
    node.sqlite("DROP TRIGGER no_swearing");
  });

  it("goes on after a reload", async () => {
    await second.reload();
    await second.getByRole("button", { name: "Welcome" }).click();
    await until(async () => (await second.getByLabel("Text").inputValue()) === body());
  });

  it.each(["light", "dark"] as const)("has nothing that axe objects to in %s", async (colorScheme) => {
    await first.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    expect(await objectionsOfAxe(first)).toEqual([]);
    if (process.env.TANDEM_PICTURES)
      await first.screenshot({ path: `${process.env.TANDEM_PICTURES}/demo-${colorScheme}.png` });
  });

  it("raised no error in any page", () => expect(troubles).toEqual([]));
});
