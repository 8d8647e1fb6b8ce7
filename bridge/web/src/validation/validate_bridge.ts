import { asTandemError } from "../errors";
import type { Provider } from "../providers/provider";
import { heapMb, measurements, memoryFigure, patient, scratchTable } from "./measuring";
import { type Figure, type FigureName, type Target, targets } from "./targets";

export interface WayReport {
  /** As the caller named it, such as "websocket". */
  readonly way: string;
  readonly figures: readonly Figure[];
  /** What could not be measured, and why. */
  readonly omissions: readonly { readonly what: string; readonly why: string }[];
}

export interface BridgeReport {
  readonly ways: readonly WayReport[];
  /** No figure of any way is below its floor, and all could be measured. */
  readonly holds: boolean;
  /** In words, each with the figures that speak for it. */
  readonly recommendations: readonly string[];
}

export interface BridgeValidationOptions {
  /** 1 is some seconds for each way. */
  readonly scale?: number;
  readonly onProgress?: (way: string, what: string) => void;
}

/**
 * Measures each way to the data, one after the other, in a table of its own, and compares them: latency, throughput, sync,
 * large results, recovery from errors, stress, integrity, memory. The providers stay open.
 */
export async function validateBridge(
  providers: Readonly<Record<string, Provider>>,
  options: BridgeValidationOptions = {},
): Promise<BridgeReport> {
  const ways: WayReport[] = [];
  for (const [way, provider] of Object.entries(providers)) ways.push(await validateWay(way, provider, options));
  const holds = ways.every(
    ({ figures, omissions }) => omissions.length === 0 && figures.every(({ verdict }) => verdict !== "below_floor"),
  );
  return { ways, holds, recommendations: recommend(ways) };
}

async function validateWay(way: string, provider: Provider, options: BridgeValidationOptions): Promise<WayReport> {
  const figures: Figure[] = [];
  const omissions: { what: string; why: string }[] = [];
  const before = heapMb();
  const attempt = async (what: string, work: () => Promise<Figure[]>) => {
    options.onProgress?.(way, what);
    try {
      figures.push(...(await work()));
    } catch (reason) {
      omissions.push({ what, why: asTandemError(reason).message });
    }
  };
  const prepare = async () => {
    await provider.execute(
      `CREATE TABLE IF NOT EXISTS ${scratchTable}(id TEXT PRIMARY KEY NOT NULL, value)`,
      [],
      patient,
    );
    await provider.execute(`DELETE FROM ${scratchTable}`, [], patient);
    return [];
  };
  await attempt("the table to measure with", prepare);
  if (omissions.length > 0) return { way, figures, omissions };
  for (const [what, measure] of Object.entries(measurements))
    await attempt(what, () => measure(provider, { scale: options.scale ?? 1 }));
  const after = heapMb();
  if (before !== null && after !== null) figures.push(memoryFigure(after - before));
  await attempt("taking the table away", async () => {
    await provider.execute(`DROP TABLE IF EXISTS ${scratchTable}`, [], patient);
    return [];
  });
  return { way, figures, omissions };
}

/** What the figures say to do. */
export function recommend(ways: readonly WayReport[]): readonly string[] {
  const result: string[] = [];
  for (const { way, figures, omissions } of ways) {
    for (const { what, why } of omissions) result.push(`${way}: ${what} could not be measured: ${why}`);
    for (const figure of figures.filter(({ verdict }) => verdict === "below_floor"))
      result.push(
        `${way}: ${described(figure)}, which misses the floor of ${shown(figure.name, floorOf(figure.name))}. ${stepFor(figure.name)}`,
      );
  }
  for (const name of ["round_trip_p50", "queries", "sync_p50"] as const) {
    const known = ways.flatMap(({ way, figures }) =>
      figures.filter((figure) => figure.name === name).map(({ value }) => ({ way, value })),
    );
    const { better }: Target = targets[name];
    const [best, ...others] = known.sort((left, right) =>
      better === "smaller" ? left.value - right.value : right.value - left.value,
    );
    for (const other of others) {
      const times = better === "smaller" ? other.value / (best?.value ?? 1) : (best?.value ?? 1) / other.value;
      if (best && times >= worthTelling)
        result.push(
          `${targets[name].title}: ${best.way} (${shown(name, best.value)}) is ${times.toFixed(1)} times as good as ${other.way} (${shown(name, other.value)}); prefer ${best.way} where both are there.`,
        );
    }
  }
  if (result.length === 0)
    result.push("All floors are met, and no way is much better than another: leave the choice to AdaptiveProvider.");
  return result;
}

const worthTelling = 1.25;

function stepFor(name: FigureName): string {
  const steps: Partial<Record<FigureName, string>> = {
    write_p50: "Put several statements into one `execute`; look at the disk, for each write is made durable.",
    writes: "Put several statements into one `execute`: each write is a durable transaction.",
    sync_p50: "Look at /monitor: the waterfall shows which station of a change is slow.",
    sync_p99: "Look at /monitor: the waterfall shows which station of a change is slow.",
    stress: "Ask for less at once: a node takes 64 queries and 256 writes of a page at a time.",
    integrity: "Values were changed on their way: report this with the report.",
    memory: "Close live queries that are not shown, and ask for fewer rows.",
  };
  return (
    steps[name] ?? "Something else keeps this machine or its network busy; measure again at rest, and by another way."
  );
}

const floorOf = (name: FigureName) => (targets[name] as Target).floor ?? Number.NaN;
const shown = (name: FigureName, value: number) => `${value.toPrecision(3)} ${targets[name].unit}`;
const described = ({ name, value }: Figure) => `${targets[name].title} is ${shown(name, value)}`;

/** The report as a table for people. */
export function bridgeReportText({ ways, recommendations }: BridgeReport): string {
  const names = (Object.keys(targets) as FigureName[]).filter((name) =>
    ways.some(({ figures }) => figures.some((each) => each.name === name)),
  );
  const cell = (way: WayReport, name: FigureName) => {
    const figure = way.figures.find((each) => each.name === name);
    if (!figure) return "-";
    return (
      figure.value.toPrecision(3) +
      { met: "", below_goal: " (below goal)", below_floor: " (BELOW FLOOR)" }[figure.verdict]
    );
  };
  const rows = [
    ["figure", "unit", ...ways.map(({ way }) => way), "floor", "goal"],
    ...names.map((name) => {
      const { title, unit, floor, goal }: Target = targets[name];
      return [title, unit, ...ways.map((way) => cell(way, name)), floor?.toString() ?? "", goal?.toString() ?? ""];
    }),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return [...lines, "", ...recommendations.map((each) => `- ${each}`)].join("\n");
}
