import type { Conflict, Provider, Settlement } from "@tandem/web";
import { count, element, place, table } from "./dom";
import { type Found, findConflicts, placeOf, shownAtOnce, text } from "./found";

/** Conflicts that wait, each with its two values and the choice between them; and rows that wait for others. */
export class Inbox {
  private isBusy = false;
  private isStale = false;

  constructor(private readonly db: Provider) {
    db.observe(["tandem_conflicts"], () => void this.refresh());
    void this.refresh();
  }

  /** News that come while an answer is under way are asked for once more, not once each. */
  async refresh(): Promise<void> {
    this.isStale = true;
    if (this.isBusy) return;
    this.isBusy = true;
    while (this.isStale) {
      this.isStale = false;
      try {
        const open = { open: true, limit: shownAtOnce };
        const waiting = await findConflicts(this.db, { ...open, set_aside: false });
        const aside = await findConflicts(this.db, { ...open, set_aside: true });
        place("inbox").replaceChildren(...this.conflicts(waiting), ...setAside(aside));
      } catch (reason) {
        place("inbox").replaceChildren(element("p", { role: "alert" }, String(reason)));
      }
    }
    this.isBusy = false;
  }

  private conflicts(found: Found): readonly HTMLElement[] {
    if (found.total === 0) return [element("p", { class: "fine" }, "No conflicts.")];
    const rows = found.entries.map((each) => [
      placeOf(each),
      text(each.current),
      text(each.other),
      text(each.trouble || each.rule),
      this.choices(each),
    ]);
    return [table(["Where", "Stands now", "The other", "Why", "Choose"], rows), ...more(found, "conflicts")];
  }

  /** Of what nothing can be done about, one can only say that it is seen. */
  private choices(conflict: Conflict): HTMLElement {
    return conflict.trouble
      ? element("span", {}, this.choice(conflict, "current", "Mark as settled"))
      : element("span", {}, this.choice(conflict, "current", "Keep"), this.choice(conflict, "other", "Take the other"));
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

/** Nobody chooses about these: each comes back by itself, once what stands in its way is gone. */
function setAside(found: Found): readonly HTMLElement[] {
  if (found.total === 0) return [];
  const rows = found.entries.map((each) => [placeOf(each), text(each.other), text(each.waits_for)]);
  return [
    element("h3", {}, "Rows set aside: each comes back by itself as soon as it fits"),
    element("div", { id: "aside" }, table(["Where", "Values", "Waits because of"], rows), ...more(found, "rows")),
  ];
}

function more(found: Found, what: string): readonly HTMLElement[] {
  const shown = found.entries.length;
  if (shown === found.total) return [];
  return [element("p", { class: "more" }, `The ${shown} that have waited longest, of ${count(found.total)} ${what}.`)];
}
