import "./style.css";

export { ConflictDialog, type ConflictDialogProps, ConflictInbox } from "./conflict_dialog";
export { TandemProvider, type TandemProviderProps, useProvider } from "./context";
export {
  type Conflicts,
  type Mutation,
  type QueryOptions,
  useConflicts,
  useMutation,
  useQuery,
  useStatus,
} from "./hooks";
export { SyncBadge } from "./sync_badge";
export { useEnvironment } from "./use_environment";
export { useSyncManager } from "./use_sync_manager";
