// Just enough msgpack and protocol to speak to the host through the WebView.
const handler = window.webkit.messageHandlers.tandem;
const text = new TextEncoder();
const session = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const waiting = new Map();
let letters = 0;
let received = 0;
let last = 0;
let rings = 0;
let heard = 0;

function pack(item) {
  if (item === null) return [0xc0];
  if (item === true || item === false) return [item ? 0xc3 : 0xc2];
  if (typeof item === "number") return [0xce, item >>> 24, (item >>> 16) & 255, (item >>> 8) & 255, item & 255];
  if (typeof item === "string") {
    const bytes = text.encode(item);
    return [0xda, bytes.length >> 8, bytes.length & 255, ...bytes];
  }
  return [0xdc, item.length >> 8, item.length & 255, ...item.flatMap(pack)];
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset);
    this.at = 0;
  }
  number(size) {
    let result = 0;
    for (let i = 0; i < size; i++) result = result * 256 + this.bytes[this.at++];
    return result;
  }
  string(size) {
    this.at += size;
    return new TextDecoder().decode(this.bytes.subarray(this.at - size, this.at));
  }
  list(size) {
    return Array.from({ length: size }, () => this.item());
  }
  item() {
    const first = this.number(1);
    if (first < 0x80) return first;
    if (first >= 0xe0) return first - 256;
    if (first >= 0xa0 && first < 0xc0) return this.string(first & 31);
    if (first >= 0x90 && first < 0xa0) return this.list(first & 15);
    if (first >= 0xcc && first <= 0xcf) return this.number(1 << (first - 0xcc));
    if (first === 0xd9 || first === 0xda || first === 0xdb) return this.string(this.number(1 << (first - 0xd9)));
    if (first === 0xdc || first === 0xdd) return this.list(this.number(first === 0xdc ? 2 : 4));
    return { 0xc0: null, 0xc2: false, 0xc3: true }[first];
  }
}

function split(batch) {
  const bytes = Uint8Array.from(atob(batch), (letter) => letter.charCodeAt(0));
  const result = [];
  for (let at = 0; at < bytes.length; ) {
    const size = new DataView(bytes.buffer).getUint32(at);
    result.push(new Reader(bytes.subarray(at + 4, at + 4 + size)).item());
    at += 4 + size;
  }
  return result;
}

async function pull() {
  for (;;) {
    const answer = await handler.postMessage(`${session} pull ${received}`);
    const [number, batch] = answer.split(" ");
    if (!batch) return;
    received = Number(number);
    const messages = split(batch);
    heard += messages.length;
    for (const message of messages) waiting.get(message[0] === 48 ? 0 : message[2])?.(message);
  }
}

let pulling = Promise.resolve();
window.tandemDoorbell = () => {
  rings++;
  pulling = pulling.then(pull);
};

function send(...frames) {
  const bytes = frames.flatMap((frame) => {
    const packed = pack(frame);
    return [packed.length >>> 24, (packed.length >>> 16) & 255, (packed.length >>> 8) & 255, packed.length & 255, ...packed];
  });
  return handler.postMessage(`${session} send ${++letters} ${btoa(String.fromCharCode(...bytes))}`);
}

function ask(tag, ...fields) {
  const id = ++last;
  return new Promise((resolve, reject) => {
    waiting.set(id, (message) => (message[0] === 52 ? reject(new Error(`${message[3]}: ${message[4]}`)) : resolve(message)));
    send([tag, 1, id, 20000, ...fields]).catch(reject);
  });
}

async function openSession() {
  const opened = new Promise((resolve) => waiting.set(0, resolve));
  await send([32, 1, 1, 1, session, "", "webview"]);
  return opened;
}
