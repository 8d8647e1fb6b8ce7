import { beforeAll, describe, expect, it } from "vitest";
import { type BridgeReport, bridgeReportText, targets } from "../../src/validation";
import { contract } from "../contract/provider_contract";
import { canOpenWindow } from "./desktop_window";
import { type ContractResult, WindowProcess } from "./window_process";

/** The contract and the validation in a real window, over each of these ways. */
export function windowSuite(ways: readonly string[], wasmFolder = ""): void {
  describe.runIf(canOpenWindow)("in a WebKitGTK window", () => {
    let results: readonly ContractResult[] = [];
    let report: BridgeReport;
    beforeAll(async () => {
      results = await WindowProcess.contract(ways, wasmFolder);
      report = await WindowProcess.validate(ways, 0.05, wasmFolder);
    }, 400_000);

    describe.each(ways)("the contract of providers, by %s", (way) => {
      it.each(contract)("$name", ({ name }) => {
        expect(results.filter((each) => each.way === way && each.name === name)).toEqual([
          { way, name, trouble: null },
        ]);
      });
    });

    it("one report compares all ways", () => {
      expect(report.ways.map(({ way }) => way)).toEqual(ways);
      for (const { figures, omissions } of report.ways) {
        expect(omissions).toEqual([]);
        const names = figures.map(({ name }) => name);
        expect(names).toEqual(expect.arrayContaining(["round_trip_p50", "writes", "queries", "sync_p99", "transfer"]));
        expect(figures.every(({ value }) => Number.isFinite(value))).toBe(true);
        expect(figures.find(({ name }) => name === "integrity")?.value).toBe(100);
        expect(figures.find(({ name }) => name === "stress")?.value).toBeGreaterThanOrEqual(targets.stress.floor);
      }
      expect(report.recommendations.length).toBeGreaterThan(0);
      const text = bridgeReportText(report);
      expect(text).toMatch(new RegExp(`figure +unit +${ways.join(" +")} +floor +goal`));
    });
  });
}
