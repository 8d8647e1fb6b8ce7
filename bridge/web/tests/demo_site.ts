import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { browserFlags, executablePath, repository } from "./browser";
import { NodeProcess, until } from "./node_process";

/** The tables of the demo. */
export const demoSchema = readFileSync(`${repository}demos/web/schema.sql`, "utf8");

/** Builds the demo's page into `folder`, or where the demo itself has it; returns that folder. */
export function buildDemo(folder = `${repository}demos/web/dist`): string {
  execFileSync("npm", ["run", "--silent", "demo", "--", "--outDir", folder], {
    cwd: `${repository}bridge/web`,
    stdio: "pipe",
  });
  return folder;
}

export interface DemoSite {
  readonly node: NodeProcess;
  readonly browser: Browser;
  /** Where the node serves the demo's page. */
  readonly address: string;
}

/** Gives `visit` the demo with a node, a browser and a folder of its own; they are gone when it is done. */
export async function visitDemo(visit: (site: DemoSite) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tandem-demo-"));
  const ends: (() => Promise<unknown>)[] = [];
  try {
    const node = await NodeProcess.start(["--www", buildDemo(folder)], demoSchema);
    ends.push(() => node.end());
    const browser = await chromium.launch({ executablePath, args: browserFlags });
    ends.push(() => browser.close());
    await visit({ node, browser, address: `http://127.0.0.1:${node.port}/` });
  } finally {
    for (const end of ends.reverse()) await end();
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  }
}

/** Waits until the node that runs within a page has, and keeps, all that this one has: what there is to go on with alone. */
export function untilPageHasAll(node: NodeProcess): Promise<void> {
  const head = () => Number(node.sqlite("SELECT max(pos) FROM tandem_log"));
  return until(() => {
    const { peers } = JSON.parse(node.status()) as { peers: { name: string; acknowledged: number }[] };
    return peers.some((peer) => peer.name === "a page" && peer.acknowledged >= head());
  });
}
