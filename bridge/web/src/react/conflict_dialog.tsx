import { useEffect, useId, useRef, useState } from "react";
import { asTandemError } from "../errors";
import type { Conflict, Settlement } from "../providers/provider";
import { useConflicts } from "./hooks";

/** Every open conflict, each with a button that opens its dialog. */
export function ConflictInbox(props: { readonly user?: string }) {
  const { conflicts, isReady, error, resolve } = useConflicts();
  const [chosen, setChosen] = useState<{ readonly conflict: Conflict; readonly opening: number } | null>(null);
  const openings = useRef(0);
  if (error) return <p role="alert">{error.message}</p>;
  if (isReady && conflicts.length === 0) return <p className="tandem-inbox-empty">No conflicts.</p>;
  return (
    <>
      <ul className="tandem-inbox" aria-label="Conflicts">
        {conflicts.map((conflict) => (
          <li key={conflict.id}>
            <button type="button" onClick={() => setChosen({ conflict, opening: ++openings.current })}>
              {placeOf(conflict)}
            </button>
          </li>
        ))}
      </ul>
      {chosen && (
        <ConflictDialog
          key={chosen.opening}
          conflict={chosen.conflict}
          // Not the next one, which a quick person has opened meanwhile.
          onClose={() => setChosen((now) => (now?.opening === chosen.opening ? null : now))}
          onChoose={(take) => resolve({ id: chosen.conflict.id, take, user: props.user ?? "" })}
        />
      )}
    </>
  );
}

export interface ConflictDialogProps {
  readonly conflict: Conflict;
  /** Rejects if the choice could not be made; the dialog then stays open and says why. */
  readonly onChoose: (take: Settlement) => Promise<void>;
  readonly onClose: () => void;
}

/** Both values side by side. The browser's own modal dialog keeps the focus within and closes on Escape. */
export function ConflictDialog({ conflict, onChoose, onClose }: ConflictDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  useEffect(() => {
    const opened = dialog.current;
    if (opened && !opened.open) opened.showModal();
  }, []);
  const choose = async (take: Settlement) => {
    setIsBusy(true);
    setTrouble(null);
    try {
      await onChoose(take);
      onClose();
    } catch (reason) {
      setTrouble(asTandemError(reason).message);
      setIsBusy(false);
    }
  };
  // On Escape the dialog is out of sight some milliseconds before `close` comes. Closing it gives the focus back.
  const leave = () => {
    dialog.current?.close();
    onClose();
  };
  return (
    <dialog ref={dialog} className="tandem-dialog" aria-labelledby={title} onCancel={leave} onClose={onClose}>
      <h2 id={title}>Two versions of {placeOf(conflict)}</h2>
      <div className="tandem-sides">
        <Side
          name="Shown now"
          value={conflict.current}
          action="Keep this"
          isBusy={isBusy}
          onTake={() => choose("current")}
        />
        <Side
          name="The other one"
          value={conflict.other}
          action="Take this"
          isBusy={isBusy}
          onTake={() => choose("other")}
        />
      </div>
      {trouble && <p role="alert">{trouble}</p>}
      <button type="button" className="tandem-later" onClick={leave}>
        Decide later
      </button>
    </dialog>
  );
}

function Side(props: { name: string; value: unknown; action: string; isBusy: boolean; onTake: () => void }) {
  const name = useId();
  return (
    <section aria-labelledby={name}>
      <h3 id={name}>{props.name}</h3>
      <pre>{textOf(props.value)}</pre>
      <button type="button" disabled={props.isBusy} onClick={props.onTake}>
        {props.action}
      </button>
    </section>
  );
}

function placeOf(conflict: Conflict): string {
  const column = typeof conflict.column === "string" && conflict.column !== "" ? `${conflict.column} of ` : "";
  return `${column}${conflict.table} ${textOf(conflict.key)}`;
}

/** The node tells values as JSON text; a text shows without its quotes. */
function textOf(json: unknown): string {
  if (typeof json !== "string") return json === undefined ? "" : JSON.stringify(json, null, 2);
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "string") return value;
    return Array.isArray(value) ? value.map(String).join(", ") : JSON.stringify(value, null, 2);
  } catch {
    return json;
  }
}
