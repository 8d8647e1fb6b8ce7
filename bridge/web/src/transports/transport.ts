import type { TandemError } from "../errors";

export type TransportKind = "webview" | "websocket" | "http" | "in_process";

/** One connection to a node. Frames arrive in order, once each, or the connection ends. */
export interface Connection {
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** Ends it; no event follows. */
  close(): void;
}

export interface ConnectionEvents {
  /** `send` may be called from now on. Never called within `connect`. */
  onReady(): void;
  onFrame(frame: Uint8Array): void;
  /** The connection is over. Called once at most, and nothing after it. */
  onClosed(reason: TandemError): void;
}

export interface ConnectionIdentity {
  /** 32 hex digits, random for each connection. */
  readonly session: string;
  /** May be empty. */
  readonly token: string;
  /** By then the node's first word has to be there, or the connection is given up. */
  readonly connectMs?: number;
}

/** A way to a node. It moves frames and knows nothing of what they mean. */
export interface Transport {
  readonly kind: TransportKind;
  /** For people: an address, say. */
  readonly name: string;
  connect(identity: ConnectionIdentity, events: ConnectionEvents): Connection;
}

/** Passes events on until the connection is over, and the end only once. */
export class EventGate {
  private isOver = false;

  constructor(private readonly events: ConnectionEvents) {}

  get isClosed(): boolean {
    return this.isOver;
  }

  ready(): void {
    if (!this.isOver) this.events.onReady();
  }

  frame(frame: Uint8Array): void {
    if (!this.isOver) this.events.onFrame(frame);
  }

  fail(reason: TandemError): void {
    if (this.isOver) return;
    this.isOver = true;
    this.events.onClosed(reason);
  }

  shut(): void {
    this.isOver = true;
  }
}
