import type { AdaptiveProvider, EnvironmentKind } from "@tandem/web";
import { ConflictInbox, SyncBadge, useEnvironment, useMutation, useQuery, useStatus } from "@tandem/web/react";
import { useState } from "react";
import { SavedField } from "./saved_field";

interface Note {
  id: string;
  title: string;
}
interface Task extends Note {
  is_done: number;
}
const byId = { key: ["id"] };

export function App(props: { database: AdaptiveProvider }) {
  const [chosen, setChosen] = useState<string | null>(null);
  return (
    <>
      <header>
        <h1>Notes and tasks</h1>
        <WayPicker {...props} />
        <SyncBadge />
      </header>
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
  const here = environment?.findings.filter((finding) => finding.works || finding.kind === chosen) ?? [];
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

function Notes({ chosen, onChoose }: { chosen: string | null; onChoose: (id: string) => void }) {
  const { rows, error } = useQuery<Note>("SELECT id, title FROM notes ORDER BY made_ms DESC, id", [], byId);
  const { run, error: refusal } = useMutation("INSERT INTO notes(id, title, made_ms) VALUES(?, 'Untitled', ?)");
  const add = () => {
    const id = crypto.randomUUID();
    void run(id, Date.now());
    onChoose(id);
  };
  const trouble = error ?? refusal;
  return (
    <nav aria-labelledby="notes">
      <div className="title">
        <h2 id="notes">Notes</h2>
        <button type="button" onClick={add}>
          New note
        </button>
      </div>
      {trouble && <p role="alert">{trouble.message}</p>}
      <ul>
        {rows.map((note) => (
          <li key={note.id}>
            <button type="button" aria-current={note.id === chosen} onClick={() => onChoose(note.id)}>
              {note.title || "Untitled"}
            </button>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function NoteEditor({ id, onGone }: { id: string; onGone: () => void }) {
  const { rows, isReady } = useQuery<{ id: string; title: string; body: string }>(
    "SELECT id, title, body FROM notes WHERE id = ?",
    [id],
    byId,
  );
  const { run: remove } = useMutation("DELETE FROM notes WHERE id = ?");
  const note = rows[0];
  if (!note) return <p className="hint">{isReady ? "This note is not there any more." : "Loading"}</p>;
  return (
    <article>
      <SavedField label="Title" value={note.title} sql="UPDATE notes SET title = ? WHERE id = ?" id={id} />
      <SavedField label="Text" value={note.body} sql="UPDATE notes SET body = ? WHERE id = ?" id={id} isLong />
      <button type="button" className="quiet" onClick={() => void remove(id).then(onGone)}>
        Delete note
      </button>
    </article>
  );
}

function Tasks() {
  const { rows } = useQuery<Task>("SELECT id, title, is_done FROM tasks ORDER BY is_done, made_ms, id", [], byId);
  const { run: add } = useMutation("INSERT INTO tasks(id, title, made_ms) VALUES(?, ?, ?)");
  const { run: tick } = useMutation("UPDATE tasks SET is_done = ? WHERE id = ?");
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
                onChange={(event) => void tick(event.target.checked ? 1 : 0, task.id)}
              />
              {task.title}
            </label>
          </li>
        ))}
      </ul>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (title.trim()) void add(crypto.randomUUID(), title.trim(), Date.now());
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
