import type { Conflict, Provider } from "@tandem/web";
import { count, element, place, table } from "./dom";
import { type Found, findConflicts, placeOf, shownAtOnce, text } from "./found";

/** The newest entries of the audit trail, those that hold a text. The node looks through all of them. */
export function makeAudit(db: Provider): void {
  const field = element("input", {
    type: "search",
    placeholder: "Table, key, value, person",
    "aria-label": "Search the audit trail",
  });
  const found = element("div", { "aria-live": "polite" });
  let searches = 0;
  const search = async () => {
    const ours = ++searches;
    let shown: readonly HTMLElement[];
    try {
      shown = entries(await findConflicts(db, { newest: true, text: field.value, limit: shownAtOnce }));
    } catch (reason) {
      shown = [element("p", { role: "alert" }, String(reason))];
    }
    if (ours === searches) found.replaceChildren(...shown);
  };
  const form = element("form", {}, field, element("button", {}, "Search"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void search();
  });
  place("audit").replaceChildren(form, found);
}

function entries({ total, entries }: Found): readonly HTMLElement[] {
  if (total === 0) return [element("p", {}, "The audit trail has nothing of that.")];
  const shown = entries.length;
  return [
    element(
      "p",
      { id: "found" },
      shown < total ? `The newest ${shown} of ${count(total)}.` : `${count(total)} in all.`,
    ),
    table(
      ["Where", "Stands", "Lost", "Settled"],
      entries.map((each) => [placeOf(each), text(each.current), text(each.other), settled(each)]),
    ),
  ];
}

function settled(each: Conflict): string {
  const when = Number(each.settled_ms);
  const by = each.settled_who ? `by ${text(each.settled_who)}` : text(each.rule);
  return `${text(each.state)} ${by}${when > 0 ? `, ${new Date(when).toLocaleString("en-GB")}` : ""}`;
}

/** Where a row stands, in sentences. */
export function makeWhy(db: Provider): void {
  const name = element("input", { placeholder: "Table", "aria-label": "Table", required: "" });
  const key = element("input", { placeholder: 'Key: 7, "a7" or ["a", 1]', "aria-label": "Key", required: "" });
  const answer = element("div", { "aria-live": "polite" });
  const form = element("form", {}, name, key, element("button", {}, "Ask"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let wanted: unknown = key.value;
    try {
      wanted = JSON.parse(key.value);
    } catch {
      // A text without its quotes.
    }
    try {
      const report = (await db.why(name.value, wanted as never)) as { sentences?: readonly string[] };
      answer.replaceChildren(...(report.sentences ?? []).map((each) => element("p", {}, each)));
    } catch (reason) {
      answer.replaceChildren(element("p", { role: "alert" }, String(reason)));
    }
  });
  place("why").replaceChildren(form, answer);
}
