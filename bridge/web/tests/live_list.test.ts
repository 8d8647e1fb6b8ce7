import { expect, it } from "vitest";
import { LiveList } from "../src/live_list";
import type { MessageOf } from "../src/protocol/messages";

const empty: MessageOf<"live"> = {
  kind: "live",
  id: 1,
  sequence: 1,
  isWhole: false,
  columns: [],
  removed: [],
  inserted: [],
  insertedValues: [],
  changed: [],
  changedValues: [],
  total: 0,
  moreFollows: false,
};

/** A generator of numbers by a seed, so that a failure comes again. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** The difference between two lists of unique ids with a text each, as the node would tell it. */
function difference(before: Map<number, string>, after: Map<number, string>): MessageOf<"live"> {
  const old = [...before.keys()];
  const next = [...after.keys()];
  const inserted = next.flatMap((id, index) => (before.has(id) ? [] : [index]));
  const changed = next.flatMap((id, index) => (before.has(id) && before.get(id) !== after.get(id) ? [index] : []));
  const rowAt = (index: number) => [next[index] as number, after.get(next[index] as number) as string];
  return {
    ...empty,
    removed: old.flatMap((id, index) => (after.has(id) ? [] : [index])),
    inserted,
    insertedValues: inserted.flatMap(rowAt),
    changed,
    changedValues: changed.flatMap(rowAt),
    total: next.length,
  };
}

it("follows random histories and keeps the rows that stayed", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seeded(seed);
    const list = new LiveList<{ id: number; text: string }>();
    list.apply({ ...empty, isWhole: true, columns: ["id", "text"] });
    let model = new Map<number, string>();
    for (let step = 0; step < 20; step++) {
      const next = new Map([...model].filter(() => random(4) > 0));
      for (const id of next.keys()) if (random(3) === 0) next.set(id, `changed in ${step}`);
      for (let each = random(4); each > 0; each--) next.set(random(30), `new in ${step}`);
      // Rows that stayed keep their order; this list is ordered by id.
      const ordered = new Map([...next].sort(([a], [b]) => a - b));
      const before = new Map(list.rows.map((row) => [row.id, row]));
      list.apply(difference(model, ordered));
      expect(list.rows, `seed ${seed}, step ${step}`).toEqual([...ordered].map(([id, text]) => ({ id, text })));
      for (const row of list.rows)
        if (model.get(row.id) === row.text && before.has(row.id)) expect(before.get(row.id)).toBe(row);
      model = ordered;
    }
  }
});

it("refuses differences that do not fit", () => {
  const list = new LiveList();
  list.apply({ ...empty, isWhole: true, columns: ["id"], inserted: [0], insertedValues: [1], total: 1 });
  expect(() => list.apply({ ...empty, removed: [1], total: 0 })).toThrow(/lost step/);
  expect(() => list.apply({ ...empty, inserted: [5], insertedValues: [2], total: 2 })).toThrow(/lost step/);
  expect(() => list.apply({ ...empty, changed: [1], changedValues: [2], total: 1 })).toThrow(/lost step/);
  expect(() => list.apply({ ...empty, total: 2 })).toThrow(/lost step/);
  expect(() => list.apply({ ...empty, inserted: [0], insertedValues: [1, 2], total: 2 })).toThrow(/values/);
  expect(list.rows).toEqual([{ id: 1 }]);
});

it("takes a column by any name", () => {
  const list = new LiveList();
  list.apply({ ...empty, isWhole: true, columns: ["__proto__"], inserted: [0], insertedValues: [7], total: 1 });
  expect(Object.entries(list.rows[0] ?? {})).toEqual([["__proto__", 7]]);
});

it("keeps the rows that stayed as they were when the whole comes again, in however many parts", () => {
  for (const key of [["id"], []]) {
    const list = new LiveList<{ id: number; body: Uint8Array | string }>(key);
    const whole = { ...empty, isWhole: true, columns: ["id", "body"] };
    const blob = () => new Uint8Array([1, 2]);
    list.apply({ ...whole, inserted: [0, 1, 2], insertedValues: [1, "one", 2, blob(), 3, "three"], total: 3 });
    const [one, two, three] = list.rows;
    list.apply({ ...whole, inserted: [0, 1], insertedValues: [1, "one", 2, blob()], total: 2 });
    list.apply({ ...empty, inserted: [1, 3], insertedValues: [4, "four", 3, "other"], total: 4 });
    expect(list.rows.map(({ id }) => id)).toEqual([1, 4, 2, 3]);
    expect(list.rows[0]).toBe(one);
    expect(list.rows[2]).toBe(two);
    expect(list.rows[3]).not.toBe(three);
    expect(list.rows[3]).toEqual({ id: 3, body: "other" });
  }
});
