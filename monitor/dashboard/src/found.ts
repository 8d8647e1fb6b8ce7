import type { Conflict, Provider } from "@tandem/web";

export const shownAtOnce = 50;

/** Some conflicts, and how many there are. */
export interface Found {
  readonly total: number;
  readonly entries: readonly Conflict[];
}

export interface Wish {
  readonly open?: boolean;
  readonly newest?: boolean;
  readonly set_aside?: boolean;
  readonly text?: string;
  readonly limit: number;
}

export async function findConflicts(db: Provider, wish: Wish): Promise<Found> {
  return (await db.ask("find_conflicts", { ...wish })) as unknown as Found;
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function placeOf(each: Conflict): string {
  return `${each.table} ${text(each.key)}${each.column ? `, ${text(each.column)}` : ""}`;
}
