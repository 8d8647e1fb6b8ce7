import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { executablePath } from "../browser";
import { NodeProcess, until } from "../node_process";
import { execute, LocalSite, titles } from "./local_site";

describe.runIf(existsSync(executablePath))("a page's own database in Chromium", () => {
  let site: LocalSite;
  let hub: NodeProcess;
  beforeAll(async () => {
    hub = await NodeProcess.start();
    await hub.kill();
    site = await LocalSite.start();
  });
  afterAll(async () => {
    await site?.end();
    await hub?.end();
  });

  it("was written without a node, closed without warning, opened again, and syncs when a node appears", async () => {
    const first = await site.open("notes", hub.url);
    await execute(first, "INSERT INTO notes(id, title) VALUES('1', 'Written alone')");
    await first.close();
    const second = await site.open("notes", hub.url);
    expect(await titles(second)).toEqual(["Written alone"]);
    hub.sqlite("INSERT INTO notes(id, title) VALUES('2', 'Of the hub')");
    await hub.run();
    await until(
      async () => hub.sqlite("SELECT count(*) FROM notes") === "2" && (await titles(second)).length === 2,
      60_000, // A page's own node looks for its hub later and later.
    );
  });
});
