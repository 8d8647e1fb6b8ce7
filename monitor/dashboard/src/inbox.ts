import type { Conflict, Provider, Settlement } from "@tandem/web";
import { element, place, table } from "./dom";

const shownAtOnce = 50;

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function placeOf(each: Conflict): string {
  return `${each.table} ${text(each.key)}${each.column ? `, ${text(each.column)}` : ""}`;
}

/** Conflicts that wait, each with its two values and the choice between them. */
export class Inbox {
  private isBusy = false;

  constructor(private readonly db: Provider) {
    db.observe(["tandem_conflicts"], () => void this.refresh());
    void this.refresh();
  }

  async refresh(): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      this.draw(await this.db.conflicts({ open: true, limit: shownAtOnce }));
    } catch (reason) {
      place("inbox").replaceChildren(element("p", { role: "alert" }, String(reason)));
    } finally {
      this.isBusy = false;
    }
  }

  private draw(conflicts: readonly Conflict[]): void {
    if (conflicts.length === 0) {
      place("inbox").replaceChildren(element("p", { class: "fine" }, "No conflicts."));
      return;
    }
    const rows = conflicts.map((each) => [
      placeOf(each),
      text(each.current),
      text(each.other),
      text(each.rule),
      element("span", {}, this.choice(each, "current", "Keep"), this.choice(each, "other", "Take the other")),
    ]);
    place("inbox").replaceChildren(table(["Where", "Stands now", "The other", "Why", "Choose"], rows));
  }

  private choice(conflict: Conflict, take: Settlement, label: string): HTMLElement {
    const button = element("button", { type: "button", "data-take": take }, label);
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await this.db.resolve({ id: conflict.id, take, user: "dashboard" });
        await this.refresh();
      } catch (reason) {
        button.replaceWith(element("span", { role: "alert" }, String(reason)));
      }
    });
    return button;
  }
}

/** The newest entries of the audit trail, those that hold a text. */
export function makeAudit(db: Provider): void {
  const field = element("input", {
    type: "search",
    placeholder: "Table, key, value, person",
    "aria-label": "Search the audit trail",
  });
  const found = element("div");
  const search = async () => {
    try {
      const wanted = field.value.toLowerCase();
      const all = await db.audit(1000);
      const fitting = all.filter((each) => JSON.stringify(each).toLowerCase().includes(wanted)).slice(0, shownAtOnce);
      found.replaceChildren(
        table(
          ["Where", "Stands", "Lost", "Settled"],
          fitting.map((each) => [
            placeOf(each),
            text(each.current),
            text(each.other),
            `${text(each.state)} ${each.settled_who ? `by ${text(each.settled_who)}` : text(each.rule)}`,
          ]),
        ),
      );
    } catch (reason) {
      found.replaceChildren(element("p", { role: "alert" }, String(reason)));
    }
  };
  const form = element("form", {}, field, element("button", {}, "Search"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void search();
  });
  place("audit").replaceChildren(form, found);
}

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
