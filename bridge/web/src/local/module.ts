/** What the compiled module (wasm/) offers; see wasm/page_node.cpp. */
export interface NodeModule {
  readonly FS: ModuleFiles;
  readonly HEAPU8: Uint8Array;
  UTF8ToString(text: number): string;
  stringToUTF8(text: string, to: number, bytesMax: number): void;
  lengthBytesUTF8(text: string): number;
  _malloc(size: number): number;
  _free(pointer: number): void;
  _tandem_open(path: number, options: number): number;
  _tandem_run(): number;
  _tandem_open_page(number: number): void;
  _tandem_socket_opened(number: number): void;
  _tandem_came(number: number, bytes: number, size: number): void;
  _tandem_closed(number: number, text: number): void;
  _tandem_stop(): void;
  _tandem_has_ended(): number;
  _tandem_digest(): number;
}

/** Of its file system in memory, what is used here. */
export interface ModuleFiles {
  mkdir(path: string): void;
  readFile(path: string): Uint8Array;
  writeFile(path: string, data: Uint8Array): void;
  write(
    stream: { path: string; position: number },
    bytes: ArrayBufferView,
    offset: number,
    length: number,
    position?: number,
    canOwn?: boolean,
  ): number;
  ftruncate(file: number, length: number): void;
  truncate(path: string | object, length: number): void;
  unlink(path: string): void;
  stat(path: string): { size: number };
  analyzePath(path: string): { exists: boolean };
  open(path: string, how: string): object;
  read(stream: object, into: Uint8Array, offset: number, length: number, position: number): number;
  close(stream: object): void;
  getStream(file: number): { path: string } | null;
}

/** What the module calls. */
export interface ModuleHost {
  dial(number: number, url: string, token: string): void;
  send(number: number, bytes: Uint8Array<ArrayBuffer>): void;
  unsent(number: number): number;
  close(number: number): void;
  say(level: number, text: string): void;
}

/** The default export of `tandem.mjs`, as Emscripten makes it. */
export type ModuleFactory = (options: {
  wasmBinary?: ArrayBuffer | Uint8Array;
  locateFile?: (name: string) => string;
  host: ModuleHost;
}) => Promise<NodeModule>;

/** Calls with a text, which is UTF-8 with a zero behind it. */
export function withText<T>(module: NodeModule, text: string, call: (pointer: number) => T): T {
  const size = module.lengthBytesUTF8(text) + 1;
  const pointer = module._malloc(size);
  try {
    module.stringToUTF8(text, pointer, size);
    return call(pointer);
  } finally {
    module._free(pointer);
  }
}

export function withBytes<T>(module: NodeModule, bytes: Uint8Array, call: (pointer: number) => T): T {
  const pointer = module._malloc(Math.max(bytes.length, 1));
  try {
    module.HEAPU8.set(bytes, pointer);
    return call(pointer);
  } finally {
    module._free(pointer);
  }
}
