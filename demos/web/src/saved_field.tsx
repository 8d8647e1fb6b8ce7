import { asTandemError } from "@tandem/web";
import { useSyncManager } from "@tandem/web/react";
import { useRef, useState } from "react";
import { updateOf } from "./writes";

/** A node need not hear of each letter; who looks on from elsewhere should still see it being typed. */
const debounceMs = 120;
const debounceMostMs = 400;

interface SavedFieldProps {
  readonly label: string;
  /** What the database holds, or will hold. */
  readonly value: string;
  readonly id: string;
  readonly column: "title" | "body";
  readonly isLong?: boolean;
}

/** A text that is kept in the browser as it is typed, and sent when it can be; "Saved" is said when the node has the last of it. */
export function SavedField({ label, value, id, column, isLong = false }: SavedFieldProps) {
  const { manager, isPaused } = useSyncManager();
  const [draft, setDraft] = useState<string | null>(null);
  const [state, setState] = useState("");
  const latest = useRef("");

  const edit = async (text: string) => {
    setDraft(text);
    setState("Saving");
    latest.current = text;
    try {
      const { sql, parameters, intent } = updateOf("notes", id, column, text);
      await manager.saved(await manager.write(sql, parameters, { ...intent, debounceMs, debounceMostMs }));
      if (latest.current !== text) return;
      // From here on others may change what is shown.
      setDraft(null);
      setState("Saved");
    } catch (reason) {
      // As the database has it again; what was refused stands above, with its reason.
      setDraft(null);
      setState(asTandemError(reason).message);
    }
  };
  const field = {
    // Whoever types sees what they typed, until the node has it.
    value: draft ?? value,
    onChange: (event: { target: { value: string } }) => void edit(event.target.value),
  };
  return (
    <label className="field">
      <span>{label}</span>
      {isLong ? <textarea rows={12} {...field} /> : <input {...field} />}
      <output>{state === "Saving" && isPaused ? "Kept here until you are online again" : state}</output>
    </label>
  );
}
