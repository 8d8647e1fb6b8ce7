import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OwnerWatch } from "../../src/local/owner_watch";

describe("the watch over the tab with the database", () => {
  let asked = 0;
  let silent = 0;
  let askedUntilSilent = 0;
  let answers = true;
  let watch: OwnerWatch;
  beforeEach(() => {
    vi.useFakeTimers();
    [asked, silent, answers] = [0, 0, true];
    watch = new OwnerWatch(
      () => {
        asked++;
        if (answers) watch.heard();
      },
      () => {
        silent++;
        askedUntilSilent = asked;
      },
    );
    watch.start();
  });
  afterEach(() => {
    watch.stop();
    vi.useRealTimers();
  });

  it("lets an owner be that answers", () => {
    vi.advanceTimersByTime(600_000);
    expect(silent).toBe(0);
  });

  it("is patient for longer than a statement may take, and not much longer", () => {
    answers = false;
    vi.advanceTimersByTime(8_000);
    expect(silent).toBe(0);
    vi.advanceTimersByTime(5_000);
    expect(silent).toBe(1);
    expect(askedUntilSilent).toBe(4);
  });

  it("does not ask while others do", () => {
    for (let i = 0; i < 60; i++) {
      vi.advanceTimersByTime(1_000);
      watch.heard();
    }
    expect(asked).toBe(0);
  });

  it("counts no time in which it slept itself", () => {
    answers = false;
    vi.advanceTimersByTime(3_000);
    vi.setSystemTime(Date.now() + 3_600_000);
    vi.advanceTimersByTime(2_600);
    expect(silent).toBe(0);
  });

  it("is quiet when it is over", () => {
    watch.stop();
    vi.advanceTimersByTime(60_000);
    expect(asked).toBe(0);
  });
});
