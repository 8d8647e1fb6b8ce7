/** What goes up in one batch. */
const batchBytesMax = 1024 * 1024;

/** Sends frames in numbered batches, one after the other; what is pushed meanwhile goes into the next batch. */
export class UpstreamQueue {
  private waiting: Uint8Array[] = [];
  private number = 0;
  private isSending = false;
  private isClosed = false;

  constructor(
    private readonly send: (batch: readonly Uint8Array[], number: number) => Promise<void>,
    private readonly onFailure: (reason: unknown) => void,
  ) {}

  push(frame: Uint8Array): void {
    if (this.isClosed) return;
    this.waiting.push(frame);
    if (this.isSending) return;
    this.isSending = true;
    // What is pushed in the same turn travels in one batch.
    queueMicrotask(() => void this.drain());
  }

  close(): void {
    this.isClosed = true;
    this.waiting = [];
  }

  private async drain(): Promise<void> {
    try {
      while (this.waiting.length > 0 && !this.isClosed) await this.send(this.nextBatch(), ++this.number);
    } catch (reason) {
      if (!this.isClosed) this.onFailure(reason);
    } finally {
      this.isSending = false;
    }
  }

  private nextBatch(): Uint8Array[] {
    let bytes = 0;
    let count = 0;
    while (count < this.waiting.length) {
      bytes += this.waiting[count]?.length ?? 0;
      if (count > 0 && bytes > batchBytesMax) break;
      count++;
    }
    return this.waiting.splice(0, count);
  }
}
