import type { AdaptiveProvider, EnvironmentKind } from "@tandem/web";
import { ConflictInbox, SyncBadge, useEnvironment, useStatus } from "@tandem/web/react";
import { useRef, useState } from "react";
import { OfflineSwitch, Refusals, useRows, useWrite } from "./outbox";
import { SavedField } from "./saved_field";
import { insertOf, removalOf, updateOf } from "./writes";

interface Note {
  id: string;
  title: string;
}
interface Task extends Note {
  is_done: number;
}

export function App(props: { database: AdaptiveProvider }) {
  const [chosen, setChosen] = useState<string | null>(null);
  return (
    <>
      <header>
        <h1>Notes and tasks</h1>
        <OfflineSwitch />
        <WayPicker {...props} />
        <SyncBadge />
      </header>
      <Refusals />
      <main>
        <Notes chosen={chosen} onChoose={setChosen} />
        {chosen ? (
          <NoteEditor key={chosen} id={chosen} onGone={() => setChosen(null)} />
        ) : (
          <p className="hint">Choose a note, or make one.</p>
        )}
        <aside>
          <Tasks />
          <section aria-labelledby="conflicts">
            <h2 id="conflicts">Conflicts</h2>
            <ConflictInbox user="web demo" />
          </section>
        </aside>
      </main>
    </>
  );
}

const ways = { webview: "The app's window", websocket: "WebSocket", http: "HTTP", local: "This page alone" } as const;

function WayPicker({ database }: { database: AdaptiveProvider }) {
  const { transport } = useStatus();
  const environment = useEnvironment();
  const chosen = transport === "in_process" ? "local" : transport;
  const found = environment?.findings ?? [];
  // What worked once can be chosen again, though it did not answer when the node was away.
  const known = useRef(new Set<EnvironmentKind>());
  for (const { kind, works } of found) if (works) known.current.add(kind);
  const here = found.filter(({ kind }) => known.current.has(kind) || kind === chosen);
  return (
    <label title={environment?.reason}>
      Reached by{" "}
      <select value={chosen} onChange={(event) => void database.force(event.target.value as EnvironmentKind)}>
        {here.map(({ kind, reason }) => (
          <option key={kind} value={kind} title={reason}>
            {ways[kind]}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The mark of what the node does not have yet. */
function Waiting() {
  return (
    <span className="waiting" role="img" title="Not sent yet" aria-label="not sent yet">
      ●
    </span>
  );
}

function Notes({ chosen, onChoose }: { chosen: string | null; onChoose: (id: string) => void }) {
  const sql = "SELECT id, title FROM notes ORDER BY made_ms DESC, id";
  const { rows, waits, error } = useRows<Note>("notes", sql);
  const write = useWrite();
  const add = () => {
    const id = crypto.randomUUID();
    write(insertOf("notes", { id, title: "Untitled", made_ms: Date.now() }));
    onChoose(id);
  };
  return (
    <nav aria-labelledby="notes">
      <div className="title">
        <h2 id="notes">Notes</h2>
        <button type="button" onClick={add}>
          New note
        </button>
      </div>
      {error && <p role="alert">{error.message}</p>}
      <ul>
        {rows.map((note) => (
          <li key={note.id}>
            <button type="button" aria-current={note.id === chosen} onClick={() => onChoose(note.id)}>
              {note.title || "Untitled"} {waits(note.id) && <Waiting />}
            </button>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function NoteEditor({ id, onGone }: { id: string; onGone: () => void }) {
  const sql = "SELECT id, title, body FROM notes WHERE id = ?";
  const { rows, isReady } = useRows<Note & { body?: string }>("notes", sql, [id]);
  const write = useWrite();
  const remove = () => {
    write(removalOf("notes", id));
    onGone();
  };
  // What waits for other notes is among the rows too.
  const note = rows.find((each) => each.id === id);
  if (!note) return <p className="hint">{isReady ? "This note is not there any more." : "Loading"}</p>;
  return (
    <article>
      <SavedField label="Title" value={note.title} id={id} column="title" />
      <SavedField label="Text" value={note.body ?? ""} id={id} column="body" isLong />
      <button type="button" className="quiet" onClick={remove}>
        Delete note
      </button>
    </article>
  );
}

function Tasks() {
  const sql = "SELECT id, title, is_done FROM tasks ORDER BY is_done, made_ms, id";
  const { rows, waits } = useRows<Task>("tasks", sql);
  const write = useWrite();
  const [title, setTitle] = useState("");
  return (
    <section aria-labelledby="tasks">
      <h2 id="tasks">Tasks</h2>
      <ul>
        {rows.map((task) => (
          <li key={task.id}>
            <label className={task.is_done ? "done" : undefined}>
              <input
                type="checkbox"
                checked={task.is_done !== 0}
                onChange={(event) => write(updateOf("tasks", task.id, "is_done", event.target.checked ? 1 : 0))}
              />
              {task.title} {waits(task.id) && <Waiting />}
            </label>
          </li>
        ))}
      </ul>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (title.trim())
            write(insertOf("tasks", { id: crypto.randomUUID(), title: title.trim(), is_done: 0, made_ms: Date.now() }));
          setTitle("");
        }}
      >
        <input
          aria-label="New task"
          placeholder="New task"
          value={title}
          onChange={(event) => setTitle(event.target.value)}
        />
        <button type="submit">Add</button>
      </form>
    </section>
  );
}
