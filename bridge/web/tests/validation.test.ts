import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HttpProvider, WebSocketProvider } from "../src";
import { bridgeReportText, recommend, targets, validateBridge } from "../src/validation";
import { judged } from "../src/validation/targets";
import { NodeProcess } from "./node_process";

describe("the validation of bridges", () => {
  let node: NodeProcess;
  beforeAll(async () => {
    node = await NodeProcess.start();
  });
  afterAll(() => node.end());

  it("measures each way, compares them, and leaves nothing behind", async () => {
    const providers = { websocket: new WebSocketProvider(node.url), http: new HttpProvider(node.url) };
    try {
      const seen: string[] = [];
      const report = await validateBridge(providers, {
        scale: 0.05,
        onProgress: (way, what) => seen.push(`${way} ${what}`),
      });
      expect(report.ways.map(({ way }) => way)).toEqual(["websocket", "http"]);
      for (const { figures, omissions } of report.ways) {
        expect(omissions).toEqual([]);
        expect(new Set(figures.map(({ name }) => name))).toEqual(new Set(Object.keys(targets)));
        expect(figures.every(({ value }) => Number.isFinite(value))).toBe(true);
        expect(figures.find(({ name }) => name === "integrity")?.value).toBe(100);
        expect(figures.find(({ name }) => name === "stress")?.value).toBeGreaterThanOrEqual(targets.stress.floor);
      }
      expect(seen).toContain("http error recovery");
      expect(report.recommendations.length).toBeGreaterThan(0);
      const text = bridgeReportText(report);
      expect(text).toMatch(/figure +unit +websocket +http +floor +goal/);
      expect(text.split("\n").length).toBeGreaterThan(Object.keys(targets).length);
      expect(node.sqlite("SELECT count(*) FROM sqlite_schema WHERE name = 'bridge_validation'")).toBe("0");
    } finally {
      for (const provider of Object.values(providers)) provider.close();
    }
  });

  it("says what could not be measured, and why", async () => {
    const gone = new WebSocketProvider(node.url);
    gone.close();
    const report = await validateBridge({ websocket: gone });
    expect(report.holds).toBe(false);
    expect(report.ways[0]?.figures).toEqual([]);
    expect(report.recommendations).toEqual([
      expect.stringContaining("could not be measured: this provider was closed"),
    ]);
  });

  it("recommends what the figures speak for", () => {
    const fast = { way: "webview", figures: [judged("round_trip_p50", 0.5), judged("writes", 2_000)], omissions: [] };
    const slow = { way: "http", figures: [judged("round_trip_p50", 60), judged("writes", 50)], omissions: [] };
    expect(recommend([fast])).toEqual([expect.stringContaining("All floors are met")]);
    const said = recommend([fast, slow]).join("\n");
    expect(said).toContain("http: round trip, median is 60.0 ms, which misses the floor of 50.0 ms");
    expect(said).toContain("each write is a durable transaction");
    expect(said).toContain("webview (0.500 ms) is 120.0 times as good as http (60.0 ms); prefer webview");
    expect(judged("sync_p50", 9).verdict).toBe("below_goal");
    expect(judged("integrity", 99.9).verdict).toBe("below_floor");
  });
});
