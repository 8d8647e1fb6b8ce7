import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserFlags, executablePath } from "./browser";
import { NodeProcess, until } from "./node_process";

const nasty = `<img src="x" onerror="ran=1"><script>ran=1</script>`;
const nastyName = `"${nasty.replaceAll('"', '""')}"`;
const schema = `CREATE TABLE notes(id INTEGER PRIMARY KEY, title TEXT); INSERT INTO notes VALUES(1, 'first');
  CREATE TABLE people(id INTEGER PRIMARY KEY, mail TEXT UNIQUE);
  CREATE TABLE ${nastyName}(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO ${nastyName} VALUES(7, 'first');`;

/** The dashboard that the program carries, over two devices under a hub. */
describe.runIf(existsSync(executablePath))("the dashboard", () => {
  let browser: Browser;
  let hub: NodeProcess;
  let devices: NodeProcess[] = [];
  let page: Page;
  const troubles: string[] = [];
  let isNodeAway = false;
  const load = (node: NodeProcess, from: number) =>
    node.sqlite(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO notes SELECT ${from} + i, 'row ' || i FROM n`,
    );
  /** Both write without having seen the other. */
  const writeApart = async (statement: string, there: string, here: string) => {
    const [desk] = devices as [NodeProcess, NodeProcess];
    await desk.kill();
    desk.sqlite(statement.replaceAll("?", there));
    hub.sqlite(statement.replaceAll("?", here));
    await desk.run();
  };
  const search = async (text: string) => {
    await page.getByLabel("Search the audit trail").fill(text);
    await page.locator("#audit button").click();
  };

  beforeAll(async () => {
    hub = await NodeProcess.start(["--name", "hub"], schema, ["notes.title=ask", `${nasty}=ask`]);
    devices = [await hub.clone(["--name", "desk"]), await hub.clone(["--name", "phone"])];
    browser = await chromium.launch({ executablePath, args: browserFlags });
    page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
    page.on("pageerror", (error) => troubles.push(String(error)));
    page.on("console", (line) => line.type() === "error" && !isNodeAway && troubles.push(line.text()));
    await page.goto(`http://127.0.0.1:${hub.port}/monitor`);
  });
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
    await until(() => hub.sqlite("SELECT count(*) FROM notes") === "4001");
    expect(await page.locator(".waterfall .bar").count()).toBeGreaterThan(5);
    await page.locator("#throughput canvas").waitFor();
    await page.locator("#actors td", { hasText: "arbiter" }).waitFor();
  });

  it("settles a conflict", async () => {
    await writeApart("UPDATE notes SET title = '?' WHERE id = 1", "<b>desk</b>", "hub");
    const row = page.locator("#inbox tr", { hasText: "notes" });
    await row.first().waitFor();
    expect(await row.first().textContent()).toContain("<b>desk</b>");
    expect(await page.locator("#inbox b").count()).toBe(0);
    const before = hub.sqlite("SELECT title FROM notes WHERE id = 1");
    await row.first().getByRole("button", { name: "Take the other" }).click();
    await page.locator("#inbox").getByText("No conflicts.").waitFor();
    await until(() => hub.sqlite("SELECT title FROM notes WHERE id = 1") !== before);
    await search("dashboard");
    await page.locator("#audit td", { hasText: "by dashboard" }).waitFor();
    await page.getByLabel("Table").fill("notes");
    await page.getByLabel("Key").fill("1");
    // A node writes down what was acknowledged a little later.
    await until(async () => {
      await page.locator("#why button").click();
      await page.locator("#why p").first().waitFor();
      return ((await page.locator("#why").textContent()) ?? "").includes("(desk) has acknowledged it.");
    });
    await page.getByLabel("Key").fill("999");
    await page.locator("#why button").click();
    await page.locator("#why p", { hasText: "No such row was ever seen here." }).waitFor();
  });

  it("shows a table by its name, and runs nothing of it", async () => {
    await writeApart(`UPDATE ${nastyName} SET v = '?'`, "desk", "hub");
    const row = page.locator("#inbox tr", { hasText: nasty });
    await row.waitFor();
    await page.getByLabel("Table").fill(nasty);
    await page.getByLabel("Key").fill("7");
    await page.locator("#why button").click();
    await page.locator("#why p", { hasText: "No such row was ever seen here." }).waitFor({ state: "detached" });
    await page.locator("#why p:not([role=alert])").first().waitFor();
    await search("onerror");
    await page.locator("#audit td", { hasText: nasty }).waitFor();
    await page.locator('[data-rule="conflicts_wait"]', { hasText: nasty }).waitFor();
    expect(await page.locator("main img, main script").count()).toBe(0);
    expect(await page.evaluate(() => "ran" in globalThis)).toBe(false);
    await row.getByRole("button", { name: "Keep" }).click();
    await page.locator("#inbox").getByText("No conflicts.").waitFor();
  });

  it("tells what a row that is set aside waits for, and offers no choice", async () => {
    await writeApart("INSERT INTO people VALUES(?, 'ada@example.org')", "1", "2");
    const aside = page.locator("#aside tbody tr");
    await aside.waitFor();
    const shown = hub.sqlite("SELECT id FROM people");
    const hidden = shown === "1" ? "2" : "1";
    expect(await aside.locator("td").first().textContent()).toBe(`people ${hidden}`);
    expect(await aside.locator("td").last().textContent()).toContain("UNIQUE");
    expect(await page.locator("#inbox button").count()).toBe(0);
    await page.locator("#inbox").getByText("No conflicts.").waitFor();
    hub.sqlite(`UPDATE people SET mail = 'eve@example.org' WHERE id = ${shown}`);
    await aside.waitFor({ state: "detached" });
    await until(() => hub.sqlite("SELECT count(*) FROM people") === "2");
  });

  it("pauses sync and resumes it, and follows changes by their trace ids", async () => {
    await page.locator("#traces code").first().waitFor();
    expect(await page.locator("#traces code").first().textContent()).toMatch(/^[0-9a-f]{32}$/);
    await page.getByRole("button", { name: "Pause sync" }).click();
    await page.locator('[data-rule="sync_paused"]').waitFor();
    const [desk] = devices as [NodeProcess, NodeProcess];
    desk.sqlite("UPDATE notes SET title = 'while it was paused' WHERE id = 1");
    await until(() => JSON.parse(desk.status()).pending === 0);
    expect(hub.sqlite("SELECT title FROM notes WHERE id = 1")).not.toBe("while it was paused");
    await page.getByRole("button", { name: "Resume sync" }).click();
    await until(() => hub.sqlite("SELECT title FROM notes WHERE id = 1") === "while it was paused");
    await page.getByRole("button", { name: "Pause sync" }).waitFor();
  });

  it("leaves the lines of its log where they are when more come", async () => {
    const first = page.locator("#log li").first();
    await first.waitFor();
    await first.evaluate((line) => {
      const list = line.parentElement as HTMLElement;
      list.style.maxHeight = "4rem"; // Less than there are lines for.
      list.scrollTo(0, 20);
      line.setAttribute("data-mine", "");
      getSelection()?.selectAllChildren(line);
    });
    const selected = await page.evaluate(() => getSelection()?.toString());
    // Else the next pause would be the same one to the monitor, which looks once a second.
    await page.locator('[data-rule="sync_paused"]').waitFor({ state: "detached" });
    const told = page.locator("#log li", { hasText: "sync is paused at this node: somebody" });
    const before = await told.count();
    await page.getByRole("button", { name: "Pause sync" }).click();
    await told.nth(before).waitFor();
    await page.getByRole("button", { name: "Resume sync" }).click();
    await page.getByRole("button", { name: "Pause sync" }).waitFor();
    expect(await page.evaluate(() => getSelection()?.toString())).toBe(selected);
    expect(await page.locator("#log li[data-mine]").evaluate((line) => line.parentElement?.scrollTop)).toBe(20);
    expect(await told.count()).toBe(before + 1);
  });

  it("goes on to show while 10,000 changes a second flow by", async () => {
    const [desk] = devices as [NodeProcess, NodeProcess];
    const looks = new Set<string>();
    const count = () => Number(hub.sqlite("SELECT count(*) FROM notes"));
    const before = count();
    const begin = performance.now();
    let bursts = 0;
    // Until three reports were shown while they flowed by.
    for (; bursts < 20 || (looks.size < 3 && bursts < 300); bursts++) {
      load(desk, 10_000_000 + bursts * 10_000);
      await until(() => performance.now() >= begin + (bursts + 1) * 200);
      const text = (await page.locator("#state").textContent()) ?? "";
      if (text.startsWith("Live")) looks.add(text);
    }
    expect(looks.size).toBeGreaterThanOrEqual(3);
    await until(() => count() === before + bursts * 2_000, 120_000);
    await page.locator("#state").getByText(/^Live/).waitFor();
  });

  it("shows some of a thousand conflicts, says how many there are, and finds each", async () => {
    await writeApart("UPDATE notes SET title = '? ' || id WHERE id BETWEEN 1000001 AND 1001100", "desk", "hub");
    const more = page.locator("#inbox .more");
    await page.getByText("The 50 that have waited longest, of 1,100 conflicts.").waitFor({ timeout: 60_000 });
    expect(await page.locator("#inbox tbody tr").count()).toBe(50);
    await writeApart("UPDATE notes SET title = 'the latest of ?' WHERE id = 1", "desk", "hub");
    await more.getByText("of 1,101 conflicts").waitFor();
    await search("The Latest");
    await page.locator("#audit td", { hasText: "notes 1, title" }).waitFor();
    expect(await page.locator("#found").textContent()).toBe("1 in all.");
    await search("");
    const all = hub.sqlite("SELECT count(*) FROM tandem_conflicts WHERE about IS NULL");
    await page.getByText(`The newest 50 of ${Number(all).toLocaleString("en")}.`).waitFor();
    expect(await page.locator("#audit td").first().textContent()).toBe("notes 1, title");
    await search("hub 1000555");
    await page.getByText("1 in all.").waitFor();
    expect(await page.locator("#audit td").first().textContent()).toBe("notes 1000555, title");
    await page.locator("#inbox").getByRole("button", { name: "Keep" }).first().click();
    await more.getByText("of 1,100 conflicts").waitFor();
  });

  it("tells of a cut link, and what to do", async () => {
    await (devices[1] as NodeProcess).kill();
    await page.locator("#links .down", { hasText: "cut" }).waitFor();
    const alert = page.locator('[data-rule="link_down"]');
    await alert.waitFor({ timeout: 60_000 });
    expect(await alert.textContent()).toContain("phone");
  });

  it("says that its node is gone, or silent, and of when the last report is", async () => {
    const state = page.locator("#state");
    const looks = () => state.evaluate((line) => [line.className, line.textContent ?? ""] as const);
    await state.getByText(/^Live/).waitFor();
    isNodeAway = true;
    await hub.kill();
    await until(async () => {
      const [look, text] = await looks();
      return look === "down" && /^Not connected, trying again.*The last report is of \d\d:\d\d:\d\d$/.test(text);
    });
    expect(await page.locator("body.stale").count()).toBe(1);
    await hub.run();
    await until(async () => {
      const [look, text] = await looks();
      return look === "up" && text.startsWith("Live");
    });
    isNodeAway = false;
    await page.locator("body.stale").waitFor({ state: "detached" });

    hub.freeze();
    await until(async () => {
      const [look, text] = await looks();
      return look === "down" && text.startsWith("No report comes");
    });
    hub.thaw();
    await until(async () => (await looks())[1].startsWith("Live"));
  });

  it("says so where nothing is measured, instead of that nothing is wrong", async () => {
    const node = await NodeProcess.start(["--no-measuring", "--name", "quiet"], schema);
    const device = await node.clone(["--name", "desk"]);
    const other = await (await browser.newContext()).newPage();
    await other.goto(`http://127.0.0.1:${node.port}/monitor`);
    await other.getByText("This node measures nothing").waitFor();
    expect(await other.getByText("Nothing is wrong.").count()).toBe(0);
    await other.locator("#links .up", { hasText: "linked" }).waitFor();
    await other.locator("#throughput").waitFor({ state: "hidden" });
    await other.getByRole("button", { name: "Pause sync" }).click();
    await other.getByRole("button", { name: "Resume sync" }).click();
    await other.getByRole("button", { name: "Pause sync" }).waitFor();
    const metrics = await fetch(`http://127.0.0.1:${node.port}/metrics`);
    expect([metrics.status, await metrics.text()]).toEqual([404, expect.stringContaining("measures nothing")]);
    await other.close();
    await device.end();
    await node.end();
  });

  it("has run without any error of the page's own", () => {
    expect(troubles).toEqual([]);
  });
});
