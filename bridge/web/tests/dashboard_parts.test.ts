// @vitest-environment happy-dom
import { beforeEach, expect, it } from "vitest";
import { Inbox } from "../../../monitor/dashboard/src/inbox";
import { LogList } from "../../../monitor/dashboard/src/log";
import type { Report } from "../../../monitor/dashboard/src/report";
import type { Provider } from "../src/providers/provider";
import { until } from "./node_process";

beforeEach(() => {
  document.body.innerHTML = '<div id="inbox"></div><div id="log"></div>';
});

const conflict = (key: string) => ({ id: key, table: "notes", key, column: "title", current: '"a"', other: '"b"' });

/** Answers when the test lets it. */
class SlowProvider {
  keys: string[] = [];
  readonly waiting: (() => void)[] = [];
  tell = () => {};

  observe(_tables: readonly string[], listener: () => void) {
    this.tell = listener;
    return () => {};
  }
  async ask(_what: string, wish: { set_aside?: boolean }) {
    const entries = wish.set_aside ? [] : this.keys.map(conflict);
    if (!wish.set_aside) await new Promise<void>((resolve) => this.waiting.push(resolve));
    return { total: entries.length, entries };
  }
}

it("asks again for a conflict that comes while it is asking, once for any number of news", async () => {
  const db = new SlowProvider();
  db.keys = ["1"];
  new Inbox(db as unknown as Provider);
  await until(() => db.waiting.length === 1);
  db.keys = ["1", "2"];
  for (let news = 0; news < 5; news++) db.tell();
  db.waiting[0]?.();
  await until(() => db.waiting.length === 2);
  db.waiting[1]?.();
  await until(() => document.querySelectorAll("#inbox tbody tr").length === 2);
  expect(db.waiting.length).toBe(2);
});

const report = (...texts: string[]) =>
  ({ log: texts.map((text) => ({ time_ms: 0, level: "info", text })) }) as unknown as Report;
const lines = () => [...document.querySelectorAll("#log li")];

it("adds what is new in a log of which the node keeps the end only", () => {
  const log = new LogList();
  log.draw(report());
  expect(document.querySelector("#log p")?.textContent).toBe("No lines yet.");
  log.draw(report("a", "b", "b"));
  const before = lines();
  log.draw(report("a", "b", "b"));
  log.draw(report("b", "b", "c"));
  log.draw(report("c", "b", "b"));
  expect(lines().slice(0, 3)).toEqual(before);
  expect(lines().map((line) => line.textContent?.at(-1))).toEqual(["a", "b", "b", "c", "b", "b"]);
  log.draw(report("x", "y")); // The node has begun anew.
  expect(lines().length).toBe(8);
});
