export { type BlockStore, blockBytes, type FileChange, IndexedDbStore, type KeptFile } from "./block_store";
export type { LocalNodeOptions } from "./local_node";
export { type LocalOptions, LocalProvider } from "./local_provider";
export type { ModuleFactory } from "./module";
