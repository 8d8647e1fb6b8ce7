import { TandemError } from "../errors";
import { frameBytesMax } from "./limits";

/** Frames one after the other, each with its length before it: the bodies of HTTP and the batches of WebViews. */
export function joinFrames(frames: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = frames.reduce((sum, frame) => sum + 4 + frame.length, 0);
  const joined = new Uint8Array(size);
  const view = new DataView(joined.buffer);
  let at = 0;
  for (const frame of frames) {
    view.setUint32(at, frame.length);
    joined.set(frame, at + 4);
    at += 4 + frame.length;
  }
  return joined;
}

/** @throws TandemError `protocol` if a length is wrong. */
export function splitFrames(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes.length - at < 4) throw new TandemError("protocol", "a batch of frames ends within a length");
    const size = view.getUint32(at);
    at += 4;
    if (size > frameBytesMax || size > bytes.length - at)
      throw new TandemError("protocol", `a frame of ${size} bytes is longer than its batch`);
    frames.push(bytes.subarray(at, at + size));
    at += size;
  }
  return frames;
}

const charsAtOnce = 0x8000;

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += charsAtOnce)
    binary += String.fromCharCode(...bytes.subarray(at, at + charsAtOnce));
  return btoa(binary);
}

/** @throws TandemError `protocol` if it is no base64. */
export function fromBase64(text: string): Uint8Array {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    throw new TandemError("protocol", "a batch of frames is no base64");
  }
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
