import { TandemError } from "../errors";
import { depthMax } from "./limits";
import type { SqlValue } from "./values";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const maxSafe = BigInt(Number.MAX_SAFE_INTEGER);

const broken = (what: string) => new TandemError("protocol", `the node's frame cannot be read: ${what}`);

/** Reads msgpack strictly: nothing is allocated for a size that the frame cannot hold. */
export class Reader {
  private readonly view: DataView;
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  /** The number of items that follow. */
  array(countMax: number): number {
    const mark = this.u8();
    let count: number;
    if (mark >> 4 === 9) count = mark & 0x0f;
    else if (mark === 0xdc) count = this.u16();
    else if (mark === 0xdd) count = this.u32();
    else throw broken("a list was expected");
    if (count > countMax) throw broken(`a list of ${count} items is longer than ${countMax}`);
    if (count > this.bytes.length - this.at) throw broken("a list is longer than the frame");
    return count;
  }

  boolean(): boolean {
    const mark = this.u8();
    if (mark !== 0xc2 && mark !== 0xc3) throw broken("true or false was expected");
    return mark === 0xc3;
  }

  /** A whole number that a number of JavaScript holds exactly. */
  integer(): number {
    const value = this.value();
    if (typeof value !== "number" || !Number.isInteger(value)) throw broken("a whole number was expected");
    return value;
  }

  text(bytesMax: number): string {
    const value = this.value();
    if (typeof value !== "string") throw broken("text was expected");
    if (value.length > bytesMax) throw broken(`a text of ${value.length} characters is longer than ${bytesMax}`);
    return value;
  }

  value(): SqlValue {
    const mark = this.u8();
    if (mark < 0x80) return mark;
    if (mark >= 0xe0) return mark - 0x100;
    if (mark >> 5 === 5) return this.utf8(mark & 0x1f);
    switch (mark) {
      case 0xc0:
        return null;
      case 0xc4:
        return this.blob(this.u8());
      case 0xc5:
        return this.blob(this.u16());
      case 0xc6:
        return this.blob(this.u32());
      case 0xca:
        return this.view.getFloat32(this.skip(4));
      case 0xcb:
        return this.view.getFloat64(this.skip(8));
      case 0xcc:
        return this.u8();
      case 0xcd:
        return this.u16();
      case 0xce:
        return this.u32();
      case 0xcf:
        return shortest(this.view.getBigUint64(this.skip(8)));
      case 0xd0:
        return this.view.getInt8(this.skip(1));
      case 0xd1:
        return this.view.getInt16(this.skip(2));
      case 0xd2:
        return this.view.getInt32(this.skip(4));
      case 0xd3:
        return shortest(this.view.getBigInt64(this.skip(8)));
      case 0xd9:
        return this.utf8(this.u8());
      case 0xda:
        return this.utf8(this.u16());
      case 0xdb:
        return this.utf8(this.u32());
      default:
        throw broken(`0x${mark.toString(16)} begins no value`);
    }
  }

  /** Steps over a field that a later version added, whatever it is. */
  skipField(depth = 0): void {
    if (depth > depthMax) throw broken("lists are nested too deeply");
    const mark = this.bytes[this.at] ?? 0xc1;
    const isMap = mark >> 4 === 8 || mark === 0xde || mark === 0xdf;
    if (mark === 0xc2 || mark === 0xc3) this.at++;
    else if (mark >> 4 === 9 || mark === 0xdc || mark === 0xdd || isMap) {
      this.at++;
      let count = mark & 0x0f;
      if (mark === 0xdc || mark === 0xde) count = this.u16();
      else if (mark === 0xdd || mark === 0xdf) count = this.u32();
      for (let left = isMap ? 2 * count : count; left > 0; left--) this.skipField(depth + 1);
    } else this.value();
  }

  private utf8(size: number): string {
    const begin = this.skip(size);
    if (size < 24) {
      let ascii = "";
      for (let index = begin; index < begin + size; index++) {
        const code = this.bytes[index] as number;
        if (code >= 0x80) return utf8.decode(this.bytes.subarray(begin, begin + size));
        ascii += String.fromCharCode(code);
      }
      return ascii;
    }
    return utf8.decode(this.bytes.subarray(begin, begin + size));
  }

  private blob(size: number): Uint8Array {
    const begin = this.skip(size);
    return this.bytes.slice(begin, begin + size);
  }

  private u8(): number {
    return this.view.getUint8(this.skip(1));
  }
  private u16(): number {
    return this.view.getUint16(this.skip(2));
  }
  private u32(): number {
    return this.view.getUint32(this.skip(4));
  }

  private skip(size: number): number {
    const begin = this.at;
    if (size > this.bytes.length - begin) throw broken("it ends too early");
    this.at = begin + size;
    return begin;
  }
}

function shortest(value: bigint): number | bigint {
  return value >= -maxSafe && value <= maxSafe ? Number(value) : value;
}
