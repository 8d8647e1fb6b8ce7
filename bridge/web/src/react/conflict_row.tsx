import { type ReactNode, useId, useState } from "react";
import type { Json } from "../providers/json";
import type { Conflict } from "../providers/provider";
import { type Choosing, TakeButton } from "./choosing";
import {
  canReinsert,
  type Field,
  fieldsOf,
  isEqual,
  keyOf,
  rowOf,
  type Told,
  type ToldRow,
  textOf,
} from "./conflict_values";

/** What is taken of one column: a side, or a text of one's own. */
type Taken = "current" | "other" | { readonly value: string };

/** A whole row: two that were inserted under one key or merge as a whole, or one that a side deleted. */
export function RowChoice(choosing: Choosing) {
  const { conflict, isBusy, onTake } = choosing;
  const [current, other] = [rowOf(conflict.current), rowOf(conflict.other)];
  const isWhole = current !== null && other !== null;
  const sides = (
    <>
      <TakeButton isBusy={isBusy} onTake={() => onTake({ take: "current" })}>
        {isWhole ? "Keep all that is shown now" : current ? "Keep the row" : "Leave it deleted"}
      </TakeButton>
      <TakeButton isBusy={isBusy} onTake={() => onTake({ take: "other" })}>
        {isWhole ? "Take all of the other one" : other ? "Bring the row back" : "Delete the row"}
      </TakeButton>
    </>
  );
  return (
    <>
      {isWhole ? (
        <FieldsChoice {...choosing} fields={fieldsOf(current, other)}>
          {sides}
        </FieldsChoice>
      ) : (
        <>
          <RowTable current={current} other={other} />
          <div className="tandem-actions">{sides}</div>
        </>
      )}
      {canReinsert(conflict) && <KeepBoth {...choosing} />}
    </>
  );
}

/** One line a column, and of those that differ a choice. */
function FieldsChoice(props: Choosing & { fields: readonly Field[]; children: ReactNode }) {
  const { fields, isBusy, onTake } = props;
  const [taken, setTaken] = useState<Readonly<Record<string, Taken>>>({});
  const save = () => {
    // What stands needs no word: if somebody writes it meanwhile, the newer stays.
    const chosen = Object.entries(taken).filter(([, each]) => each !== "current");
    onTake(chosen.length === 0 ? { take: "current" } : { take: "fields", value: Object.fromEntries(chosen) as Json });
  };
  return (
    <>
      <div className="tandem-fields">
        <div className="tandem-field" aria-hidden="true">
          <span />
          <strong>Shown now</strong>
          <strong>The other one</strong>
        </div>
        {fields.map((field) =>
          isEqual(field.current, field.other) ? (
            <p key={field.name} className="tandem-field">
              <span className="tandem-column">{field.name}</span>
              <Value value={field.current} />
            </p>
          ) : (
            <FieldChoice
              key={field.name}
              field={field}
              taken={taken[field.name] ?? (field.current === undefined ? "other" : "current")}
              onTake={(each) => setTaken((before) => ({ ...before, [field.name]: each }))}
            />
          ),
        )}
      </div>
      <div className="tandem-actions">
        <TakeButton isBusy={isBusy} onTake={save}>
          Save what is chosen
        </TakeButton>
        {props.children}
      </div>
    </>
  );
}

function FieldChoice(props: { field: Field; taken: Taken; onTake: (taken: Taken) => void }) {
  const { field, taken, onTake } = props;
  const name = useId();
  const isText = typeof field.current === "string" || typeof field.other === "string";
  const side = (which: "current" | "other", label: string) =>
    field[which] === undefined ? (
      <span className="tandem-hint">not there</span>
    ) : (
      <label>
        <input type="radio" name={name} checked={taken === which} onChange={() => onTake(which)} />
        <span className="tandem-unseen">{label}: </span>
        <Value value={field[which]} />
      </label>
    );
  return (
    <div className="tandem-field" role="radiogroup" aria-labelledby={`${name}-column`}>
      <span className="tandem-column" id={`${name}-column`}>
        {field.name}
      </span>
      {side("current", "Shown now")}
      {side("other", "The other one")}
      {isText && (
        <label className="tandem-own-field">
          <input
            type="radio"
            name={name}
            checked={typeof taken === "object"}
            onChange={() => onTake({ value: textOf(field.current) })}
          />
          Another text
        </label>
      )}
      {typeof taken === "object" && (
        <textarea
          aria-label={`Another text for ${field.name}`}
          rows={2}
          value={taken.value}
          onChange={(event) => onTake({ value: event.target.value })}
        />
      )}
    </div>
  );
}

function Value({ value }: { value: Told | undefined }) {
  return <span className="tandem-value">{value === null ? <em>nothing</em> : textOf(value)}</span>;
}

function RowTable({ current, other }: { current: ToldRow; other: ToldRow }) {
  const fields = fieldsOf(current, other);
  const cell = (row: ToldRow, field: Field, at: number) => {
    if (row)
      return (
        <td>
          <Value value={row.get(field.name)} />
        </td>
      );
    return at === 0 ? (
      <td rowSpan={fields.length} className="tandem-deleted">
        deleted
      </td>
    ) : null;
  };
  return (
    <table className="tandem-table">
      <thead>
        <tr>
          <th scope="col">Column</th>
          <th scope="col">Shown now</th>
          <th scope="col">The other one</th>
        </tr>
      </thead>
      <tbody>
        {fields.map((field, at) => (
          <tr key={field.name}>
            <th scope="row">{field.name}</th>
            {cell(current, field, at)}
            {cell(other, field, at)}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A row that a constraint keeps out. There is nothing to choose: it comes back by itself. */
export function SetAsideRow({ conflict }: { conflict: Conflict }) {
  const row = rowOf(conflict.other) ?? rowOf(conflict.current);
  return (
    <>
      <p>
        It does not fit at the moment: {String(conflict.rule)}. It comes back by itself as soon as that has changed;
        nothing of it is lost.
      </p>
      <table className="tandem-table">
        <tbody>
          {[...(row ?? [])].map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                <Value value={value} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** The row that lost, under a key of its own. */
function KeepBoth({ conflict, isBusy, onTake }: Choosing) {
  const before = keyOf(conflict);
  const [parts, setParts] = useState(() => before.map((part) => (typeof part === "string" ? `${part}-2` : "")));
  const [trouble, setTrouble] = useState("");
  if (before.some((part) => part === null || (typeof part === "object" && "other" in part))) return null;
  const keep = () => {
    const key = parts.map((part, at) => (typeof before[at] === "string" ? part : numberOf(part)));
    if (key.includes(null)) return setTrouble("The key is a number here.");
    setTrouble("");
    onTake({ take: "reinsert", value: key.length === 1 ? (key[0] ?? null) : key });
  };
  return (
    <div className="tandem-own tandem-both">
      {parts.map((part, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a key have no other name here, and stay where they are
        <label key={at}>
          <span>
            {parts.length === 1
              ? "Or keep both: the other one under the key"
              : `Or keep both: part ${at + 1} of the other one's key`}
          </span>
          <input
            value={part}
            inputMode={typeof before[at] === "string" ? "text" : "numeric"}
            onChange={(event) => setParts(parts.map((each, place) => (place === at ? event.target.value : each)))}
          />
        </label>
      ))}
      <TakeButton isBusy={isBusy} onTake={keep}>
        Keep both
      </TakeButton>
      {trouble && <p role="alert">{trouble}</p>}
    </div>
  );
}

/** Null: no number that can be told exactly. */
function numberOf(text: string): number | null {
  const number = Number(text);
  return text.trim() !== "" && Number.isFinite(number) && Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : null;
}
