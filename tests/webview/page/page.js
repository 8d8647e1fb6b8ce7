// Writes down what came.
const write = (name, value) => ask(35, 0, "", [["INSERT INTO seen VALUES(?, ?)", [name, String(value)]]], 0);

async function main() {
  await write("name", (await openSession())[4]);
  const rows = [];
  const id = ++last;
  await new Promise((resolve) => {
    waiting.set(id, ([, , , number, , count, values, isLast]) => {
      rows.push(...values);
      if (!isLast) void send([34, 1, id, 1]);
      else resolve();
    });
    void send([33, 1, id, 60000, 0, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000) SELECT i FROM n", [], 100, 10]);
  });
  await write("rows", rows.length);
  await write("denied", await ask(35, 0, "", [["DELETE FROM tandem_log", []]], 0).catch((error) => error.message.split(":")[0]));
  await write("gap", await handler.postMessage(`${session} send 99 `).catch(() => "refused"));
  const watch = ++last;
  waiting.set(watch, async ([, , , sequence, , , , , inserted]) => {
    await send([42, 1, watch, sequence]);
    for (const title of inserted) await write("live", title);
  });
  await send([38, 1, watch, 0, "SELECT title FROM tasks", [], []]);
  await write("one ring for several", rings < heard);
  await write("ready", 1);
}

main().catch((error) => write("trouble", error.message));
