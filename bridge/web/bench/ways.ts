import { NodeProvider, type Provider } from "@tandem/web";
import type { BareEcho } from "./bare";
import { longestPauseMs, meanMs, median, type TimedTransport } from "./measuring";

export type Report = (name: string, value: number) => Promise<unknown>;

const rounds = 15;
const callsEachRound = 100;
const queriesAtOnce = 500;

/** There and back: what the node answers to a ping, and to a query of one row, beside the bare way, in turns. */
export async function roundTrips(way: string, provider: Provider, bare: BareEcho, report: Report): Promise<void> {
  const ask = () => provider.query("SELECT title FROM items WHERE id = ?", [77]);
  const asked = { bare: [] as number[], ping: [] as number[], query: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    asked.bare.push(await meanMs(callsEachRound, () => bare.call("a small message, as long as a ping")));
    asked.ping.push(await meanMs(callsEachRound, () => provider.ping()));
    asked.query.push(await meanMs(callsEachRound, ask));
  }
  await report(`${way} bare_ms`, median(asked.bare));
  await report(`${way} ping_ms`, median(asked.ping));
  await report(`${way} query_ms`, median(asked.query));
}

/** One-row queries, many under way at once. */
export async function queries(way: string, provider: Provider, report: Report): Promise<void> {
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const begin = performance.now();
    const count = queriesAtOnce * 4;
    for (let done = 0; done < count; done += queriesAtOnce)
      await Promise.all(
        Array.from({ length: queriesAtOnce }, (_, each) =>
          provider.query("SELECT title FROM items WHERE id = ?", [1 + ((done + each) % 10_000)]),
        ),
      );
    rates.push((count / (performance.now() - begin)) * 1_000);
  }
  await report(`${way} queries_per_s`, median(rates));
}

export async function largeResult(way: string, provider: Provider, report: Report): Promise<void> {
  const pauses: number[] = [];
  const took: number[] = [];
  for (let round = 0; round < 3; round++) {
    const begin = performance.now();
    pauses.push(
      await longestPauseMs(async () => {
        const { rows } = await provider.query("SELECT body FROM large");
        if (rows.length !== 10_240) throw new Error(`${rows.length} rows came`);
      }),
    );
    took.push(performance.now() - begin);
  }
  await report(`${way} large_pause_ms`, Math.max(...pauses));
  await report(`${way} large_ms`, median(took));
}

/** A list of 10,000 rows that other programs change: what the page spends on a change of one row. */
export async function liveList(way: string, timed: TimedTransport, writer: Provider, report: Report): Promise<void> {
  const provider = new NodeProvider(timed);
  const live = provider.watch<{ id: number; title: string }>("SELECT id, title FROM items ORDER BY id", [], {
    key: ["id"],
  });
  const seen = async (title: string) => {
    while (live.snapshot.rows[4_999]?.title !== title)
      await new Promise<void>((resolve) => {
        const stop = live.subscribe(() => {
          stop();
          resolve();
        });
      });
  };
  await seen("item 5000");
  const spent: number[] = [];
  for (let round = 0; round < 60; round++) {
    timed.frameMs.length = 0;
    await writer.execute("UPDATE items SET title = ? WHERE id = 5000", [`changed ${round}`]);
    await seen(`changed ${round}`);
    spent.push(timed.frameMs.reduce((sum, each) => sum + each, 0));
  }
  await writer.execute("UPDATE items SET title = 'item 5000' WHERE id = 5000");
  provider.close();
  await report(`${way} live_change_ms`, spent.reduce((sum, each) => sum + each, 0) / spent.length);
}

/** Follows what another program writes to 10,000 rows until its last transaction is shown. */
export async function flow(way: string, provider: Provider, report: Report): Promise<void> {
  const live = provider.watch<{ id: number; stars: number }>("SELECT id, stars FROM items ORDER BY id", [], {
    key: ["id"],
  });
  let shown = 0;
  let before: readonly object[] = [];
  const ended = new Promise<void>((resolve) => {
    live.subscribe(() => {
      const { rows } = live.snapshot;
      for (let each = 0; each < rows.length; each++) if (rows[each] !== before[each]) shown++;
      before = rows;
      if (rows[9_999]?.stars === -1) resolve();
    });
  });
  while (!live.snapshot.isReady) await new Promise((resolve) => setTimeout(resolve, 5));
  shown = 0;
  await report(`${way} flow_ready`, 1);
  await ended;
  live.close();
  await report(`${way} flow_end_epoch_ms`, performance.timeOrigin + performance.now());
  await report(`${way} flow_shown`, shown);
}
