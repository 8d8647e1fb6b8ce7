import { TandemError } from "@tandem/web";
import { useProvider } from "@tandem/web/react";
import { useRef, useState } from "react";

interface SavedFieldProps {
  readonly label: string;
  /** What the database holds. */
  readonly value: string;
  /** Takes the text and the id. */
  readonly sql: string;
  readonly id: string;
  readonly isLong?: boolean;
}

/** A text that is written as it is typed, one write at a time; "Saved" is said when the node has confirmed the last one. */
export function SavedField({ label, value, sql, id, isLong = false }: SavedFieldProps) {
  const database = useProvider();
  const [draft, setDraft] = useState<string | null>(null);
  const [state, setState] = useState("");
  const wanted = useRef<string | null>(null);
  const isWriting = useRef(false);

  const save = async () => {
    if (isWriting.current) return;
    isWriting.current = true;
    try {
      while (wanted.current !== null) {
        const text: string = wanted.current;
        wanted.current = null;
        await database.execute(sql, [text, id]);
      }
      setState("Saved");
    } catch (reason) {
      setState(reason instanceof TandemError ? reason.message : String(reason));
    } finally {
      isWriting.current = false;
    }
  };
  const edit = (text: string) => {
    setDraft(text);
    setState("Saving");
    wanted.current = text;
    void save();
  };
  // Whoever types sees what they typed; everyone else what the database holds.
  const field = {
    value: draft ?? value,
    onChange: (event: { target: { value: string } }) => edit(event.target.value),
    onBlur: () => {
      if (state === "Saved") setDraft(null);
    },
  };
  return (
    <label className="field">
      <span>{label}</span>
      {isLong ? <textarea rows={12} {...field} /> : <input {...field} />}
      <output>{state}</output>
    </label>
  );
}
