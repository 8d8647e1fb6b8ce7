/** What can go wrong, as `failed` tells it; `closed` and `lost` are added on this side. */
export type ErrorCode =
  | "usage"
  | "storage"
  | "busy"
  | "full"
  | "read_only"
  | "corrupt"
  | "schema"
  | "protocol"
  | "limit"
  | "clock"
  | "denied"
  | "not_found"
  | "network"
  | "defect"
  | "cancelled"
  | "deadline"
  | "transaction_lost"
  | "constraint"
  | "sql"
  | "refused"
  | "closed";

const known: ReadonlySet<string> = new Set<ErrorCode>([
  ...(["usage", "storage", "busy", "full", "read_only", "corrupt", "schema", "protocol", "limit", "clock"] as const),
  ...(["denied", "not_found", "network", "defect", "cancelled", "deadline", "transaction_lost"] as const),
  ...(["constraint", "sql", "refused", "closed"] as const),
]);

const decisions: ReadonlySet<ErrorCode> = new Set([
  "constraint",
  "sql",
  "refused",
  "usage",
  "denied",
  "read_only",
  "limit",
  "schema",
]);

/** Everything that this package throws or rejects with. `code` is for programs, `message` for people. */
export class TandemError extends Error {
  override readonly name = "TandemError";

  constructor(
    readonly code: ErrorCode,
    message: string,
    /** True for a write that may or may not have happened: no answer came, and none will. */
    readonly isOutcomeUnknown = false,
  ) {
    super(message);
  }

  /** True if the same request may well succeed later without any change to it. */
  get isPassing(): boolean {
    return this.code === "busy" || this.code === "network" || this.code === "deadline" || this.code === "closed";
  }

  /** The node's word about the request itself: asking again would change nothing. */
  get isDecision(): boolean {
    return decisions.has(this.code);
  }

  /** A code that this version does not know counts as `defect`; its name stays in the text. */
  static fromWire(code: string, text: string): TandemError {
    return isErrorCode(code) ? new TandemError(code, text) : new TandemError("defect", `${code}: ${text}`);
  }
}

export function isErrorCode(code: string | undefined): code is ErrorCode {
  return known.has(code ?? "");
}

export function asTandemError(reason: unknown): TandemError {
  if (reason instanceof TandemError) return reason;
  return new TandemError("defect", reason instanceof Error ? reason.message : String(reason));
}
