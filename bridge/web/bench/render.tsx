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

function LastTick({ onTick }: { onTick: (tick: Tick) => void }) {
  const { rows, isReady } = useQuery<Tick>("SELECT id, at FROM ticks ORDER BY id DESC LIMIT 1");
  useLayoutEffect(() => {
    if (isReady) onTick(rows[0] ?? { id: 0, at: 0 });
  }, [rows, isReady, onTick]);
  return <p>{rows[0]?.id ?? "none yet"}</p>;
}

/** From just before another program's commit to the component that shows it, drawn again. */
export async function render(way: string, provider: Provider, count: number, report: Report): Promise<void> {
  const delays = new Map<number, number>();
  const place = document.getElementById("root");
  if (!place) throw new Error("the page has no place to draw in");
  const root = createRoot(place);
  await new Promise<void>((resolve) => {
    const onTick = ({ id, at }: Tick) => {
      if (id === 0) void report(`${way} render_ready`, 1);
      else if (!delays.has(id)) delays.set(id, nowMs() - at);
      if (id === count) resolve();
    };
    root.render(
      <TandemProvider provider={provider}>
        <LastTick onTick={onTick} />
      </TandemProvider>,
    );
  });
  root.unmount();
  const measured = [...delays].filter(([id]) => id > warmUp).map(([, delay]) => delay);
  await report(`${way} render_p50_ms`, quantile(measured, 0.5));
  await report(`${way} render_p99_ms`, quantile(measured, 0.99));
  await report(`${way} render_longest_ms`, Math.max(...measured));
  await report(`${way} render_seen`, delays.size);
}
