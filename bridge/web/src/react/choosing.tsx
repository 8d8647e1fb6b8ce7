import type { Json } from "../providers/json";
import type { Conflict, Settlement } from "../providers/provider";

/** What a person takes: of `Resolution`, all but who takes it of what. */
export interface Choice {
  readonly take: Settlement;
  readonly value?: Json;
}

/** The parts of the dialog get it. While a choice is under way, another one is not made. */
export interface Choosing {
  readonly conflict: Conflict;
  readonly isBusy: boolean;
  readonly onTake: (choice: Choice) => void;
}

/** Keeps the focus while it is busy, as a button that is disabled would not. */
export function TakeButton(props: { isBusy: boolean; onTake: () => void; children: string }) {
  return (
    <button type="button" aria-disabled={props.isBusy} onClick={props.onTake}>
      {props.children}
    </button>
  );
}
