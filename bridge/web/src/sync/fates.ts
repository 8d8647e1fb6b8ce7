import { TandemError } from "../errors";
import type { StoredWrite } from "./outbox_store";

interface Waiting {
  resolve(): void;
  reject(reason: TandemError): void;
}

/** Who waits to hear whether a write is saved, and what took the place of what. */
export class Fates {
  private readonly waiting = new Map<string, Waiting[]>();
  /** Of a write that waits: those whose place it took, and whose fate is its own now. */
  private readonly replacedBy = new Map<string, string[]>();
  /** Given up by a person: they will never be saved. */
  private readonly givenUp = new Set<string>();

  /** What took its place, or itself. */
  lastOf(once: string): string {
    for (const [last, names] of this.replacedBy) if (names.includes(once)) return last;
    return once;
  }

  /** `write`: as it is stored; undefined: it is there no more, so the node has it. */
  of(once: string, write: StoredWrite | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.set(once, [...(this.waiting.get(once) ?? []), { resolve, reject }]);
      this.answer(once, write);
    });
  }

  waitedFor(): readonly string[] {
    return [...this.waiting.keys()];
  }

  /** Tells those who wait, if there is anything to tell. */
  answer(once: string, write: StoredWrite | undefined): void {
    if (write && !write.refusal) return;
    if (!write) this.replacedBy.delete(once);
    const waiting = this.waiting.get(once) ?? [];
    this.waiting.delete(once);
    for (const { resolve, reject } of waiting) {
      if (write?.refusal) reject(errorOf(write.refusal));
      else if (this.givenUp.has(once)) reject(new TandemError("refused", "this write was given up"));
      else resolve();
    }
  }

  /** Who waits for the old write waits for the new one: until then nothing is saved. */
  replace(before: string, after: string): void {
    const names = [...(this.replacedBy.get(after) ?? []), ...(this.replacedBy.get(before) ?? []), before];
    this.replacedBy.delete(before);
    this.replacedBy.set(after, names);
    const waiting = this.waiting.get(before);
    this.waiting.delete(before);
    if (waiting) this.waiting.set(after, [...(this.waiting.get(after) ?? []), ...waiting]);
  }

  giveUp(once: string): void {
    this.givenUp.add(once);
  }
}

const errorOf = ({ code, text }: { code: string; text: string }) => TandemError.fromWire(code, text);
