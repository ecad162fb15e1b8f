// The JSON contract, made from otrade/web/schema.py by `python -m otrade.web.wire_ts`. Do not edit.
// _e4: ten-thousandths of a rupee. ts_*_ms: a moment of the engine's clock. null: there is none.

export type Mode = "paper" | "live" | "replay";

export type Lifecycle = "starting" | "running" | "stopping" | "stopped";

export type EngineState = "ACTIVE" | "REDUCING" | "HALTED";

export type SessionPhase = "UNKNOWN" | "BEFORE" | "OPEN_NO_ENTRY" | "ENTRY" | "NO_ENTRY" | "SQUARE_OFF" | "CLOSED";

export type Side = "BUY" | "SELL";

export type OrdType = "MARKET" | "LIMIT" | "SL" | "SL_M";

export type OrdStatus = "INITIALIZED" | "DENIED" | "PENDING_NEW" | "NEW" | "PARTIALLY_FILLED" | "FILLED" | "CANCELED" | "REJECTED" | "EXPIRED" | "UNKNOWN" | "ABSENT";

export type Pending = "NONE" | "NEW" | "REPLACE" | "CANCEL";

export type Leg = "ENTRY" | "STOP" | "TARGET" | "FIX";

export type BracketState = "ENTERING" | "OPEN" | "EXITING" | "CLOSED";

export type ExitReason = "NONE" | "STOP" | "TARGET" | "TRAIL" | "TIME" | "SQUARE_OFF" | "SIGNAL" | "FLATTEN" | "ENTRY_FAILED" | "RISK" | "FIX" | "MANUAL";

export type Severity = "info" | "warn" | "error" | "alarm";

export type Source = "push" | "answer" | "book" | "engine";

export type Verdict = "GO" | "LOOK" | "NO_GO";

export type CommandName = "pause" | "resume" | "flatten" | "adopt" | "stop" | "kill" | "login" | "test-alert";

export interface FeedStatus {
  connected: boolean;
  age_ms: number | null;
  frames: number;
  ticks: number;
  reconnects: number;
  refused: number;
}

export interface BrokerStatus {
  connected: boolean;
  token_until_ms: number | null;
  orders_sent: number;
  in_doubt: number;
  book_ms?: number | null;
  positions_ms?: number | null;
  quarantined?: number;
}

export interface PnlStatus {
  gross_e4: number;
  charges_e4: number;
  net_e4: number;
  realised_e4: number;
  unrealised_e4: number;
  peak_e4: number;
  drawdown_e4: number;
}

export interface CountStatus {
  signals: number;
  trades: number;
  open_brackets: number;
  orders: number;
}

/**
 * The service level: how much open quantity has a working stop, and how long some had none.
 */
export interface ProtectionStatus {
  open_qty: number;
  protected_qty: number;
  naked_ms_total: number;
  naked_ms_worst: number;
  naked_now: number;
}

/**
 * Tick in to order bytes out.
 */
export interface LatencyStatus {
  p50_ns: number;
  p99_ns: number;
  max_ns: number;
  count: number;
}

export interface Status {
  version: string;
  mode: Mode;
  broker_kind: string;
  lifecycle: Lifecycle;
  state: EngineState;
  state_reason: string;
  paused: boolean;
  phase: SessionPhase;
  phase_words: string;
  phase_ends_ms: number | null;
  day: string;
  now_ms: number;
  speed: number;
  feed: FeedStatus;
  broker: BrokerStatus;
  pnl: PnlStatus;
  counts: CountStatus;
  protection: ProtectionStatus;
  latency: LatencyStatus;
}

export interface InstrumentView {
  id: number;
  symbol: string;
  ltp_e4: number | null;
  close_e4: number | null;
  bid_e4: number | null;
  ask_e4: number | null;
  volume: number;
  ts_recv_ms: number | null;
  phase: SessionPhase;
  quarantined: boolean;
  tick_size_e4: number;
  lot_size: number;
}

export interface StrategyView {
  id: number;
  name: string;
  instrument_id: number;
  kind: string;
  interval_s: number;
  params: Record<string, number | number>;
  enabled: boolean;
  ready: boolean;
  fast: number | null;
  slow: number | null;
  rsi: number | null;
  atr: number | null;
  last_signal_seq: number | null;
  bracket_ids: number[];
}

export interface SignalView {
  seq: number;
  ts_ms: number;
  strategy_id: number;
  instrument_id: number;
  side: Side;
  px_e4: number;
  taken: boolean;
  reason: string;
  words: string;
}

export interface BracketView {
  id: number;
  strategy_id: number;
  instrument_id: number;
  side: Side;
  state: BracketState;
  qty: number;
  open_qty: number;
  protected_qty: number;
  entry_px_e4: number | null;
  stop_px_e4: number | null;
  target_px_e4: number | null;
  ltp_e4: number | null;
  pnl_e4: number;
  naked_ms: number;
  ts_open_ms: number;
  ts_close_ms: number | null;
  exit_reason: ExitReason;
}

export interface OrderView {
  cl_ord_id: string;
  broker_order_id: string | null;
  instrument_id: number;
  symbol: string;
  bracket_id: number | null;
  leg: Leg;
  side: Side;
  ord_type: OrdType;
  qty: number;
  cum_qty: number;
  avg_px_e4: number | null;
  price_e4: number | null;
  trigger_e4: number | null;
  ord_status: OrdStatus;
  pending: Pending;
  in_doubt: boolean;
  text: string;
  ts_intent_ms: number;
  ts_sent_ms: number | null;
  ts_ack_ms: number | null;
  ts_last_ms: number;
  source: Source;
}

export interface PositionView {
  instrument_id: number;
  symbol: string;
  net_qty: number;
  avg_px_e4: number | null;
  ltp_e4: number | null;
  gross_e4: number;
  realised_e4: number;
  source: Source;
  ts_last_ms: number;
}

/**
 * A closed bracket.
 */
export interface TradeView {
  id: number;
  bracket_id: number;
  strategy_id: number;
  instrument_id: number;
  side: Side;
  qty: number;
  entry_px_e4: number;
  exit_px_e4: number;
  ts_entry_ms: number;
  ts_exit_ms: number;
  gross_e4: number;
  charges_e4: number;
  net_e4: number;
  naked_ms: number;
  slippage_e4: number;
  exit_reason: ExitReason;
}

export interface NoticeView {
  seq: number;
  ts_ms: number;
  severity: Severity;
  code: string;
  words: string;
  instrument_id: number | null;
  bracket_id: number | null;
}

export interface Candle {
  ts_ms: number;
  open_e4: number;
  high_e4: number;
  low_e4: number;
  close_e4: number;
  volume: number;
}

export interface FundsView {
  segment: string;
  net_e4: number;
  used_e4: number;
}

/**
 * A day position as the broker books it.
 */
export interface HeldView {
  symbol: string;
  product: string;
  net_qty: number;
  buy_qty: number;
  sell_qty: number;
  ltp_e4: number | null;
}

export interface HoldingView {
  symbol: string;
  qty: number;
  t1_qty: number;
  avg_px_e4: number;
  ltp_e4: number | null;
}

/**
 * One broker's word. With `trouble` nothing is known: empty lists then mean nothing.
 */
export interface AccountView {
  broker: string;
  ts_ms: number;
  trouble: string;
  funds: FundsView[];
  positions: HeldView[];
  holdings: HoldingView[];
}

export interface PreflightLine {
  name: string;
  verdict: Verdict;
  words: string;
  fix: string;
}

/**
 * The morning board.
 */
export interface PreflightView {
  verdict: Verdict;
  ts_ms: number;
  lines: PreflightLine[];
}

/**
 * Everything. The first message, and the answer to a resync.
 */
export interface Snapshot {
  type: "snapshot";
  seq: number;
  status: Status;
  instruments: InstrumentView[];
  strategies: StrategyView[];
  brackets: BracketView[];
  orders: OrderView[];
  positions: PositionView[];
  trades: TradeView[];
  signals: SignalView[];
  notices: NoticeView[];
}

/**
 * What changed since the message before it. Rows replace the row of the same key or are new;
 * an absent list is empty.
 *
 * A row that is gone is never told by a delta: a snapshot follows instead. `seq` is one more
 * than that of the message before; after a gap the client asks for a resync.
 */
export interface Delta {
  type: "delta";
  seq: number;
  status: Status;
  instruments?: InstrumentView[];
  strategies?: StrategyView[];
  brackets?: BracketView[];
  orders?: OrderView[];
  positions?: PositionView[];
  trades?: TradeView[];
  signals?: SignalView[];
}

/**
 * New notices, oldest first. Numbered together with the deltas.
 */
export interface Notice {
  type: "notice";
  seq: number;
  notices: NoticeView[];
}

export type ServerMessage = Snapshot | Delta | Notice;

/**
 * From the client: something is missing, send everything.
 */
export interface Resync {
  type: "resync";
}

export type ClientMessage = Resync;

/**
 * No new entries; exits and stops go on.
 */
export type PauseArgs = Record<string, never>;

/**
 * Entries again. A latched REDUCING or HALTED is lifted only with `rearm`, which a person
 * must have asked for.
 */
export interface ResumeArgs {
  rearm?: boolean;
}

/**
 * Close every open position, or those of one instrument.
 */
export interface FlattenArgs {
  instrument_id?: number | null;
}

/**
 * Take over the quantity of one instrument that somebody else has traded: from then on it has a stop and is the engine's.
 */
export interface AdoptArgs {
  instrument_id: number;
}

/**
 * End gracefully: open positions are flattened or left as the configuration says.
 */
export type StopArgs = Record<string, never>;

/**
 * Halt now: no entries; every stop stays at the exchange; needs a person to re-arm. `flatten`
 * is what closes.
 */
export type KillArgs = Record<string, never>;

/**
 * Begin a login at the broker; the answer has the address at which the person goes on. With `approve` the person goes on in the
 * broker's app instead, where the broker has such a thing.
 */
export interface LoginArgs {
  approve?: boolean;
}

/**
 * Send a test to every alert target, and say which of them took it.
 */
export type TestAlertArgs = Record<string, never>;

export interface CommandResult {
  ok: boolean;
  words: string;
  url?: string | null;
}

/**
 * An error, RFC 9457 (`application/problem+json`). `field` names what was wrong, `fix` says
 * what to do.
 */
export interface Problem {
  title: string;
  status: number;
  code: string;
  detail: string;
  fix: string;
  field?: string | null;
  type?: string;
}
