import { useEffect, useId, useRef, useState } from "react";
import { asTandemError } from "../errors";
import type { Conflict } from "../providers/provider";
import { type Choice, type Choosing, TakeButton } from "./choosing";
import { RowChoice, SetAsideRow } from "./conflict_row";
import { cellOf, isOfRow, isSetAside, placeOf, type Told, textOf } from "./conflict_values";

export interface ConflictDialogProps {
  readonly conflict: Conflict;
  /** Rejects if the choice could not be made; the dialog then stays open and says why. */
  readonly onChoose: (choice: Choice) => Promise<void>;
  readonly onClose: () => void;
}

/**
 * Both versions side by side, a row field by field. The browser's own modal dialog keeps the focus within and closes on
 * Escape.
 */
export function ConflictDialog({ conflict, onChoose, onClose }: ConflictDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  useEffect(() => {
    const opened = dialog.current;
    if (opened && !opened.open) opened.showModal();
  }, []);
  const choose = async (choice: Choice) => {
    if (isBusy) return;
    setIsBusy(true);
    setTrouble(null);
    try {
      await onChoose(choice);
      leave();
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
  const isWaiting = isSetAside(conflict);
  const choosing: Choosing = { conflict, isBusy, onTake: (choice) => void choose(choice) };
  return (
    <dialog ref={dialog} className="tandem-dialog" aria-labelledby={title} onCancel={leave} onClose={onClose}>
      <h2 id={title}>{isWaiting ? `${placeOf(conflict)} is set aside` : `Two versions of ${placeOf(conflict)}`}</h2>
      {conflict.overtaken === true && (
        <p className="tandem-hint">It was written anew since. "Shown now" is what stood when the two met.</p>
      )}
      <Body {...choosing} />
      {trouble && <p role="alert">{trouble}</p>}
      <button type="button" className="tandem-later" onClick={leave}>
        {isWaiting ? "Close" : "Decide later"}
      </button>
    </dialog>
  );
}

function Body(choosing: Choosing) {
  const { conflict } = choosing;
  if (conflict.trouble) return <Unusable {...choosing} />;
  if (isSetAside(conflict)) return <SetAsideRow conflict={conflict} />;
  return isOfRow(conflict) ? <RowChoice {...choosing} /> : <CellChoice {...choosing} />;
}

/** Entries come from peers, who may send what makes no sense here. */
function Unusable({ conflict, isBusy, onTake }: Choosing) {
  return (
    <>
      <p>Nothing can be done about it here: {String(conflict.trouble)}.</p>
      <TakeButton isBusy={isBusy} onTake={() => onTake({ take: "current" })}>
        Mark as settled
      </TakeButton>
    </>
  );
}

function CellChoice({ conflict, isBusy, onTake }: Choosing) {
  const [current, other] = [cellOf(conflict.current), cellOf(conflict.other)];
  return (
    <>
      <div className="tandem-sides">
        <Side
          name="Shown now"
          value={current}
          action="Keep this"
          isBusy={isBusy}
          onTake={() => onTake({ take: "current" })}
        />
        <Side
          name="The other one"
          value={other}
          action="Take this"
          isBusy={isBusy}
          onTake={() => onTake({ take: "other" })}
        />
      </div>
      {(typeof current === "string" || typeof other === "string") && (
        <OwnText start={textOf(current)} isBusy={isBusy} onTake={(value) => onTake({ take: "value", value })} />
      )}
    </>
  );
}

function Side(props: { name: string; value: Told; action: string; isBusy: boolean; onTake: () => void }) {
  const name = useId();
  return (
    <section aria-labelledby={name}>
      <h3 id={name}>{props.name}</h3>
      <pre>{props.value === null ? <em>nothing</em> : textOf(props.value)}</pre>
      <TakeButton isBusy={props.isBusy} onTake={props.onTake}>
        {props.action}
      </TakeButton>
    </section>
  );
}

function OwnText({ start, isBusy, onTake }: { start: string; isBusy: boolean; onTake: (text: string) => void }) {
  const [text, setText] = useState(start);
  return (
    <div className="tandem-own">
      <label>
        <span>Or put it together yourself</span>
        <textarea rows={3} value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <TakeButton isBusy={isBusy} onTake={() => onTake(text)}>
        Save this text
      </TakeButton>
    </div>
  );
}
