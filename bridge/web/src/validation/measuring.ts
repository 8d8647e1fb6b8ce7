import { TandemError } from "../errors";
import { randomId } from "../ids";
import type { SqlValue } from "../protocol/values";
import type { Provider } from "../providers/provider";
import { type Figure, type FigureName, judged, percentile } from "./targets";

/** A table of the validation's own, gone when it ends. */
export const scratchTable = "bridge_validation";

export interface Amount {
  /** 1 is some seconds; less is quicker and noisier. */
  readonly scale: number;
}

/** One measurement: gives figures, or throws why it can't be made. */
export type Measurement = (provider: Provider, amount: Amount) => Promise<Figure[]>;

/** What is slow is measured, not missed: only under stress does what takes longer than usual count as failed. */
export const patient = { deadlineMs: 30_000 };

const now = () => performance.now();
const insert = `INSERT INTO ${scratchTable}(id, value) VALUES(?, ?)`;
const times = (count: number, { scale }: Amount) => Math.max(10, Math.round(count * scale));

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = now();
  await work();
  return now() - begin;
}

async function oneByOne(count: number, work: () => Promise<unknown>): Promise<number[]> {
  const samples: number[] = [];
  for (let i = 0; i < count; i++) samples.push(await timed(work));
  return samples;
}

/** The least that this page's clock can tell apart: WebKit's ticks once a millisecond. */
function clockStepMs(): number {
  const begin = now();
  let next = begin;
  while (next === begin) next = now();
  return next - begin;
}

const fineStepMs = 0.1;
const groupSize = 20;

/** What is usual, also where a single one ends in the tick that it began in: then means of groups. */
async function usual(count: number, work: () => Promise<unknown>): Promise<number[]> {
  if (clockStepMs() <= fineStepMs) return oneByOne(count, work);
  const group = async () => {
    for (let i = 0; i < groupSize; i++) await work();
  };
  const sums = await oneByOne(Math.max(5, Math.round(count / groupSize)), group);
  return sums.map((sum) => sum / groupSize);
}

/** `lanes` at once, for the rate that a page can reach. */
async function rate(count: number, lanes: number, work: (index: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  const ms = await timed(() => Promise.all(Array.from({ length: lanes }, lane)));
  return (count / ms) * 1_000;
}

const roundTrips: Measurement = async (provider, amount) => {
  const samples = await usual(times(300, amount), () => provider.ping());
  const each = await oneByOne(times(300, amount), () => provider.ping());
  return [
    judged("round_trip_p50", percentile(samples, 0.5), samples),
    judged("round_trip_p99", percentile(each, 0.99), each),
  ];
};

const writes: Measurement = async (provider, amount) => {
  const samples = await usual(times(100, amount), () => provider.execute(insert, [randomId(), 1], patient));
  const perSecond = await rate(times(500, amount), 32, () => provider.execute(insert, [randomId(), 1], patient));
  return [judged("write_p50", percentile(samples, 0.5), samples), judged("writes", perSecond)];
};

const queries: Measurement = async (provider, amount) => [
  judged("queries", await rate(times(3_000, amount), 32, (index) => provider.query("SELECT ? AS n", [index], patient))),
];

const syncing: Measurement = async (provider, amount) => {
  const live = provider.watch<{ n: number }>(`SELECT count(*) AS n FROM ${scratchTable}`);
  const shown = (wanted: number) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => end(new TandemError("deadline", "a live query did not follow within 30 s")),
        patient.deadlineMs,
      );
      const end = (reason?: TandemError) => {
        clearTimeout(timer);
        stop();
        reason ? reject(reason) : resolve();
      };
      const look = () => (live.snapshot.rows[0]?.n ?? -1) >= wanted && end();
      const stop = live.subscribe(look);
      look();
    });
  try {
    await shown(0);
    const samples: number[] = [];
    for (let i = times(60, amount); i > 0; i--) {
      const before = live.snapshot.rows[0]?.n ?? 0;
      samples.push(
        await timed(() => Promise.all([provider.execute(insert, [randomId(), 2], patient), shown(before + 1)])),
      );
    }
    return [
      judged("sync_p50", percentile(samples, 0.5), samples),
      judged("sync_p99", percentile(samples, 0.99), samples),
    ];
  } finally {
    live.close();
  }
};

const largeTransfers: Measurement = async (provider, amount) => {
  const bytes = 256 * 1024;
  const rows = Math.max(1, Math.round(16 * amount.scale));
  const sql =
    "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ?) SELECT randomblob(?) AS b FROM s";
  const samples: number[] = [];
  for (let i = 0; i < 3; i++) {
    const begin = now();
    const result = await provider.query<{ b: Uint8Array }>(sql, [rows, bytes], patient);
    const total = result.rows.reduce((sum, { b }) => sum + b.length, 0);
    if (total !== rows * bytes) throw new TandemError("defect", `${total} bytes came of ${rows * bytes}`);
    samples.push(total / 1e6 / ((now() - begin) / 1_000));
  }
  return [judged("transfer", percentile(samples, 0.5), samples)];
};

const errorRecovery: Measurement = async (provider, amount) => {
  const samples: number[] = [];
  for (let i = times(20, amount); i > 0; i--) {
    const code = await provider.query("SELECT * FROM there_is_no_such_table").then(
      () => "nothing",
      (reason) => (reason as TandemError).code,
    );
    if (code !== "sql") throw new TandemError("defect", `a wrong statement was answered with ${code}, not sql`);
    samples.push(await timed(() => provider.query("SELECT 1")));
  }
  return [judged("recovery", percentile(samples, 0.5), samples)];
};

const stress: Measurement = async (provider, amount) => {
  const count = times(600, amount);
  let good = 0;
  await rate(count, 48, async (index) => {
    const kinds = [
      () => provider.query(`SELECT count(*) FROM ${scratchTable}`),
      () => provider.execute(insert, [randomId(), index]),
      () => provider.execute(`UPDATE ${scratchTable} SET value = value WHERE id = ?`, [String(index)]),
      () => provider.ping(),
    ];
    await kinds[index % kinds.length]?.().then(
      () => good++,
      () => {},
    );
  });
  return [judged("stress", (100 * good) / count)];
};

const integrity: Measurement = async (provider, amount) => {
  const random = crypto.getRandomValues(new Uint8Array(4_096));
  const values: SqlValue[] = [
    null,
    0,
    -1,
    2 ** 53 - 1,
    2n ** 63n - 1n,
    -(2n ** 63n),
    0.1,
    "",
    "a\0é🙂",
    new Uint8Array(),
    random,
  ];
  const rounds = times(20, amount);
  let same = 0;
  for (let i = 0; i < rounds; i++)
    for (const value of values) {
      const id = randomId();
      await provider.execute(insert, [id, value], patient);
      const { rows } = await provider.query<{ value: SqlValue }>(
        `SELECT value FROM ${scratchTable} WHERE id = ?`,
        [id],
        patient,
      );
      if (isSame(rows[0]?.value, value)) same++;
    }
  return [judged("integrity", (100 * same) / (rounds * values.length))];
};

function isSame(left: SqlValue | undefined, right: SqlValue): boolean {
  if (left instanceof Uint8Array && right instanceof Uint8Array)
    return left.length === right.length && left.every((byte, index) => byte === right[index]);
  return Object.is(left, right);
}

export const measurements: Readonly<Record<string, Measurement>> = {
  "round trips": roundTrips,
  writes,
  queries,
  syncing,
  "large transfers": largeTransfers,
  "error recovery": errorRecovery,
  stress,
  integrity,
};

/** Megabytes that this page's scripts hold; null where the browser does not tell. */
export function heapMb(): number | null {
  const memory = (performance as { memory?: { usedJSHeapSize: number } }).memory;
  const process = (globalThis as { process?: { memoryUsage?: () => { heapUsed: number } } }).process;
  const bytes = memory?.usedJSHeapSize ?? process?.memoryUsage?.().heapUsed;
  return bytes === undefined ? null : bytes / 1e6;
}

export const memoryFigure = (gainedMb: number): Figure => judged("memory" satisfies FigureName, Math.max(0, gainedMb));
