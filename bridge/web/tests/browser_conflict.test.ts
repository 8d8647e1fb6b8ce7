import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserFlags, executablePath, objectionsOfAxe } from "./browser";
import { buildDemo, demoSchema } from "./demo_site";
import { NodeProcess, until } from "./node_process";

/** Two devices with a page each, and a person at one of them. */
describe.runIf(existsSync(executablePath))("a conflict between two devices", () => {
  let browser: Browser;
  let hub: NodeProcess;
  let device: NodeProcess;
  const troubles: string[] = [];
  const pages = new Map<NodeProcess, Page>();
  const pageOf = (node: NodeProcess) => pages.get(node) as Page;
  const title = (node: NodeProcess) => node.sqlite("SELECT title FROM notes WHERE id = 'welcome'");
  const row = (node: NodeProcess, id: string) =>
    node.sqlite(`SELECT title || ' / ' || body FROM notes WHERE id = '${id}'`);

  beforeAll(async () => {
    const www = ["--www", buildDemo()];
    hub = await NodeProcess.start(www, `${demoSchema} CREATE UNIQUE INDEX one_title ON tasks(title);`, ["notes=ask"]);
    device = await hub.clone(www);
    browser = await chromium.launch({ executablePath, args: browserFlags });
    for (const node of [hub, device]) {
      const page = await (await browser.newContext()).newPage();
      page.on("pageerror", (error) => troubles.push(error.message));
      await page.goto(`http://127.0.0.1:${node.port}/`);
      pages.set(node, page);
    }
  });
  afterAll(async () => {
    await browser?.close();
    await device?.end();
    await hub?.end();
  });

  /** Both write while they do not hear of each other; then the inbox of both pages has what they ran into. */
  const collide = async (here: string, there: string, entry: RegExp) => {
    await device.kill();
    device.sqlite(there);
    hub.sqlite(here);
    await device.run();
    for (const node of [hub, device]) await pageOf(node).getByRole("button", { name: entry }).waitFor();
  };
  const collideInTitle = async (here: string, there: string) => {
    const write = (text: string) => `UPDATE notes SET title = '${text}' WHERE id = 'welcome'`;
    await collide(write(here), write(there), /^title of notes/);
    await until(() => title(hub) === title(device));
    return title(hub) === here ? there : here;
  };
  /** Two rows under one key; tells which title stands, and which body the other row has. */
  const collideInRow = async (id: string) => {
    const insert = (text: string) => `INSERT INTO notes VALUES('${id}', 'Title ${text}', 'Body ${text}', 1)`;
    await collide(insert("here"), insert("there"), new RegExp(`^notes ${id}`));
    await until(() => row(hub, id) === row(device, id));
    const [stands, other] = row(hub, id).includes("here") ? ["here", "there"] : ["there", "here"];
    return {
      stands: `Title ${stands} / Body ${stands}`,
      mixed: `Title ${stands} / Body ${other}`,
      other: `Body ${other}`,
    };
  };
  const isEverywhere = (id: string, wanted: string) =>
    until(() => row(hub, id) === wanted && row(device, id) === wanted);
  const isSettledEverywhere = async () => {
    for (const node of [hub, device]) await pageOf(node).getByText("No conflicts.").waitFor();
  };
  const isSettledEverywhereAs = async (wanted: string) => {
    await until(() => title(hub) === wanted && title(device) === wanted);
    await isSettledEverywhere();
  };

  /** What the keyboard is at, as a screen reader would name it, roughly. */
  const focused = (page: Page) =>
    page.evaluate(() => {
      const at = document.activeElement;
      const group = at?.closest("[role=radiogroup]")?.querySelector("span")?.textContent;
      const label = at instanceof HTMLInputElement ? at.labels?.[0]?.textContent : at?.textContent;
      return group ? `${group}: ${label}` : (label ?? "");
    });
  const tabTo = async (page: Page, wanted: (at: string) => boolean) => {
    const passed: string[] = [];
    for (let tabs = 0; tabs < 40; tabs++) {
      await page.keyboard.press("Tab");
      passed.push(await focused(page));
      if (wanted(passed.at(-1) ?? "")) return;
    }
    throw new Error(`Tab came by ${JSON.stringify(passed)}`);
  };

  it("is settled by mouse on one device, and gone on both", async () => {
    const loser = await collideInTitle("Milk", "Bread");
    const page = pageOf(device);
    await page.getByRole("button", { name: /^title of notes/ }).click();
    const dialog = page.getByRole("dialog");
    expect(await dialog.textContent()).toContain("Milk");
    expect(await dialog.textContent()).toContain("Bread");
    await dialog.getByRole("button", { name: "Take this" }).click();
    await isSettledEverywhereAs(loser);
  });

  it("is settled by keyboard alone from the top of the page, after Escape put it off once", async () => {
    const loser = await collideInTitle("Tea", "Coffee");
    const page = pageOf(hub);
    await page.reload();
    await page.getByRole("button", { name: /^title of notes/ }).waitFor();
    await tabTo(page, (at) => at.startsWith("title of notes"));
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await tabTo(page, (at) => at === "Take this");
    await page.keyboard.press("Enter");
    await isSettledEverywhereAs(loser);
    // Whoever goes on with Tab goes on from where they were.
    expect(await page.evaluate(() => document.activeElement?.className)).toBe("tandem-inbox-whole");
  });

  it("is settled by a text that is put together of both", async () => {
    await collideInTitle("Tea at four", "Tea with Ada");
    const dialog = pageOf(hub).getByRole("dialog");
    await pageOf(hub)
      .getByRole("button", { name: /^title of notes/ })
      .click();
    await dialog.getByLabel("Or put it together yourself").fill("Tea at four with Ada");
    await dialog.getByRole("button", { name: "Save this text" }).click();
    await isSettledEverywhereAs("Tea at four with Ada");
  });

  it("between two whole rows is settled field by field by mouse, and undone on the other device", async () => {
    const { stands, mixed, other } = await collideInRow("by-mouse");
    const dialog = pageOf(device).getByRole("dialog");
    await pageOf(device)
      .getByRole("button", { name: /^notes by-mouse/ })
      .click();
    await dialog.getByRole("radiogroup").nth(1).waitFor();
    expect(await dialog.getByRole("radiogroup").count()).toBe(2);
    await dialog.getByRole("radio", { name: `The other one: ${other}` }).check();
    await dialog.getByRole("button", { name: "Save what is chosen" }).click();
    await isEverywhere("by-mouse", mixed);
    await isSettledEverywhere();
    const settled = pageOf(hub).getByRole("group").filter({ hasText: "Settled lately" });
    await settled.getByText("Settled lately").click();
    await settled.getByText(/notes by-mouse.*by web demo/).waitFor();
    await settled.getByRole("button", { name: "Undo: notes by-mouse" }).click();
    await isEverywhere("by-mouse", stands);
    // The undo is a settlement too, known on both devices, and can be taken back on either.
    const onDevice = pageOf(device).getByRole("group").filter({ hasText: "Settled lately" });
    await onDevice.getByText("Settled lately").click();
    await onDevice.getByRole("button", { name: "Redo: notes by-mouse" }).click();
    await isEverywhere("by-mouse", mixed);
    await isSettledEverywhere();
  });

  it("between two whole rows is settled field by field by keyboard alone", async () => {
    const { mixed, other } = await collideInRow("by-keys");
    const page = pageOf(device);
    await page.reload();
    await page.getByRole("button", { name: /^notes by-keys/ }).waitFor();
    await tabTo(page, (at) => at.startsWith("notes by-keys"));
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await tabTo(page, (at) => at.startsWith("body: Shown now"));
    await page.keyboard.press("ArrowDown");
    expect(await focused(page)).toBe(`body: The other one: ${other}`);
    await tabTo(page, (at) => at === "Save what is chosen");
    await page.keyboard.press("Enter");
    await isEverywhere("by-keys", mixed);
    await isSettledEverywhere();
  });

  it("between two rows ends with both, the other one under a key of its own", async () => {
    const { stands } = await collideInRow("both");
    await pageOf(hub)
      .getByRole("button", { name: /^notes both/ })
      .click();
    await pageOf(hub)
      .getByRole("dialog")
      .getByLabel(/keep both/)
      .fill("both-too");
    await pageOf(hub).getByRole("dialog").getByRole("button", { name: "Keep both" }).click();
    await isEverywhere("both", stands);
    const beside = stands.includes("there") ? "Title here / Body here" : "Title there / Body there";
    await isEverywhere("both-too", beside);
    await isSettledEverywhere();
  });

  it("has nothing that axe objects to, with a full inbox and in each kind of dialog, in light and dark", async () => {
    await collideInTitle("Oats", "Rye");
    await collideInRow("rows");
    await collide(
      "UPDATE notes SET body = 'still wanted' WHERE id = 'by-keys'",
      "DELETE FROM notes WHERE id = 'by-keys'",
      /^notes by-keys/,
    );
    const task = (id: string) => `INSERT INTO tasks(id, title) VALUES('${id}', 'only once')`;
    await collide(task("one"), task("two"), /^tasks .*set aside/);
    const page = pageOf(hub);
    if (!(await page.getByRole("button", { name: /^(Un|Re)do/ }).count()))
      await page.getByText("Settled lately").click();
    const dialog = page.getByRole("dialog");
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      expect(await objectionsOfAxe(page)).toEqual([]);
      for (const [name, telling] of [
        [/^title of notes/, "Rye"],
        [/^notes rows/, "Body there"],
        [/^notes by-keys/, "deleted"],
        [/^tasks/, "UNIQUE"],
      ] as const) {
        await page.getByRole("list", { name: "Conflicts" }).getByRole("button", { name }).click();
        await dialog.getByText(telling).first().waitFor();
        expect(await objectionsOfAxe(page)).toEqual([]);
        if (process.env.TANDEM_PICTURES)
          await page.screenshot({ path: `${process.env.TANDEM_PICTURES}/dialog-${telling}-${colorScheme}.png` });
        await page.keyboard.press("Escape");
        await dialog.waitFor({ state: "detached" });
      }
    }
  });

  it("raised no error in any page", () => expect(troubles).toEqual([]));
});
