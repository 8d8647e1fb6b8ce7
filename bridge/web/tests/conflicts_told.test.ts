import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocketProvider } from "../src";
import { NodeProcess, until } from "./node_process";

describe("conflicts as a node tells them", () => {
  let hub: NodeProcess;
  let device: NodeProcess;
  let provider: WebSocketProvider;
  beforeAll(async () => {
    hub = await NodeProcess.start();
    hub.sqlite("INSERT INTO notes(id, title) VALUES('a', 'a'), ('b', 'b'), ('c', 'c')");
    device = await hub.clone();
    provider = new WebSocketProvider(hub.url);
  });
  afterAll(async () => {
    provider.close();
    await device?.end();
    await hub?.end();
  });

  it("tells their kind, and the trail from its newest entry on", async () => {
    for (const id of ["a", "b", "c"]) {
      await device.kill();
      device.sqlite(`UPDATE notes SET stars = 1 WHERE id = '${id}'`);
      hub.sqlite(`UPDATE notes SET stars = 2 WHERE id = '${id}'`);
      await device.run();
      await until(async () => (await provider.audit()).some(({ key }) => key === `"${id}"`));
    }
    expect((await provider.audit()).map(({ key }) => key)).toEqual(['"c"', '"b"', '"a"']);
    expect(await provider.audit(2)).toMatchObject([
      { key: '"c"', kind: "cell" },
      { key: '"b"', kind: "cell" },
    ]);
  });
});
