import "./style.css";

export type { Choice } from "./choosing";
export { ConflictDialog, type ConflictDialogProps } from "./conflict_dialog";
export { ConflictInbox } from "./conflict_inbox";
export { TandemProvider, type TandemProviderProps, useProvider } from "./context";
export {
  type Mutation,
  type QueryOptions,
  useMutation,
  useQuery,
  useStatus,
} from "./hooks";
export { SyncBadge } from "./sync_badge";
export { type Conflicts, useConflicts, useSettledConflicts } from "./use_conflicts";
export { useEnvironment } from "./use_environment";
export {
  type NodeAlert,
  type NodeStatus,
  type NodeStatusState,
  type PeerStatus,
  type SyncLatency,
  useNodeStatus,
} from "./use_node_status";
export { useSyncManager } from "./use_sync_manager";
