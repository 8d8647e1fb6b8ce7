export {
  detectEnvironment,
  type Environment,
  type EnvironmentKind,
  type EnvironmentOptions,
  type Finding,
} from "./environment";
export { asTandemError, type ErrorCode, TandemError } from "./errors";
export type { Statement } from "./protocol/messages";
export { Real, type Row, type SqlParameter, type SqlValue } from "./protocol/values";
export { type AdaptiveOptions, AdaptiveProvider } from "./providers/adaptive_provider";
export type { Json } from "./providers/json";
export {
  HttpProvider,
  NodeProvider,
  SwitchingProvider,
  WebSocketProvider,
  WebViewProvider,
} from "./providers/node_provider";
export type * from "./providers/provider";
export type { Opened, SessionOptions, SessionPhase, SessionState } from "./session";
export type { OutboxStore, Overlay, StoredWrite } from "./sync/outbox_store";
export { withPending } from "./sync/overlay";
export { SyncManager } from "./sync/sync_manager";
export type { PendingWrite, SyncManagerOptions, SyncManagerState } from "./sync/sync_state";
export type { WriteIntent } from "./sync/write_intent";
export { HttpTransport } from "./transports/http";
export type {
  Connection,
  ConnectionEvents,
  ConnectionIdentity,
  Transport,
  TransportKind,
} from "./transports/transport";
export { WebSocketTransport } from "./transports/websocket";
export { findMessageHandler, WebViewTransport } from "./transports/webview";
