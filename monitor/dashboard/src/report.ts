/** What a node answers to `monitor` (docs/monitoring.md). */
export interface Times {
  readonly count: number;
  readonly p50_ms: number;
  readonly p90_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
}

export interface LinkReport {
  readonly peer: string;
  readonly up: boolean;
  readonly seconds: number;
  readonly head: number;
  readonly sent: number;
  readonly acknowledged: number;
  readonly lag: number;
  readonly applied: number;
  readonly credit_bytes: number;
  readonly credit_messages: number;
  readonly unacknowledged_bundles: number;
  readonly clock_offset_seconds: number;
  readonly batch_window_ms: number;
  readonly round_trip: Times;
  readonly latency: Times;
}

export interface StationTimes {
  readonly name: string;
  readonly station?: string;
  readonly peer?: string;
  readonly minute: Times;
}

export interface TraceReport {
  readonly trace_id: string;
  readonly peer: string;
  readonly end_ms: number;
  readonly spans: readonly { readonly station: string; readonly ms: number }[];
}

export interface ActorReport {
  readonly name: string;
  readonly messages: number;
  readonly bytes: number;
  readonly messages_peak: number;
  readonly restarts: number;
  readonly waited: Times;
  readonly handled: Times;
}

export interface AlertReport {
  readonly rule: string;
  readonly severity: string;
  readonly seconds: number;
  readonly evidence: string;
  readonly cause: string;
  readonly step: string;
}

export interface LogLine {
  readonly time_ms: number;
  readonly level: string;
  readonly text: string;
}

export interface Report {
  readonly time_ms: number;
  readonly version: string;
  /** False: nobody measures, and all figures are those of nothing. */
  readonly measures: boolean;
  readonly paused: boolean;
  readonly links: readonly LinkReport[];
  readonly times: readonly StationTimes[];
  readonly waterfall: readonly {
    readonly peer: string;
    readonly stations: readonly { readonly station: string; readonly ms: number }[];
  }[];
  readonly traces: readonly TraceReport[];
  readonly slowest: { readonly station: string; readonly peer: string; readonly place: number; readonly share: number };
  readonly actors: readonly ActorReport[];
  readonly database: {
    readonly log_entries: number;
    readonly pending: number;
    readonly file_bytes: number;
    readonly wal_bytes: number;
    readonly wal_resets: number;
    readonly disk_free_bytes: number;
    readonly waiting: readonly { readonly table: string; readonly kind: string; readonly count: number }[];
  };
  readonly process: {
    readonly resident_bytes: number;
    readonly cpu_seconds: number;
    readonly open_files: number;
    readonly threads: readonly { readonly name: string; readonly cpu_seconds: number }[];
  };
  readonly alerts: readonly AlertReport[];
  /** time_ms, stamped/s, merged/s, sent bytes/s, latency p50 and p99 in ms. */
  readonly history: readonly (readonly number[])[];
  readonly log: readonly LogLine[];
}
