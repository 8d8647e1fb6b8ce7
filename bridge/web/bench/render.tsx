import type { Provider } from "@tandem/web";
import { TandemProvider, useQuery } from "@tandem/web/react";
import { useLayoutEffect } from "react";
import { createRoot } from "react-dom/client";
import { nowMs, quantile } from "./measuring";
import type { Report } from "./ways";

const warmUp = 20;

interface Tick {
  id: number;
  at: number;
}

function LastTick({ writer, onTick }: { writer: string; onTick: (writer: string, tick: Tick) => void }) {
  const { rows, isReady } = useQuery<Tick>("SELECT id, at FROM ticks WHERE writer = ? ORDER BY id DESC LIMIT 1", [
    writer,
  ]);
  useLayoutEffect(() => {
    if (isReady) onTick(writer, rows[0] ?? { id: 0, at: 0 });
  }, [writer, rows, isReady, onTick]);
  return <p>{rows[0]?.id ?? "none yet"}</p>;
}

/** From just before a writer's commits to the component that shows them, drawn again. */
export interface Drawn {
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
  /** Those drawn one by one, the others were overtaken. */
  readonly seen: number;
}

/** Follows so many ticks of each of these writers; `onReady` is called when all are watched. */
export async function follow(
  writers: readonly string[],
  provider: Provider,
  count: number,
  onReady: () => void,
): Promise<ReadonlyMap<string, Drawn>> {
  const delays = new Map(writers.map((writer) => [writer, new Map<number, number>()]));
  const place = document.getElementById("root");
  if (!place) throw new Error("the page has no place to draw in");
  const root = createRoot(place);
  await new Promise<void>((resolve) => {
    const watched = new Set<string>();
    const onTick = (writer: string, { id, at }: Tick) => {
      const seen = delays.get(writer);
      if (id > 0 && !seen?.has(id)) seen?.set(id, nowMs() - at);
      if (!watched.has(writer) && watched.add(writer).size === writers.length) onReady();
      if ([...delays.values()].every((each) => each.has(count))) resolve();
    };
    root.render(
      <TandemProvider provider={provider}>
        {writers.map((writer) => (
          <LastTick key={writer} writer={writer} onTick={onTick} />
        ))}
      </TandemProvider>,
    );
  });
  root.unmount();
  return new Map([...delays].map(([writer, each]) => [writer, drawn(each)]));
}

function drawn(delays: ReadonlyMap<number, number>): Drawn {
  const measured = [...delays].filter(([id]) => id > warmUp).map(([, delay]) => delay);
  return {
    p50: quantile(measured, 0.5),
    p99: quantile(measured, 0.99),
    longest: Math.max(...measured),
    seen: delays.size,
  };
}

/** What another program writes, one row now and then. */
export async function render(way: string, provider: Provider, count: number, report: Report): Promise<void> {
  const ready = () => void report(`${way} render_ready`, 1);
  const seen = (await follow(["program"], provider, count, ready)).get("program");
  await report(`${way} render_p50_ms`, seen?.p50 ?? Number.NaN);
  await report(`${way} render_p99_ms`, seen?.p99 ?? Number.NaN);
  await report(`${way} render_seen`, seen?.seen ?? 0);
  await report(`${way} render_longest_ms`, seen?.longest ?? Number.NaN);
}
