export {
  type BlockStore,
  blockBytes,
  type FileChange,
  IndexedDbStore,
  type KeptFile,
  StoreLostError,
} from "./block_store";
export { LocalDatabase, type LocalOptions } from "./local_database";
export type { LocalNodeOptions } from "./local_node";
export { LocalProvider } from "./local_provider";
export type { ModuleFactory } from "./module";
