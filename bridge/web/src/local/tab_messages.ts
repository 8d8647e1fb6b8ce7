import { frameBytesMax, reasonBytesMax, sessionDigits } from "../protocol/limits";

/** What the tabs with one database say to each other, all to all. */
export type TabMessage =
  /** By a tab that looks for the owner. */
  | { readonly kind: "who" }
  /** By the tab that has the lock, while its node is not there yet, or not any more. */
  | { readonly kind: "opening" }
  /** By the owner: when its node is there, and when it is asked. */
  | { readonly kind: "here"; readonly owner: number; readonly whyNotDurable: string | null }
  /** To that owner: begin a conversation. */
  | { readonly kind: "call"; readonly owner: number; readonly conversation: string }
  /** To that owner: what is the digest? */
  | { readonly kind: "ask_digest"; readonly owner: number; readonly question: string }
  | { readonly kind: "digest"; readonly question: string; readonly digest: string };

/** What an owner says in one conversation, beside frames. */
export type TalkMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "closed"; readonly code: string; readonly text: string };

/** Any script of the origin may write to the channels, an older version of this one too. Null: it is none of ours. */
export function asTabMessage(data: unknown): TabMessage | null {
  if (!isRecord(data)) return null;
  const { kind, owner, conversation, question, digest, whyNotDurable } = data;
  switch (kind) {
    case "who":
    case "opening":
      return { kind };
    case "here":
      return isOwner(owner) && (whyNotDurable === null || isText(whyNotDurable))
        ? { kind, owner, whyNotDurable }
        : null;
    case "call":
      return isOwner(owner) && isId(conversation) ? { kind, owner, conversation } : null;
    case "ask_digest":
      return isOwner(owner) && isId(question) ? { kind, owner, question } : null;
    case "digest":
      return isId(question) && isText(digest) ? { kind, question, digest } : null;
    default:
      return null;
  }
}

export function asTalkMessage(data: unknown): TalkMessage | null {
  if (!isRecord(data)) return null;
  const { kind, code, text } = data;
  if (kind === "ready") return { kind };
  return kind === "closed" && isText(code) && isText(text) ? { kind, code, text } : null;
}

export function asFrame(data: unknown): Uint8Array<ArrayBuffer> | null {
  return data instanceof ArrayBuffer && data.byteLength <= frameBytesMax ? new Uint8Array(data) : null;
}

/** A frame as it travels: without what else is in its buffer, which would be copied with it. */
export function asData(frame: Uint8Array): ArrayBuffer {
  return frame.slice().buffer as ArrayBuffer;
}

/** The channel of all tabs with that database, and the lock of its owner. */
export const databaseName = (database: string) => `tandem ${database}`;
/** The channel of one conversation, and the lock that the calling tab holds while it goes on. */
export const talkName = (database: string, conversation: string) => `tandem ${database} ${conversation}`;

const idPattern = new RegExp(`^[0-9a-f]{${sessionDigits}}$`);
const isRecord = (data: unknown): data is Record<string, unknown> => typeof data === "object" && data !== null;
const isOwner = (value: unknown): value is number => Number.isSafeInteger(value);
const isId = (value: unknown): value is string => typeof value === "string" && idPattern.test(value);
const isText = (value: unknown): value is string => typeof value === "string" && value.length <= reasonBytesMax;
