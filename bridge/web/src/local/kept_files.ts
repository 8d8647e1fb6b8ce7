import { blockBytes, type FileChange, type KeptFile } from "./block_store";
import type { ModuleFiles } from "./module";

/** Files of the module that are kept: those of one folder. Notes which blocks of them have changed. */
export class KeptFiles {
  private readonly changed = new Map<string, Set<number>>();

  constructor(
    private readonly files: ModuleFiles,
    private readonly folder: string,
  ) {
    files.mkdir(folder);
  }

  /** Puts back what was kept, and notes changes from then on. */
  start(kept: readonly KeptFile[]): void {
    for (const { path, size, blocks } of kept) {
      const bytes = new Uint8Array(size);
      for (const [number, block] of blocks) {
        const at = number * blockBytes;
        if (at < size) bytes.set(block.subarray(0, Math.min(block.length, size - at)), at);
      }
      this.files.writeFile(path, bytes);
    }
    this.listen();
  }

  get isChanged(): boolean {
    return this.changed.size > 0;
  }

  /** What has changed since it was last taken. */
  take(): FileChange[] {
    const result = [...this.changed].map(([path, numbers]) => this.changeOf(path, numbers));
    this.changed.clear();
    return result;
  }

  /** It could not be kept: it counts as changed again. */
  putBack(changes: readonly FileChange[]): void {
    for (const { path, blocks } of changes) {
      const numbers = this.note(path); // Also of a file that is gone, or shorter.
      for (const number of blocks.keys()) numbers.add(number);
    }
  }

  private changeOf(path: string, numbers: ReadonlySet<number>): FileChange {
    const blocks = new Map<number, Uint8Array<ArrayBuffer>>();
    if (!this.files.analyzePath(path).exists) return { path, size: -1, blocks };
    const { size } = this.files.stat(path);
    const stream = this.files.open(path, "r");
    for (const number of numbers) {
      const at = number * blockBytes;
      if (at >= size) continue;
      const block = new Uint8Array(Math.min(blockBytes, size - at));
      this.files.read(stream, block, 0, block.length, at);
      blocks.set(number, block);
    }
    this.files.close(stream);
    return { path, size, blocks };
  }

  private note(path: string): Set<number> {
    let numbers = this.changed.get(path);
    if (!numbers) {
      numbers = new Set();
      this.changed.set(path, numbers);
    }
    return numbers;
  }

  private listen(): void {
    const { files } = this;
    const isKept = (path: string) => path.startsWith(`${this.folder}/`) && !path.endsWith("-shm");
    const write = files.write.bind(files);
    files.write = (stream, bytes, offset, length, position, canOwn) => {
      const at = position ?? stream.position;
      const written = write(stream, bytes, offset, length, position, canOwn);
      if (isKept(stream.path) && written > 0) {
        const numbers = this.note(stream.path);
        for (let n = Math.floor(at / blockBytes); n * blockBytes < at + written; n++) numbers.add(n);
      }
      return written;
    };
    const ftruncate = files.ftruncate.bind(files);
    files.ftruncate = (file, length) => {
      ftruncate(file, length);
      const path = files.getStream(file)?.path;
      // The last block is cut, or filled up with zeros.
      if (path !== undefined && isKept(path)) this.note(path).add(Math.floor(Math.max(length - 1, 0) / blockBytes));
    };
    const unlink = files.unlink.bind(files);
    files.unlink = (path) => {
      unlink(path);
      if (isKept(path)) this.note(path);
    };
  }
}
