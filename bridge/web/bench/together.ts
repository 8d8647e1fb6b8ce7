import type { Provider } from "@tandem/web";
import { nowMs } from "./measuring";
import { follow } from "./render";
import type { Report } from "./ways";

/** Who writes to the one database at the same time: two pages and a program. */
const writers = ["browser", "window", "program"] as const;

const shortestWaitMs = 20;
const longestWaitMs = 60;

/** Writes now and then, as the others do, and measures how soon what they write is drawn here. */
export async function together(me: string, provider: Provider, count: number, report: Report): Promise<void> {
  const others = writers.filter((writer) => writer !== me);
  let writing: Promise<void> | undefined;
  const ready = () => {
    void report(`${me} together_ready`, 1);
    writing = write(me, provider, count);
  };
  const seen = await follow(others, provider, count, ready);
  await writing;
  for (const [writer, { p50, p99, seen: one }] of seen) {
    await report(`${me} of ${writer} p50_ms`, p50);
    await report(`${me} of ${writer} p99_ms`, p99);
    await report(`${me} of ${writer} seen`, one);
  }
  await report(`${me} together_done`, 1);
}

async function write(me: string, provider: Provider, count: number): Promise<void> {
  const isBegun = () => provider.query("SELECT 1 FROM figures WHERE name = 'together begun'");
  while ((await isBegun()).rows.length === 0) await wait(shortestWaitMs);
  for (let id = 1; id <= count; id++) {
    await provider.execute("INSERT INTO ticks(writer, id, at) VALUES(?, ?, ?)", [me, id, nowMs()]);
    await wait(shortestWaitMs + Math.random() * (longestWaitMs - shortestWaitMs));
  }
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
