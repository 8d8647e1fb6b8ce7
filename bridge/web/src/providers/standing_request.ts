import { Backoff } from "../backoff";
import { asTandemError, type ErrorCode, TandemError } from "../errors";
import type { Message } from "../protocol/messages";
import type { Request, Session, SessionState, Ticket } from "../session";

/** What may be otherwise in a moment. `sql` too: a table may be made, or changed, while the page looks on. */
const passing: ReadonlySet<ErrorCode> = new Set(["deadline", "busy", "storage", "sql"]);
/** What asks in vain is mostly a heavy query. */
const retries = { firstMs: 1_000, mostMs: 30_000 };
/** Tables do not change that often. */
const sqlRetryMsMin = 3_000;

/** A request that goes on until it is ended. The node forgets one that fails; if that may pass, it is asked for again. */
export abstract class StandingRequest implements Request {
  readonly lane = null;
  private ticket: Ticket | null = null;
  private readonly backoff = new Backoff(retries);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopLooking: (() => void) | null = null;

  constructor(protected readonly session: Session) {}

  abstract encode(id: number): Uint8Array<ArrayBuffer>;
  /** News of it, other than that it failed. */
  protected abstract hear(message: Message, id: number): void;
  /** It is over, or asked for again in a while. */
  protected abstract told(reason: TandemError): void;

  protected begin(): void {
    try {
      this.ticket = this.session.ask(this);
    } catch (reason) {
      this.fail(asTandemError(reason));
    }
  }

  protected end(): void {
    if (this.ticket) this.session.drop(this.ticket);
    this.ticket = null;
    this.stopResting();
  }

  protected beginAnew(): void {
    this.end();
    this.begin();
  }

  protected isAskedAs(id: number): boolean {
    return this.ticket?.id === id;
  }

  take(message: Message, id: number): boolean {
    if (message.kind === "failed") {
      const reason = TandemError.fromWire(message.code, message.text);
      this.ticket = null;
      if (passing.has(reason.code)) this.rest(reason.code);
      this.told(reason);
      return true;
    }
    this.backoff.reset();
    this.hear(message, id);
    return false;
  }

  fail(reason: TandemError): void {
    this.ticket = null;
    this.told(reason);
  }

  lost(): null {
    return null;
  }

  /** Until some time has passed, or the node is another or has started again. */
  private rest(code: ErrorCode): void {
    const waitMs = Math.max(this.backoff.next(), code === "sql" ? sqlRetryMsMin : 0);
    this.timer = setTimeout(() => this.beginAnew(), waitMs);
    let wasAway = false;
    this.stopLooking = this.session.onState(({ phase }: SessionState) => {
      if (phase === "closed" || (phase === "open" && wasAway)) this.beginAnew();
      wasAway = wasAway || phase !== "open";
    });
  }

  private stopResting(): void {
    clearTimeout(this.timer);
    this.stopLooking?.();
    this.stopLooking = null;
  }
}
