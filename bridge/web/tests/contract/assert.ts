/** What a check found, in words that are the same in every runner: the contract also runs where no test library does. */
export class CheckFailed extends Error {
  override readonly name = "CheckFailed";
}

export function check(condition: boolean, what: string): void {
  if (!condition) throw new CheckFailed(what);
}

export function equal(found: unknown, wanted: unknown): void {
  const [left, right] = [shown(found), shown(wanted)];
  check(left === right, `found ${left} instead of ${right}`);
}

/** The promise is rejected with a TandemError of that code. */
export async function refused(work: Promise<unknown>, code: string): Promise<void> {
  const found = await work.then(
    (value) => `not refused, but ${shown(value)}`,
    (reason) => (reason?.name === "TandemError" ? reason.code : `no TandemError, but ${reason}`),
  );
  equal(found, code);
}

export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 20_000,
): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await condition())) {
    check(Date.now() < end, `${what} did not come about within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** As text that tells apart what JSON does not: bigints, bytes, -0, undefined. The order of an object's fields counts for nothing. */
function shown(value: unknown): string {
  return JSON.stringify(value, (_, each) => {
    if (typeof each === "bigint") return { bigint: String(each) };
    if (each instanceof Uint8Array) return { bytes: Array.from(each) };
    if (typeof each === "number" && (!Number.isFinite(each) || Object.is(each, -0))) return { number: String(each) };
    if (each === undefined) return { undefined: true };
    const isPlain = typeof each === "object" && each !== null && !Array.isArray(each);
    return isPlain ? Object.fromEntries(Object.entries(each).sort(([left], [right]) => (left < right ? -1 : 1))) : each;
  });
}
