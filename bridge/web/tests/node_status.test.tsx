// @vitest-environment happy-dom
// @vitest-environment-options { "settings": { "fetch": { "disableSameOriginPolicy": true } } }
import { cleanup, render, screen } from "@testing-library/react";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../src/providers/json";
import { WebSocketProvider } from "../src/providers/node_provider";
import type { RequestOptions } from "../src/providers/provider";
import { type NodeStatusState, TandemProvider, useNodeStatus } from "../src/react";
import { NodeProcess, until } from "./node_process";

/** Counts what is asked of the node. */
class CountingProvider extends WebSocketProvider {
  asked = 0;

  override ask(what: string, argument?: Json, options?: RequestOptions): Promise<Json> {
    this.asked++;
    return super.ask(what, argument, options);
  }
}

/** A page of a hub with one device. */
describe("useNodeStatus", () => {
  let hub: NodeProcess;
  let desk: NodeProcess;
  let provider: CountingProvider;
  let shown: NodeStatusState = { status: null, error: null };

  function Status() {
    shown = useNodeStatus();
    const { status } = shown;
    return <output>{status?.alerts.map((each) => each.rule).join() || "fine"}</output>;
  }
  const page = (children: React.ReactNode) => <TandemProvider provider={provider}>{children}</TandemProvider>;

  beforeAll(async () => {
    hub = await NodeProcess.start(["--name", "hub"]);
    desk = await hub.clone(["--name", "desk"]);
    provider = new CountingProvider(hub.url, { backoff: { firstMs: 10, mostMs: 100 } });
  });
  afterEach(cleanup);
  afterAll(async () => {
    provider?.close();
    await desk?.end();
    await hub?.end();
  });

  it("tells how long changes take, what waits for whom, and what is wrong", async () => {
    render(page(<Status />));
    await until(() => shown.status?.peers[0]?.isLinked === true);
    expect(shown.status).toMatchObject({ isMeasured: true, isPaused: false, peers: [{ name: "desk" }] });
    desk.sqlite("INSERT INTO notes(id, title) VALUES('a', 'of the desk')");
    await until(() => (shown.status?.latency?.count ?? 0) > 0);
    const { latency, peers } = shown.status as NonNullable<typeof shown.status>;
    expect(latency).toEqual(peers[0]?.latency);
    expect(latency?.p50Ms).toBeGreaterThan(0);
    expect(latency?.p99Ms).toBeGreaterThanOrEqual(latency?.p50Ms ?? Number.POSITIVE_INFINITY);

    await desk.kill();
    hub.sqlite("INSERT INTO notes(id, title) VALUES('b', 'of the hub'), ('c', 'this too')");
    await until(() => (shown.status?.peers[0]?.waiting ?? 0) >= 2 && shown.status?.peers[0]?.isLinked === false);
    await screen.findByText(/link_down/, {}, { timeout: 60_000 });
    const alert = shown.status?.alerts.find((each) => each.rule === "link_down");
    expect(alert).toMatchObject({ severity: "warning", text: expect.stringContaining("desk") });
    expect(alert?.step).toContain("start desk");

    await desk.run();
    await until(() => shown.status?.peers[0]?.waiting === 0);
    await until(() => !shown.status?.alerts.some(({ rule }) => rule === "link_down")); // The machine's own may stay.
  });

  it("says that the node is gone, keeps what it told last, and goes on when it is back", async () => {
    render(page(<Status />));
    await until(() => shown.status !== null && shown.error === null);
    await hub.kill();
    await until(() => shown.error !== null);
    expect(shown.error?.code).toBe("deadline");
    expect(shown.status?.peers[0]?.name).toBe("desk");
    await hub.run();
    await until(() => shown.error === null);
  });

  it("asks while it is shown, once for all that show it, and no more then", async () => {
    const one = render(page(<Status />));
    const before = provider.asked;
    one.rerender(
      page(
        <>
          <Status />
          <Status />
        </>,
      ),
    );
    expect(provider.asked).toBe(before);
    await until(() => provider.asked === before + 1);
    one.unmount();
    const then = provider.asked;
    // Two rounds' time, told by another page's answers.
    const other = new CountingProvider(hub.url);
    render(
      <TandemProvider provider={other}>
        <Status />
      </TandemProvider>,
    );
    await until(() => other.asked >= 3);
    expect(provider.asked).toBe(then);
    other.close();
  });
});
