// @vitest-environment happy-dom
import { act, cleanup, configure, fireEvent, render, screen } from "@testing-library/react";
import { Component, type ReactNode, StrictMode, Suspense } from "react";
import { afterEach, expect, it, vi } from "vitest";
import { TandemError } from "../src/errors";
import type { Row } from "../src/protocol/values";
import type { Json } from "../src/providers/json";
import type { Changes, Conflict, LiveQuery, LiveSnapshot, Provider } from "../src/providers/provider";
import {
  ConflictInbox,
  SyncBadge,
  TandemProvider,
  useConflicts,
  useMutation,
  useQuery,
  useSyncManager,
} from "../src/react";
import { nameOf } from "../src/react/live_cache";
import type { SessionState } from "../src/session";
import { SyncManager } from "../src/sync/sync_manager";

configure({ asyncUtilTimeout: 10_000 });

/** What of a provider the components use, driven by hand. */
class ScriptedProvider {
  state: SessionState = { phase: "open", transport: "websocket", reason: null, node: null, failures: 0 };
  snapshot: LiveSnapshot = { columns: [], rows: [], isReady: false, error: null };
  watches = 0;
  open: Conflict[] = [];
  settled: Conflict[] = [];
  closed: TandemError | null = null;
  refusal: TandemError | null = null;
  readonly listeners = new Set<() => void>();
  readonly stateListeners = new Set<(state: SessionState) => void>();
  readonly changeListeners = new Set<(changes: Changes) => void>();
  readonly resolve = vi.fn(async (_resolution: unknown) => {
    if (this.refusal) throw this.refusal;
    this.open = [];
    this.tell();
  });
  readonly execute = vi.fn(async () => {
    if (this.refusal) throw this.refusal;
    return { changes: 1, lastRowid: 1, isRepeat: false };
  });

  watch(): LiveQuery {
    this.watches++;
    const self = this;
    return {
      get snapshot() {
        return self.snapshot;
      },
      subscribe: (listener) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
      },
      close: () => {},
    };
  }
  observe(_tables: readonly string[], listener: (changes: Changes) => void) {
    if (this.closed) throw this.closed;
    this.changeListeners.add(listener);
    return () => this.changeListeners.delete(listener);
  }
  onState(listener: (state: SessionState) => void) {
    this.stateListeners.add(listener);
    return () => this.stateListeners.delete(listener);
  }
  async conflicts() {
    return this.open;
  }
  async audit() {
    return this.settled;
  }
  readonly undo = vi.fn(async (_id: string) => {
    if (this.refusal) throw this.refusal;
    this.open = this.settled;
    this.settled = [];
    this.tell();
  });
  tell() {
    for (const listener of this.changeListeners) listener({ tables: ["tandem_conflicts"], isRemote: true });
  }
  show(rows: readonly Row[], error: TandemError | null = null) {
    this.snapshot = { columns: ["title"], rows, isReady: error === null, error };
    for (const listener of [...this.listeners]) listener();
  }
}

const within = (provider: ScriptedProvider, children: ReactNode) =>
  render(
    <StrictMode>
      <TandemProvider provider={provider as unknown as Provider}>{children}</TandemProvider>
    </StrictMode>,
  );
afterEach(cleanup);

function Titles(props: { suspense?: boolean }) {
  const { rows, isReady } = useQuery<{ title: string }>("SELECT title FROM notes", [], {
    suspense: props.suspense ?? false,
  });
  return <p data-testid="titles">{isReady ? rows.map((row) => row.title).join() : "wait"}</p>;
}

it("shows a live query and its changes, and shares it", () => {
  const provider = new ScriptedProvider();
  within(
    provider,
    <>
      <Titles />
      <Titles />
    </>,
  );
  expect(screen.getAllByTestId("titles").map((each) => each.textContent)).toEqual(["wait", "wait"]);
  act(() => provider.show([{ title: "one" }]));
  act(() => provider.show([{ title: "one" }, { title: "two" }]));
  expect(screen.getAllByTestId("titles").map((each) => each.textContent)).toEqual(["one,two", "one,two"]);
  expect(provider.watches).toBe(1);
});

it("suspends until the first rows are there", async () => {
  const provider = new ScriptedProvider();
  within(
    provider,
    <Suspense fallback={<p>loading</p>}>
      <Titles suspense />
    </Suspense>,
  );
  expect(screen.getByText("loading")).toBeTruthy();
  await act(async () => provider.show([{ title: "one" }]));
  expect((await screen.findByTestId("titles")).textContent).toBe("one");
});

class Boundary extends Component<{ children: ReactNode }, { text: string }> {
  override state = { text: "" };
  static getDerivedStateFromError(error: Error) {
    return { text: error.message };
  }
  override render() {
    return this.state.text ? <p>caught: {this.state.text}</p> : this.props.children;
  }
}

it("hands an error of a suspending query to the error boundary", async () => {
  const provider = new ScriptedProvider();
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  provider.show([], new TandemError("sql", "no such table"));
  within(
    provider,
    <Boundary>
      <Suspense fallback="loading">
        <Titles suspense />
      </Suspense>
    </Boundary>,
  );
  expect(screen.getByText("caught: no such table")).toBeTruthy();
  log.mockRestore();
});

function Rename() {
  const { run, error } = useMutation("UPDATE notes SET title = ?");
  return (
    <>
      <button type="button" onClick={() => void run("new")}>
        rename
      </button>
      <p data-testid="error">{error?.code ?? "none"}</p>
    </>
  );
}

it("writes, and tells what went wrong until the next try", async () => {
  const provider = new ScriptedProvider();
  within(provider, <Rename />);
  provider.refusal = new TandemError("constraint", "title is taken");
  await act(async () => fireEvent.click(screen.getByText("rename")));
  expect(screen.getByTestId("error").textContent).toBe("constraint");
  provider.refusal = null;
  await act(async () => fireEvent.click(screen.getByText("rename")));
  expect(screen.getByTestId("error").textContent).toBe("none");
  expect(provider.execute).toHaveBeenLastCalledWith("UPDATE notes SET title = ?", ["new"]);
});

it("tells whether the node is there", () => {
  const provider = new ScriptedProvider();
  within(provider, <SyncBadge />);
  expect(screen.getByRole("status").textContent).toBe("live");
  act(() => {
    provider.state = { ...provider.state, phase: "waiting" };
    for (const listener of provider.stateListeners) listener(provider.state);
  });
  expect(screen.getByRole("status").textContent).toContain("offline");
});

const conflict: Conflict = {
  id: "c1",
  table: "notes",
  key: '["n1"]',
  column: "title",
  current: '"Milk"',
  other: '"Bread"',
};

it("settles a conflict in the dialog, and stays open with the reason if that fails", async () => {
  const provider = new ScriptedProvider();
  provider.open = [conflict];
  within(provider, <ConflictInbox user="Ada" />);
  fireEvent.click(await screen.findByText("title of notes n1"));
  expect(screen.getByText("Milk", { selector: "pre" })).toBeTruthy();
  expect(screen.getByText("Bread")).toBeTruthy();
  provider.refusal = new TandemError("usage", "written since");
  await act(async () => fireEvent.click(screen.getByText("Take this")));
  expect(screen.getByRole("alert").textContent).toBe("written since");
  provider.refusal = null;
  await act(async () => fireEvent.click(screen.getByText("Take this")));
  expect(provider.resolve).toHaveBeenLastCalledWith({ id: "c1", take: "other", user: "Ada" });
  expect(await screen.findByText("No conflicts.")).toBeTruthy();
});

/** The dialog of this conflict, in an inbox that has only that. */
async function openDialog(provider: ScriptedProvider, what: Readonly<Record<string, Json>>) {
  provider.open = [{ ...conflict, ...what }];
  within(provider, <ConflictInbox user="Ada" />);
  fireEvent.click(await screen.findByRole("button"));
  return screen.getByRole("dialog");
}

const twoRows = {
  column: "",
  current: '{"id":"n1","title":"Milk","stars":9007199254740993,"same":1,"photo":{"blob":"00ff"}}',
  other: '{"id":"n1","title":"Bread","stars":9007199254740992,"same":1,"photo":null}',
  rule: "ask",
};

it("shows two rows column by column, and takes of each column what is chosen", async () => {
  const provider = new ScriptedProvider();
  await openDialog(provider, twoRows);
  const groups = screen.getAllByRole("radiogroup");
  // What is the same on both sides needs no choice.
  expect(groups).toHaveLength(3);
  expect(screen.getByRole("radio", { name: "Shown now: 9007199254740993" })).toHaveProperty("checked", true);
  fireEvent.click(screen.getByRole("radio", { name: "The other one: 9007199254740992" }));
  fireEvent.click(screen.getByRole("radio", { name: "Another text" }));
  fireEvent.change(screen.getByLabelText("Another text for title"), { target: { value: "Milk and bread" } });
  await act(async () => fireEvent.click(screen.getByText("Save what is chosen")));
  expect(provider.resolve).toHaveBeenLastCalledWith({
    id: "c1",
    take: "fields",
    value: { stars: "other", title: { value: "Milk and bread" } },
    user: "Ada",
  });
});

it("takes a whole side, or keeps both rows under a key that is typed", async () => {
  const provider = new ScriptedProvider();
  await openDialog(provider, { ...twoRows, key: "7", kind: "insert" });
  fireEvent.change(screen.getByLabelText(/keep both/), { target: { value: "eight" } });
  fireEvent.click(screen.getByText("Keep both"));
  expect(screen.getByRole("alert").textContent).toContain("number");
  fireEvent.change(screen.getByLabelText(/keep both/), { target: { value: "8" } });
  provider.refusal = new TandemError("usage", "taken");
  await act(async () => fireEvent.click(screen.getByText("Keep both")));
  expect(provider.resolve).toHaveBeenLastCalledWith({ id: "c1", take: "reinsert", value: 8, user: "Ada" });
  provider.refusal = null;
  await act(async () => fireEvent.click(screen.getByText("Take all of the other one")));
  expect(provider.resolve).toHaveBeenLastCalledWith({ id: "c1", take: "other", user: "Ada" });
});

it("shows a deletion as one", async () => {
  const provider = new ScriptedProvider();
  const dialog = await openDialog(provider, { ...twoRows, other: "null", rule: "update_wins" });
  expect(screen.getByRole("cell", { name: "deleted" })).toBeTruthy();
  expect(dialog.textContent).not.toContain("null");
  expect(screen.queryByText("Keep both")).toBeNull();
  await act(async () => fireEvent.click(screen.getByText("Delete the row")));
  expect(provider.resolve).toHaveBeenLastCalledWith({ id: "c1", take: "other", user: "Ada" });
});

it("saves a text that is put together of both", async () => {
  const provider = new ScriptedProvider();
  await openDialog(provider, {});
  fireEvent.change(screen.getByLabelText(/put it together/), { target: { value: "Milk and bread" } });
  await act(async () => fireEvent.click(screen.getByText("Save this text")));
  expect(provider.resolve).toHaveBeenLastCalledWith({ id: "c1", take: "value", value: "Milk and bread", user: "Ada" });
});

it.each(["constraint", undefined])(
  "offers nothing for a row that is set aside, and says what for (kind %s)",
  async (kind) => {
    const provider = new ScriptedProvider();
    const rule = 'UNIQUE: row "n0" holds the same values and came first';
    const dialog = await openDialog(provider, { ...twoRows, current: "null", rule, ...(kind && { kind }) });
    expect(dialog.textContent).toContain(rule);
    expect(dialog.textContent).toContain("Bread");
    expect([...dialog.querySelectorAll("button")].map((each) => each.textContent)).toEqual(["Close"]);
  },
);

it("lists what was settled lately, and takes it back", async () => {
  const provider = new ScriptedProvider();
  const choice = { choice: "other", value: '"Bread"', user: "Bob" };
  provider.settled = [
    { ...conflict, state: "resolved", settled_who: "Bob", settled_ms: 2, settlements: [choice] },
    { ...conflict, id: "c0", state: "open" },
  ];
  within(provider, <ConflictInbox />);
  const [entry, ...more] = await screen.findAllByRole("listitem");
  expect(entry?.textContent).toContain("title of notes n1 Bread, by Bob");
  expect(more).toEqual([]);
  provider.refusal = new TandemError("usage", "written anew since");
  await act(async () => fireEvent.click(screen.getByText("Undo")));
  expect(screen.getByRole("alert").textContent).toBe("written anew since");
  provider.refusal = null;
  await act(async () => fireEvent.click(screen.getByText("Undo")));
  expect(provider.undo).toHaveBeenLastCalledWith("c1");
  expect(await screen.findByRole("list", { name: "Conflicts" })).toBeTruthy();
});

it("hands undo to whoever asks for the conflicts", async () => {
  const provider = new ScriptedProvider();
  provider.settled = [conflict];
  function Back() {
    const { conflicts, undo } = useConflicts();
    return (
      <button type="button" onClick={() => void undo("c1")}>
        {conflicts.length} open
      </button>
    );
  }
  within(provider, <Back />);
  await act(async () => fireEvent.click(await screen.findByText("0 open")));
  expect(provider.undo).toHaveBeenCalledWith("c1");
  expect(await screen.findByText("1 open")).toBeTruthy();
});

it("shows that the provider is closed instead of taking the app away", () => {
  const provider = new ScriptedProvider();
  provider.closed = new TandemError("closed", "this provider was closed");
  within(
    provider,
    <>
      <p>the app</p>
      <ConflictInbox />
    </>,
  );
  expect(screen.getByText("the app")).toBeTruthy();
  expect(screen.getByRole("alert").textContent).toBe("this provider was closed");
});

it("names different questions differently", () => {
  const names = [[1], [1n], ["1"], [new Uint8Array([1])], [null], [Number.NaN]].map((given) => nameOf("s", given, {}));
  expect(new Set(names).size).toBe(names.length);
});

it("shows what waits for the node, and that it was refused", async () => {
  const provider = new ScriptedProvider();
  provider.refusal = new TandemError("constraint", "that title is taken");
  const manager = await SyncManager.open(provider as unknown as Provider, { name: "react" });
  function Waiting() {
    const { writes, manager } = useSyncManager();
    return (
      <button type="button" onClick={() => void manager.write("UPDATE notes SET title = 'taken'")}>
        {writes.map(({ state, refusal }) => `${state} ${refusal?.text ?? ""}`).join() || "nothing waits"}
      </button>
    );
  }
  render(
    <StrictMode>
      <TandemProvider provider={provider as unknown as Provider} sync={manager}>
        <Waiting />
      </TandemProvider>
    </StrictMode>,
  );
  await act(() => manager.pause());
  fireEvent.click(screen.getByText("nothing waits"));
  await screen.findByText("waiting");
  await act(() => manager.resume());
  await screen.findByText("refused that title is taken");
  manager.close();
});
