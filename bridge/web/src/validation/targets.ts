/** What a bridge is measured by: the same names, units, floors and goals everywhere, so that reports can be compared. */
export interface Target {
  readonly title: string;
  readonly unit: "ms" | "/s" | "MB" | "MB/s" | "%";
  readonly better: "smaller" | "larger";
  /** The least that any system must reach. */
  readonly floor?: number;
  /** What Tandem is after. */
  readonly goal?: number;
}

export const targets = {
  round_trip_p50: { title: "round trip, median", unit: "ms", better: "smaller", floor: 50, goal: 5 },
  round_trip_p99: { title: "round trip, p99", unit: "ms", better: "smaller", floor: 50 },
  write_p50: { title: "a write until it is durable, median", unit: "ms", better: "smaller", floor: 50 },
  queries: { title: "one-row queries, many at once", unit: "/s", better: "larger", floor: 100, goal: 10_000 },
  writes: { title: "one-row writes, many at once", unit: "/s", better: "larger", floor: 100 },
  sync_p50: {
    title: "a write until a live query shows it, median",
    unit: "ms",
    better: "smaller",
    floor: 100,
    goal: 8,
  },
  sync_p99: { title: "a write until a live query shows it, p99", unit: "ms", better: "smaller", floor: 100, goal: 25 },
  transfer: { title: "a large result", unit: "MB/s", better: "larger", floor: 1 },
  recovery: { title: "the next answer after an error", unit: "ms", better: "smaller", floor: 50 },
  stress: { title: "success under a mixed load", unit: "%", better: "larger", floor: 95, goal: 100 },
  integrity: { title: "values that came back as they were", unit: "%", better: "larger", floor: 100, goal: 100 },
  memory: { title: "memory that the page has gained", unit: "MB", better: "smaller", floor: 10 },
} as const satisfies Record<string, Target>;

export type FigureName = keyof typeof targets;

export interface Figure {
  readonly name: FigureName;
  readonly value: number;
  readonly verdict: "met" | "below_goal" | "below_floor";
  /** What the value was made of. */
  readonly samples: readonly number[];
}

export function judged(name: FigureName, value: number, samples: readonly number[] = [value]): Figure {
  const { better, floor, goal }: Target = targets[name];
  const misses = (limit: number | undefined) =>
    limit !== undefined && (better === "smaller" ? value > limit : value < limit);
  return { name, value, verdict: misses(floor) ? "below_floor" : misses(goal) ? "below_goal" : "met", samples };
}

export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
