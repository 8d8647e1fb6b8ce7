import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { executablePath } from "../browser";
import { until } from "../node_process";
import { execute, LocalSite, type LocalWindow, titles } from "./local_site";

const state = (page: Page) =>
  page.evaluate(() => {
    const { phase, failures, reason } = (window as unknown as LocalWindow).db.state;
    return { phase, failures, code: reason?.code, message: reason?.message };
  });

/** Another part of the app stores what it can, until the browser takes no more. Returns the error's name. */
const fillUp = (page: Page) =>
  page.evaluate(async () => {
    const request = indexedDB.open("pictures");
    request.onupgradeneeded = () => request.result.createObjectStore("pictures", { autoIncrement: true });
    await new Promise((resolve) => {
      request.onsuccess = resolve;
    });
    const add = (bytes: number) =>
      new Promise<string>((resolve) => {
        const change = request.result.transaction("pictures", "readwrite", { durability: "strict" });
        change.oncomplete = () => resolve("");
        change.onabort = () => resolve(change.error?.name ?? "aborted");
        change.objectStore("pictures").put(crypto.getRandomValues(new Uint8Array(bytes)));
      });
    let error = "";
    for (let bytes = 65_536; bytes >= 1024; bytes /= 2) {
      do error = await add(bytes);
      while (error === "");
    }
    request.result.close();
    return error;
  });

const makeRoom = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<void>((resolve, reject) => {
        const request = indexedDB.deleteDatabase("pictures");
        request.onsuccess = () => resolve();
        request.onerror = () => reject(request.error);
      }),
  );

describe.runIf(existsSync(executablePath))("Chromium on a disk that is full", () => {
  const disk = mkdtempSync(join(tmpdir(), "tandem-full-"));
  let isMounted = false;
  let site: LocalSite;
  beforeAll(async () => {
    isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=128m", "tmpfs", disk]).status === 0;
    if (isMounted) site = await LocalSite.start(disk);
  });
  afterAll(async () => {
    await site?.end();
    if (isMounted) spawnSync("umount", ["-l", disk]);
    rmSync(disk, { recursive: true });
  });

  it("says so, answers no write that it can't keep, and goes on when there is room", async (context) => {
    if (!isMounted) context.skip("this user can't mount a small disk");
    const page = await site.open("notes", "");
    await execute(page, "INSERT INTO notes(id, title) VALUES('1', 'Milk')");
    expect(await fillUp(page)).toBe("QuotaExceededError");
    let isAnswered = false;
    const writing = execute(page, "INSERT INTO notes(id, title) VALUES('2', hex(zeroblob(1000000)))").then(() => {
      isAnswered = true;
    });
    void writing.catch(() => {}); // It ends with the page if the test fails first.
    await until(async () => (await state(page)).failures > 1);
    expect(await state(page)).toMatchObject({
      phase: expect.not.stringMatching("open|closed"),
      code: "storage",
      message: expect.stringMatching(/\(QuotaExceededError\): make room/),
    });
    expect(isAnswered).toBe(false);
    await makeRoom(page);
    await writing;
    await page.close();
    const again = await site.open("notes", "");
    expect((await titles(again)).map((title) => title.length)).toEqual([4, 2_000_000]);
  });
});
