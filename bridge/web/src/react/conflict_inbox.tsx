import { useRef, useState } from "react";
import { asTandemError } from "../errors";
import type { Conflict, Resolution } from "../providers/provider";
import { ConflictDialog } from "./conflict_dialog";
import { isSetAside, placeOf, sideInWords } from "./conflict_values";
import { useConflicts, useSettledConflicts } from "./use_conflicts";

/** Every open conflict, each with a button that opens its dialog, and what was settled lately, to undo it. */
export function ConflictInbox(props: { readonly user?: string }) {
  const { conflicts, isReady, error, resolve } = useConflicts();
  const [chosen, setChosen] = useState<{ readonly conflict: Conflict; readonly opening: number } | null>(null);
  const openings = useRef(0);
  const whole = useRef<HTMLDivElement>(null);
  const settle = async (resolution: Resolution) => {
    await resolve(resolution);
    // The button that opened the dialog goes away with its conflict; the focus should not.
    setTimeout(() => whole.current?.focus());
  };
  if (error) return <p role="alert">{error.message}</p>;
  return (
    <div ref={whole} tabIndex={-1} className="tandem-inbox-whole">
      {isReady && conflicts.length === 0 && <p className="tandem-inbox-empty">No conflicts.</p>}
      {conflicts.length > 0 && (
        <ul className="tandem-inbox" aria-label="Conflicts">
          {conflicts.map((conflict) => (
            <li key={conflict.id}>
              <button type="button" onClick={() => setChosen({ conflict, opening: ++openings.current })}>
                {placeOf(conflict)}
                {isSetAside(conflict) && " (set aside)"}
              </button>
            </li>
          ))}
        </ul>
      )}
      <SettledLately />
      {chosen && (
        <ConflictDialog
          key={chosen.opening}
          conflict={chosen.conflict}
          // Not the next one, which a quick person has opened meanwhile.
          onClose={() => setChosen((now) => (now?.opening === chosen.opening ? null : now))}
          onChoose={(choice) => settle({ ...choice, id: chosen.conflict.id, user: props.user ?? "" })}
        />
      )}
    </div>
  );
}

function SettledLately() {
  const { conflicts, undo } = useSettledConflicts();
  const [trouble, setTrouble] = useState("");
  if (conflicts.length === 0) return null;
  const takeBack = async (id: string) => {
    setTrouble("");
    await undo(id).catch((reason) => setTrouble(asTandemError(reason).message));
  };
  return (
    <details className="tandem-settled">
      <summary>Settled lately</summary>
      <ul>
        {conflicts.map((conflict) => (
          <li key={conflict.id}>
            <span>
              <strong>{placeOf(conflict)}</strong> {inWords(conflict)}
            </span>
            <button
              type="button"
              aria-label={`${conflict.state === "undone" ? "Redo" : "Undo"}: ${placeOf(conflict)}`}
              onClick={() => void takeBack(conflict.id)}
            >
              {conflict.state === "undone" ? "Redo" : "Undo"}
            </button>
          </li>
        ))}
      </ul>
      {trouble && <p role="alert">{trouble}</p>}
    </details>
  );
}

/** What stands by the last settlement, and who made it. */
function inWords(conflict: Conflict): string {
  const settlements = Array.isArray(conflict.settlements) ? conflict.settlements : [];
  const last = settlements.at(-1) as { readonly value?: string; readonly user?: string } | undefined;
  const stands = sideInWords(conflict, last?.value ?? conflict.current);
  const who = conflict.settled_who || (last ? last.user : "") || `the rule ${conflict.rule}`;
  return `${conflict.state === "undone" ? "undone: " : ""}${stands}, by ${who}`;
}
