// The app's page and others, by `part`: each tries to begin a session and tells what came of it to the server that it came from.
const query = new URLSearchParams(location.search);
const tell = (name, value) => fetch(`/told?${new URLSearchParams({ name, value })}`);
const address = (origin, part, folder = "/") =>
  `${query.get(origin)}${folder}gate.html?${new URLSearchParams({ part, app: query.get("app"), other: query.get("other") })}`;

function attempt() {
  return handler.postMessage(`${session} send 1 `).then(
    () => "served",
    (error) => error.message.split(":")[0],
  );
}

/** While the next page is loaded, this one goes on; what it fetches does not come any more, beacons go out. */
async function leaveFor(next, name) {
  location.href = next;
  for (;;) {
    navigator.sendBeacon(`/told_meanwhile?${new URLSearchParams({ name, value: await attempt() })}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function frame(source) {
  const element = document.createElement("iframe");
  element.src = source;
  document.body.append(element);
}

/** Begins a transaction that would keep all writers waiting for longer than they do; after the end of it, writes. */
async function comeTwice(leave) {
  const visits = Number(await (await fetch("/visit")).text());
  await openSession();
  if (visits === 1) {
    await begin();
    await leave();
  } else await ask(35, 0, "", [["INSERT INTO seen VALUES(?, ?)", ["kept", visits]]], 0);
}

async function begin() {
  const transaction = last + 1;
  await ask(36, 30000);
  await ask(35, transaction, "", [["INSERT INTO seen VALUES('lost', 0)", []]], 0);
}

const parts = {
  async framing() {
    await tell("the page", await attempt());
    frame(address("other", "foreign_frame"));
    frame(address("app", "own_frame"));
  },
  foreign_frame: async () => tell("a foreign frame", await attempt()),
  own_frame: async () => tell("an own frame", await attempt()),
  async leaving() {
    await leaveFor(address("other", "landed", "/slow/"), "the page while it leaves");
  },
  async landed() {
    await tell("a foreign page", await attempt());
    await leaveFor(address("app", "back", "/slow/"), "a foreign page while it leaves");
  },
  back: async () => tell("the page that came back", await attempt()),
  reloading: () => comeTwice(() => location.reload()),
  dying: () => comeTwice(() => tell("a transaction", "open")),
};

parts[query.get("part")]().catch((error) => tell("trouble", error.message));
