import { Real } from "../../src/protocol/values";
import type { Conflict, Provider } from "../../src/providers/provider";
import { check, equal, refused, until } from "./assert";

/** The tables that a provider under contract works on, tracked, with whatever else beside them. */
export const contractSchema =
  "CREATE TABLE IF NOT EXISTS notes(id TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL DEFAULT '', stars, UNIQUE(title)) WITHOUT ROWID;";

export interface World {
  readonly provider: Provider;
  /** Another program writes: with stock SQLite to the same file, or to that of a peer. */
  outside(sql: string): Promise<void>;
  /** Somebody writes at another device, which is kept in step. */
  elsewhere(sql: string): Promise<void>;
  /** The page closes in the middle of whatever it does, and is opened again: gives the new provider of the same database. */
  reload(): Promise<Provider>;
}

export interface Clause {
  readonly name: string;
  run(world: World): Promise<void>;
}

const insert = "INSERT INTO notes(id, title) VALUES(?, ?)";
const endless = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) SELECT count(*) FROM s";

/** Not those that tell of the way there or of the time that it took. */
const refusals = new Set(["denied", "usage", "sql", "refused"]);

/** Rows of one clause alone: nothing is cleared away between them, for peers may be slow to hear of it. */
class Own {
  private static last = 0;
  private readonly mark = `${Date.now().toString(36)}-${++Own.last}-`;

  constructor(private readonly provider: Provider) {}

  id(name: string): string {
    return this.mark + name;
  }

  add(name: string, title: string, options = {}) {
    return this.provider.execute(insert, this.row(name, title), options);
  }

  row(name: string, title: string): [string, string] {
    return [this.id(name), this.id(title)];
  }

  get selection(): { sql: string; parameters: string[] } {
    const sql = "SELECT id, title FROM notes WHERE id >= ? AND id < ? ORDER BY id";
    return { sql, parameters: [this.mark, `${this.mark}~`] };
  }

  async titles(): Promise<string[]> {
    const { sql, parameters } = this.selection;
    const { rows } = await this.provider.query<{ title: string }>(sql, parameters);
    return rows.map(({ title }) => title.slice(this.mark.length));
  }

  watch() {
    const { sql, parameters } = this.selection;
    return this.provider.watch<{ id: string; title: string }>(sql, parameters, { key: ["id"] });
  }
}

/** Both write while they do not hear of each other; gives the conflict that comes of it. */
async function collide(provider: Provider, key: string, work: () => Promise<void>): Promise<Conflict> {
  const isPaused = async () => ((await provider.status()) as { paused: boolean }).paused;
  await provider.pause();
  await until("the pause", isPaused);
  await work();
  await provider.resume();
  let found: Conflict | undefined;
  await until(
    "the conflict",
    async () => {
      const conflicts = await provider.conflicts({ open: false });
      found = conflicts.find(({ key: of }) => JSON.stringify(of).includes(key));
      return found !== undefined;
    },
    40_000,
  );
  return found as Conflict;
}

/** What every provider promises, however the database is reached. */
export const contract: readonly Clause[] = [
  {
    name: "gives every value back as it was",
    async run({ provider }) {
      const values = [
        null,
        -1,
        2 ** 53 - 1,
        2n ** 63n - 1n,
        -(2n ** 63n),
        1.5,
        "a\0é😀",
        "",
        new Uint8Array([0, 255]),
        new Uint8Array(),
      ];
      const sql = `SELECT ${values.map((_, index) => `? AS c${index}`).join(", ")}, typeof(?) AS real`;
      const { rows, columns } = await provider.query(sql, [...values, new Real(2)]);
      equal(columns.at(-1), "real");
      equal(Object.values(rows[0] ?? {}), [...values, "real"]);
    },
  },
  {
    name: "stores every value as it was",
    async run({ provider }) {
      const own = new Own(provider);
      const values = [null, 2n ** 62n, -0.5, "", "a\0b", new Uint8Array([1, 0, 2])];
      await provider.execute(
        values.map((value, index) => ({
          sql: "INSERT INTO notes(id, title, stars) VALUES(?, ?, ?)",
          parameters: [...own.row(String(index), String(index)), value],
        })),
      );
      const { sql, parameters } = own.selection;
      const { rows } = await provider.query<{ stars: unknown }>(sql.replace("id, title", "stars"), parameters);
      equal(
        rows.map(({ stars }) => stars),
        values,
      );
    },
  },
  {
    name: "brings long results whole, in parts",
    async run({ provider }) {
      const sql = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 20000) SELECT n FROM s";
      const { rows } = await provider.query<{ n: number }>(sql);
      equal([rows.length, rows[0]?.n, rows[19_999]?.n], [20_000, 1, 20_000]);
    },
  },
  {
    name: "brings a large value whole",
    async run({ provider }) {
      const { rows } = await provider.query<{ body: Uint8Array }>("SELECT zeroblob(3000000) AS body");
      equal(rows[0]?.body.length, 3_000_000);
    },
  },
  {
    name: "writes all or nothing, with typed errors",
    async run({ provider }) {
      const own = new Own(provider);
      const statements = ["a", "b"].map((name) => ({ sql: insert, parameters: own.row(name, "one") }));
      await refused(provider.execute(statements), "constraint");
      equal(await own.titles(), []);
      await refused(provider.execute("INSERT INTO nowhere VALUES(1)"), "sql");
      await refused(provider.query("SELECT * FROM nowhere"), "sql");
      await refused(provider.query("nonsense"), "sql");
    },
  },
  {
    name: "tells how many rows a write changed",
    async run({ provider }) {
      const own = new Own(provider);
      equal((await own.add("a", "one")).changes, 1);
      await own.add("b", "two");
      const { parameters } = own.selection;
      equal((await provider.execute("UPDATE notes SET stars = 5 WHERE id >= ? AND id < ?", parameters)).changes, 2);
    },
  },
  {
    name: "writes once whatever is asked again",
    async run({ provider }) {
      const own = new Own(provider);
      const once = own.id("once");
      equal((await own.add("a", "one", { once })).isRepeat, false);
      equal((await own.add("a", "one", { once })).isRepeat, true);
      equal(await own.titles(), ["one"]);
    },
  },
  {
    name: "keeps the order of what was asked at once",
    async run({ provider }) {
      const own = new Own(provider);
      const update = "UPDATE notes SET title = ? WHERE id = ?";
      const asked: Promise<unknown>[] = [own.add("a", "0")];
      for (let each = 1; each <= 30; each++) asked.push(provider.execute(update, [own.id(String(each)), own.id("a")]));
      await Promise.all(asked);
      equal(await own.titles(), ["30"]);
    },
  },
  {
    name: "runs transactions, sees their writes within, and rolls back what fails",
    async run({ provider }) {
      const own = new Own(provider);
      const { sql, parameters } = own.selection;
      const count = await provider.transaction(async (within) => {
        await within.execute(insert, own.row("a", "one"));
        return (await within.query(sql, parameters)).rows.length;
      });
      equal(count, 1);
      const failing = provider.transaction(async (within) => {
        await within.execute(insert, own.row("b", "two"));
        throw new Error("changed my mind");
      });
      equal(await failing.catch((reason) => reason.message), "changed my mind");
      equal(await own.titles(), ["one"]);
    },
  },
  {
    name: "ends a transaction that takes longer than its limit",
    async run({ provider }) {
      const own = new Own(provider);
      const slow = provider.transaction(
        async (within) => {
          await within.execute(insert, own.row("a", "one"));
          await new Promise((resolve) => setTimeout(resolve, 300));
          await within.execute(insert, own.row("b", "two"));
        },
        { limitMs: 50 },
      );
      await refused(slow, "deadline");
      equal(await own.titles(), []);
    },
  },
  {
    name: "follows its own writes and those of others live, row by row",
    async run({ provider, outside }) {
      const own = new Own(provider);
      const live = own.watch();
      await until("the first answer", () => live.snapshot.isReady);
      equal(live.snapshot.rows, []);
      const [a, b] = [own.row("a", "one"), own.row("b", "two")];
      await outside(`INSERT INTO notes(id, title) VALUES('${a[0]}', '${a[1]}'), ('${b[0]}', '${b[1]}')`);
      await until("what another program wrote", () => live.snapshot.rows.length === 2);
      const kept = live.snapshot.rows[0];
      await provider.execute("UPDATE notes SET title = ? WHERE id = ?", own.row("three", "b"));
      await until("its own write", () => live.snapshot.rows[1]?.title === own.id("three"));
      check(live.snapshot.rows[0] === kept, "a row that did not change is not the same object");
      await provider.execute("DELETE FROM notes WHERE id = ?", [own.id("a")]);
      await until("a row that went", () => live.snapshot.rows.length === 1);
      live.close();
    },
  },
  {
    name: "says what is wrong with a live query",
    async run({ provider }) {
      const live = provider.watch("SELECT * FROM nowhere");
      await until("the error", () => live.snapshot.error !== null);
      equal(live.snapshot.error?.code, "sql");
      live.close();
    },
  },
  {
    name: "tells which tables changed",
    async run({ provider, outside }) {
      const own = new Own(provider);
      let hasHeard = false;
      const others = new Set<string>();
      // No names: it may be any table. So it is told of what came from other replicas.
      const stop = provider.observe(["notes"], ({ tables }) => {
        hasHeard = hasHeard || tables.length === 0 || tables.includes("notes");
        for (const table of tables) if (table !== "notes") others.add(table);
      });
      await provider.ping();
      const [id, title] = own.row("a", "one");
      await outside(`INSERT INTO notes(id, title) VALUES('${id}', '${title}')`);
      await until("the table", () => hasHeard);
      stop();
      equal([...others], []);
    },
  },
  {
    name: "cancels what runs for too long, and goes on",
    async run({ provider }) {
      const abort = new AbortController();
      await provider.ping();
      const query = provider.query(endless, [], { signal: abort.signal });
      await Promise.resolve();
      abort.abort();
      await refused(query, "cancelled");
      await refused(provider.query(endless, [], { deadlineMs: 100 }), "deadline");
      // Not above nought: WebKit's clock ticks once a millisecond, and a ping may well end in the one it began in.
      check((await provider.ping()) >= 0, "a ping tells how long it took");
    },
  },
  {
    name: "refuses what a page may not do",
    async run({ provider }) {
      for (const sql of ["SELECT * FROM tandem_log", "SELECT load_extension('x')", "PRAGMA writable_schema = 1"])
        check(
          await provider.query(sql).then(
            () => false,
            ({ name, code }) => name === "TandemError" && refusals.has(code),
          ),
          `${sql} was not refused`,
        );
      for (const sql of [
        "DELETE FROM tandem_log",
        "ATTACH 'x' AS y",
        "PRAGMA user_version = 7",
        "VACUUM INTO 'x'",
        "BEGIN",
      ])
        check(
          await provider.execute(sql).then(
            () => false,
            ({ name, code }) => name === "TandemError" && refusals.has(code),
          ),
          `${sql} was not refused`,
        );
      equal((await provider.query("SELECT 1 AS one")).rows, [{ one: 1 }]);
    },
  },
  {
    name: "answers questions",
    async run({ provider }) {
      const own = new Own(provider);
      await own.add("a", "one");
      check(typeof (await provider.status()) === "object", "status is an object");
      check(Array.isArray(await provider.conflicts()), "conflicts are a list");
      check(Array.isArray(await provider.audit()), "the audit trail is a list");
      const tables = (await provider.tables()) as { name: string }[];
      equal(
        tables.find(({ name }) => name === "notes"),
        {
          name: "notes",
          key: ["id"],
          columns: ["id", "title", "stars"],
          is_tracked: true,
        },
      );
      // A write is durable before it is stamped, and "why" tells of stamps.
      await until("an answer that tells of the columns", async () =>
        JSON.stringify(await provider.why("notes", [own.id("a")])).includes("title"),
      );
      await refused(provider.ask("nonsense"), "usage");
      await refused(provider.conflict("nonsense"), "not_found");
    },
  },
  {
    name: "settles a conflict, undoes that, and settles it again",
    async run({ provider, elsewhere }) {
      const own = new Own(provider);
      const [key, title] = own.row("a", "one");
      const stars = async () => {
        const { rows } = await provider.query<{ stars: unknown }>("SELECT stars FROM notes WHERE id = ?", [key]);
        return rows[0]?.stars;
      };
      await elsewhere(`INSERT INTO notes(id, title, stars) VALUES('${key}', '${title}', 0)`);
      await until("what was written elsewhere", async () => (await stars()) === 0);
      const { id } = await collide(provider, key, async () => {
        await provider.execute("UPDATE notes SET stars = 1 WHERE id = ?", [key]);
        await elsewhere(`UPDATE notes SET stars = 2 WHERE id = '${key}'`);
      });
      const stood = await stars();
      check(stood === 1 || stood === 2, `${stood} stands, which nobody wrote`);
      await provider.resolve({ id, take: "other", user: "Ada" });
      equal(await stars(), stood === 1 ? 2 : 1);
      const { settlements } = (await provider.conflict(id)) as unknown as { settlements: { user: string }[] };
      equal(settlements.at(-1)?.user, "Ada");
      await provider.undo(id);
      equal(await stars(), stood);
      await provider.resolve({ id, take: "value", value: 7 });
      equal(await stars(), 7);
      await refused(provider.resolve({ id, take: "nonsense" as "other" }), "usage");
      equal(await stars(), 7);
    },
  },
  {
    name: "settles a conflict of whole rows by fields of both",
    async run({ provider, elsewhere }) {
      const own = new Own(provider);
      const key = own.id("a");
      const titles = [own.id("here"), own.id("there")];
      const row = async () => {
        const { rows } = await provider.query<{ title: string; stars: unknown }>(
          "SELECT title, stars FROM notes WHERE id = ?",
          [key],
        );
        return rows[0];
      };
      const { id } = await collide(provider, key, async () => {
        await provider.execute(insert, [key, titles[0] as string]);
        await elsewhere(`INSERT INTO notes(id, title, stars) VALUES('${key}', '${titles[1]}', 2)`);
      });
      const stood = await row();
      const other = titles.find((title) => title !== stood?.title);
      await provider.resolve({ id, take: "fields", value: { title: "other", stars: { value: 9 } } });
      equal(await row(), { title: other, stars: 9 });
      await provider.undo(id);
      equal(await row(), stood);
    },
  },
  {
    name: "pauses and resumes sync",
    async run({ provider }) {
      const own = new Own(provider);
      const isPaused = async () => ((await provider.status()) as { paused: boolean }).paused;
      equal(await isPaused(), false);
      await provider.pause();
      await until("the pause", isPaused);
      await own.add("a", "while it was paused");
      await until("an answer that tells of it", async () =>
        JSON.stringify(await provider.why("notes", [own.id("a")])).includes("paused"),
      );
      await provider.resume();
      await until("the end of the pause", async () => !(await isPaused()));
    },
  },
  {
    name: "keeps how soon changes of a table leave",
    async run({ provider }) {
      await provider.prioritize("notes", "critical");
      equal((await provider.priorities()).notes, "critical");
      await provider.prioritize("notes", "normal");
      equal((await provider.priorities()).notes, undefined);
      await refused(provider.prioritize("nowhere", "critical"), "not_found");
      await refused(provider.prioritize("notes", "at once" as "critical"), "usage");
    },
  },
  {
    name: "writes once what is asked again after a reload",
    async run({ provider, reload }) {
      const own = new Own(provider);
      const once = own.id("once");
      await own.add("a", "one", { once });
      const again = await reload();
      equal((await again.execute(insert, own.row("a", "one"), { once })).isRepeat, true);
      const { sql, parameters } = own.selection;
      equal((await again.query(sql, parameters)).rows.length, 1);
    },
  },
  {
    name: "rolls back what a reload cut off, and rejects what was asked",
    async run({ provider, reload }) {
      const own = new Own(provider);
      let hasWritten = false;
      let goOn = () => {};
      const cut = provider.transaction(async (within) => {
        await within.execute(insert, own.row("a", "one"));
        hasWritten = true;
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
        await within.execute(insert, own.row("b", "two"));
      });
      const rejected = refused(cut, "closed");
      await until("the first write", () => hasWritten);
      const again = await reload();
      goOn();
      await rejected;
      await refused(provider.query("SELECT 1"), "closed");
      await again.execute(insert, own.row("c", "three"));
      const { sql, parameters } = own.selection;
      const { rows } = await again.query<{ id: string }>(sql, parameters);
      equal(
        rows.map(({ id }) => id),
        [own.id("c")],
      );
    },
  },
  {
    name: "says how it is reached",
    async run({ provider }) {
      await provider.ping();
      equal(provider.state.phase, "open");
    },
  },
];
