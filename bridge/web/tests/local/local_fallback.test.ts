import "fake-indexeddb/auto";
import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { AdaptiveProvider, SyncManager } from "../../src";
import { NodeProcess, program, schema, until } from "../node_process";
import { localDatabaseOpener } from "./opening";

it("goes on in the page's own database while the node is away, and back again: all is there, once", async () => {
  const open = await localDatabaseOpener();
  const hub = await NodeProcess.start();
  const local = open("fallback", schema.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"), [hub.url]);
  const backoff = { firstMs: 10, mostMs: 50 };
  const provider = await AdaptiveProvider.open({
    url: hub.url,
    local: local.transport,
    probeMs: 4_000,
    recheckMs: 200,
    backoff,
  });
  const manager = await SyncManager.open(provider, { name: "fallback", backoff });
  const live = provider.watch<{ id: string }>("SELECT id FROM notes ORDER BY id", [], { key: ["id"] });
  let made = 0;
  const write = async (count: number) => {
    const names: string[] = [];
    for (let i = 0; i < count; i++, made++)
      names.push(
        await manager.write("INSERT INTO notes(id, title) VALUES(?, ?)", [
          `n${String(made).padStart(2, "0")}`,
          `t${made}`,
        ]),
      );
    for (const name of names) await manager.saved(name);
  };
  const isOver = (way: string) =>
    until(() => provider.state.transport === way && provider.state.phase === "open", 60_000);
  const shows = (count: number) => until(() => live.snapshot.rows.length === count, 60_000);
  const areLevel = () =>
    until(async () => {
      const digest = execFileSync(program, ["digest", hub.database], { encoding: "utf8" });
      return digest.includes(await local.digest());
    });
  try {
    expect(provider.state.transport).toBe("websocket");
    await write(20);
    await areLevel();
    await hub.kill();
    await isOver("in_process");
    await until(() => provider.environment.chosen === "local");
    await shows(20);
    await write(20);
    await shows(40);
    const shown: number[] = [];
    const reasons: string[] = [];
    live.subscribe(() => shown.push(live.snapshot.rows.length));
    provider.onEnvironment(({ reason }) => reasons.push(reason));
    // As long as the page's own node does not hear of the hub's return, the hub lacks what was written meanwhile.
    await provider.pause();
    await hub.run();
    await until(() =>
      reasons.some((reason) => /[1-9]\d* changes .* are not acknowledged by its peers yet/.test(reason)),
    );
    expect(provider.state.transport).toBe("in_process");
    await provider.resume();
    await isOver("websocket");
    expect(reasons.some((each) => each.includes("its peers have all that was written"))).toBe(true);
    expect(hub.sqlite("SELECT count(*) FROM notes")).toBe("40");
    await until(() => shown.length > 0);
    expect(shown).toEqual(shown.map(() => 40));
    await write(20);
    await shows(60);
    await areLevel();
    expect(hub.sqlite("SELECT count(*), count(DISTINCT title) FROM notes")).toBe("60|60");
    expect(manager.state.writes).toEqual([]);
    expect(hub.sqlite("SELECT count(*) FROM tandem_conflicts")).toBe("0");
  } finally {
    manager.close();
    provider.close();
    await local.close();
    await hub.end();
  }
}, 240_000);
