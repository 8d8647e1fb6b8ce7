import { TandemError } from "../errors";
import { Real, type SqlParameter } from "./values";

const utf8 = new TextEncoder();
const int64Min = -(2n ** 63n);
const uint64Max = 2n ** 64n - 1n;

/** Appends msgpack to a buffer that grows. Numbers take their shortest form, as the node writes them. */
export class Writer {
  private bytes = new Uint8Array(256);
  private view = new DataView(this.bytes.buffer);
  private length = 0;

  /** All that was written; the writer is to be left alone afterwards. */
  take(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }

  nil(): void {
    this.byte(0xc0);
  }

  boolean(value: boolean): void {
    this.byte(value ? 0xc3 : 0xc2);
  }

  integer(value: number | bigint): void {
    if (typeof value === "bigint") {
      if (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER))
        this.integer(Number(value));
      else this.large(value);
      return;
    }
    if (value >= 0) this.unsigned(value);
    else this.negative(value);
  }

  private unsigned(value: number): void {
    if (value < 0x80) this.byte(value);
    else if (value < 0x100) this.marked(0xcc, 1, (at) => this.view.setUint8(at, value));
    else if (value < 0x10000) this.marked(0xcd, 2, (at) => this.view.setUint16(at, value));
    else if (value < 0x100000000) this.marked(0xce, 4, (at) => this.view.setUint32(at, value));
    else this.marked(0xcf, 8, (at) => this.view.setBigUint64(at, BigInt(value)));
  }

  private negative(value: number): void {
    if (value >= -0x20) this.byte(0x100 + value);
    else if (value >= -0x80) this.marked(0xd0, 1, (at) => this.view.setInt8(at, value));
    else if (value >= -0x8000) this.marked(0xd1, 2, (at) => this.view.setInt16(at, value));
    else if (value >= -0x80000000) this.marked(0xd2, 4, (at) => this.view.setInt32(at, value));
    else this.marked(0xd3, 8, (at) => this.view.setBigInt64(at, BigInt(value)));
  }

  private large(value: bigint): void {
    if (value < int64Min || value > uint64Max)
      throw new TandemError("usage", `${value} does not fit into the 64 bits of an SQLite integer; store it as text`);
    if (value < 0n) this.marked(0xd3, 8, (at) => this.view.setBigInt64(at, value));
    else this.marked(0xcf, 8, (at) => this.view.setBigUint64(at, value));
  }

  real(value: number): void {
    this.marked(0xcb, 8, (at) => this.view.setFloat64(at, value));
  }

  text(value: string): void {
    const encoded = utf8.encode(value);
    const size = encoded.length;
    if (size < 0x20) this.byte(0xa0 | size);
    else this.sized(size, 0xd9, 0xda, 0xdb);
    this.raw(encoded);
  }

  blob(value: Uint8Array): void {
    this.sized(value.length, 0xc4, 0xc5, 0xc6);
    this.raw(value);
  }

  array(count: number): void {
    if (count < 0x10) this.byte(0x90 | count);
    else this.sized(count, 0, 0xdc, 0xdd);
  }

  value(value: SqlParameter): void {
    if (value === null) this.nil();
    else if (typeof value === "number") {
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) this.integer(value);
      else this.real(value);
    } else if (typeof value === "string") this.text(value);
    else if (typeof value === "bigint") this.sqlInteger(value);
    else if (value instanceof Uint8Array) this.blob(value);
    else if (value instanceof Real) this.real(value.value);
    else
      throw new TandemError(
        "usage",
        `a ${typeof value} is no value of SQLite: hand in null, a number, bigint, text or Uint8Array`,
      );
  }

  private sqlInteger(value: bigint): void {
    if (value > 2n ** 63n - 1n)
      throw new TandemError("usage", `${value} does not fit into the 64 bits of an SQLite integer; store it as text`);
    this.integer(value);
  }

  private sized(size: number, mark8: number, mark16: number, mark32: number): void {
    if (mark8 !== 0 && size < 0x100) this.marked(mark8, 1, (at) => this.view.setUint8(at, size));
    else if (size < 0x10000) this.marked(mark16, 2, (at) => this.view.setUint16(at, size));
    else this.marked(mark32, 4, (at) => this.view.setUint32(at, size));
  }

  private marked(mark: number, size: number, write: (at: number) => void): void {
    this.byte(mark);
    this.reserve(size);
    write(this.length);
    this.length += size;
  }

  private byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  private raw(value: Uint8Array): void {
    this.reserve(value.length);
    this.bytes.set(value, this.length);
    this.length += value.length;
  }

  private reserve(size: number): void {
    if (this.length + size <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + size));
    grown.set(this.bytes);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}
