import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

/** Debian's browser; the tests that need one are left out where there is none. */
export const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const repository = new URL("../../../", import.meta.url).pathname;
export const browserFlags = [
  "--no-sandbox",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-quic",
];

/** What axe-core has to say against a page as it is now. */
export async function objectionsOfAxe(page: Page): Promise<string[]> {
  await page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    return (await axe.run()).violations.map((each) => `${each.id}: ${each.nodes[0]?.html}`);
  });
}
