/** Between two questions, and a share at random, so that of many tabs one is the first to lose patience. */
const askMs = 2_000;
const spreadMs = 500;
/**
 * The owner's only thread may be busy for 5 s with one statement (page_deadline_ms_default), and this one's as well. So not the clock
 * counts, which goes on while this tab sleeps, but questions that each had their time: eight seconds and more.
 */
const unansweredMax = 4;

/**
 * Asks the tab that owns the database whether it is still there. It answers without any timer, for those of a tab in the background may
 * be a minute late; when this tab's own are, it is the more patient.
 */
export class OwnerWatch {
  private timer: ReturnType<typeof setInterval> | undefined;
  private unanswered = 0;
  private wasHeard = false;

  constructor(
    private readonly ask: () => void,
    private readonly onSilent: () => void,
  ) {}

  start(): void {
    if (this.timer !== undefined) return;
    this.unanswered = 0;
    this.timer = setInterval(() => this.look(), askMs + Math.random() * spreadMs);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** The owner said something, to whichever tab. */
  heard(): void {
    this.unanswered = 0;
    this.wasHeard = true;
  }

  private look(): void {
    if (this.wasHeard) {
      this.wasHeard = false;
    } else if (this.unanswered < unansweredMax) {
      this.unanswered++;
      this.ask();
    } else {
      this.unanswered = 0;
      this.onSilent();
    }
  }
}
