// The JSON contract, made from otrade/contract/views.py, queries.py and results.py by `python -m otrade.contract.typescript`. Do not edit.
// _e4: ten-thousandths of a rupee. ts_*_ms: a moment of the engine's clock. null: there is none.

export type Mode = "paper" | "live" | "replay";

export type Lifecycle = "starting" | "running" | "stopping" | "stopped" | "gone";

export type EngineState = "ACTIVE" | "REDUCING" | "HALTED";

export type SessionPhase = "UNKNOWN" | "BEFORE" | "OPEN_NO_ENTRY" | "ENTRY" | "NO_ENTRY" | "SQUARE_OFF" | "CLOSED";

export type Side = "BUY" | "SELL";

export type OrdType = "MARKET" | "LIMIT" | "SL" | "SL_M";

export type OrdStatus = "INITIALIZED" | "DENIED" | "PENDING_NEW" | "NEW" | "PARTIALLY_FILLED" | "FILLED" | "CANCELED" | "REJECTED" | "EXPIRED" | "UNKNOWN" | "ABSENT";

export type Pending = "NONE" | "NEW" | "REPLACE" | "CANCEL";

export type Leg = "ENTRY" | "STOP" | "TARGET" | "FIX";

export type BracketState = "ENTERING" | "OPEN" | "EXITING" | "CLOSED";

export type ExitReason = "NONE" | "STOP" | "TARGET" | "TRAIL" | "TIME" | "SQUARE_OFF" | "SIGNAL" | "FLATTEN" | "ENTRY_FAILED" | "RISK" | "FIX" | "MANUAL" | "BROKER";

export type Severity = "info" | "warn" | "error" | "alarm";

export type Source = "push" | "answer" | "book" | "engine";

export type Verdict = "GO" | "LOOK" | "NO_GO";

export type CommandName = "pause" | "resume" | "rearm" | "stop-entries" | "flatten" | "take-over" | "kill" | "stop-engine" | "login" | "test-alert";

export type Role = "viewer" | "trader";

export type Scope = "read" | "trade" | "admin";

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

/**
 * Lines of a contract note; null: not known for this instrument and date, which is not 0.
 */
export interface ChargesView {
  brokerage_e4: number | null;
  stt_e4: number | null;
  exchange_e4: number | null;
  ipft_e4: number | null;
  sebi_e4: number | null;
  gst_e4: number | null;
  stamp_e4: number | null;
  dp_e4: number | null;
  square_off_e4: number | null;
  words: string;
}

export interface PnlStatus {
  gross_e4: number;
  charges_e4: number | null;
  net_e4: number | null;
  charges: ChargesView;
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
  target_ms_total: number;
  target_ms_worst: number;
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

/**
 * The engine does not answer: everything else that is shown is its last word. Moments are UNIX
 * time.
 */
export interface EngineGone {
  since_ms: number | null;
  open_qty: number | null;
  protected_qty: number | null;
  words: string;
}

/**
 * Whether the engine's event loop keeps time: while one turn of it lasts, nothing else happens.
 */
export interface LoopStatus {
  lag_ms: number;
  longest_turn_ms: number;
  longest_turn_at_ms: number | null;
  stalls: number;
  stalled_ms: number;
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
  loop: LoopStatus;
  not_ready?: string[];
  gone?: EngineGone | null;
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
  waits_for: string;
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
  risk_e4: number | null;
  naked_ms: number;
  target_ms: number;
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
  charges_e4: number | null;
  net_e4: number | null;
  charges: ChargesView;
  naked_ms: number;
  target_ms: number;
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
export interface BrokerPositionView {
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
  pledged_qty: number;
  mtf_qty: number;
  avg_px_e4: number;
  ltp_e4: number | null;
}

/**
 * One broker's word. `trouble` says what could not be read: that is not known, whatever the lists
 * hold or do not.
 */
export interface AccountView {
  broker: string;
  ts_ms: number;
  trouble: string;
  funds: FundsView[];
  positions: BrokerPositionView[];
  holdings: HoldingView[];
}

export interface PreflightLine {
  name: string;
  verdict: Verdict;
  words: string;
  fix: string;
}

/**
 * The preflight checks.
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
export interface NoticesMessage {
  type: "notice";
  seq: number;
  notices: NoticeView[];
}

export type ServerMessage = Snapshot | Delta | NoticesMessage;

/**
 * From the client: something is missing, send everything.
 */
export interface Resync {
  type: "resync";
}

export type ClientMessage = Resync;

/**
 * Only what is numbered above `since_seq`; 0: everything that is kept.
 */
export interface SinceQuery {
  since_seq?: number;
}

/**
 * `since_ms`: only those that open then or later.
 */
export interface CandlesQuery {
  instrument_id: number;
  interval_s?: 60 | 300 | 900;
  since_ms?: number;
}

/**
 * `code` is the six digits of the authenticator, where one is set up, or a recovery code, which
 * is used up.
 */
export interface LoginRequest {
  name?: string;
  password: string;
  code?: string;
}

/**
 * Makes the first trader, while there is nobody. `code` is the one-time code that the terminal
 * shows.
 */
export interface FirstPasswordRequest {
  code: string;
  name?: string;
  password: string;
}

/**
 * Every other session of that person ends.
 */
export interface PasswordChangeRequest {
  old: string;
  new: string;
}

/**
 * No arguments.
 */
export type LogoutRequest = Record<string, never>;

/**
 * Who asks. `first_run`: nobody has a password yet.
 */
export interface SessionView {
  state: "first_run" | "out" | "in";
  name: string;
  role: Role | null;
  scopes: Scope[];
  ends_in_s: number | null;
}

/**
 * One login that is open. `id` names it and lets nobody in.
 */
export interface LoginSessionView {
  id: string;
  name: string;
  role: Role;
  address: string;
  browser: string;
  began_ms: number;
  seen_ms: number;
  ends_in_s: number;
  is_this: boolean;
}

/**
 * One's own; the local user may end anybody's.
 */
export interface EndSessionRequest {
  id: string;
}

/**
 * A session has begun; its cookie comes in a header. The page keeps `csrf` in its own storage,
 * which no page of another port can read, and sends it as X-CSRF-Token with every change. It is
 * told this once.
 */
export interface SessionGrant {
  name: string;
  role: Role;
  csrf: string;
  ends_in_s: number;
}

/**
 * No new entries; exits and stops go on.
 */
export type PauseArgs = Record<string, never>;

/**
 * Lift a pause: entries again. A latched REDUCING or HALTED is lifted by the command `rearm`;
 * the field of that name asks for the same, as it did before 0.2.0.
 */
export interface ResumeArgs {
  rearm?: boolean;
}

/**
 * Lift a latched REDUCING or HALTED: entries again. A person must have asked for it.
 */
export type RearmArgs = Record<string, never>;

/**
 * REDUCING: unfilled entries are taken out of the market and no new ones come, until a person
 * re-arms; exits and stops go on.
 */
export type StopEntriesArgs = Record<string, never>;

/**
 * Close every open position, or those of one instrument.
 */
export interface FlattenArgs {
  instrument_id?: number | null;
}

/**
 * Take over the quantity of one instrument that somebody else has traded: from then on it has a
 * stop and is the engine's.
 */
export interface TakeOverArgs {
  instrument_id: number;
}

/**
 * End gracefully: open positions are flattened or left as the configuration says.
 */
export type StopEngineArgs = Record<string, never>;

/**
 * The same, asked for on the page: a person gives his `password` again; a program has none.
 */
export interface StopEngineRequest {
  password?: string;
}

/**
 * Start the engine that the machine's owner has configured, with one's own `password` given again.
 */
export interface StartEngineRequest {
  password: string;
}

/**
 * Halt now: no entries; every stop stays at the exchange; needs a person to re-arm. `flatten`
 * is what closes.
 */
export type KillArgs = Record<string, never>;

/**
 * Begin a login at the broker; the answer has the address at which the person goes on. With
 * `approve` the person goes on in the broker's app instead, where the broker has such a thing.
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

export type YesNo = "no" | "yes";

export interface EquityQuery {
  since_ms?: number;
}

/**
 * `since_ms`: only of bars that ended after it.
 */
export interface IndicatorsQuery {
  instrument_id: number;
  since_ms?: number;
}

export interface OrderTimelineQuery {
  cl_ord_id: string;
}

export interface DecisionQuery {
  signal_seq: number;
}

/**
 * `kinds`: names of record kinds with commas, empty for all but the many; `text` is looked for
 * in the words.
 */
export interface JournalQuery {
  name: string;
  kinds?: string;
  text?: string;
  offset?: number;
  limit?: number;
  tail?: YesNo;
}

/**
 * `ts_ms` 0: the journal's end.
 */
export interface ReplayQuery {
  name: string;
  ts_ms?: number;
  curve?: YesNo;
}

export interface EquityPoint {
  ts_ms: number;
  gross_e4: number;
  net_e4: number | null;
}

/**
 * One number of an indicator, by bar.
 */
export interface IndicatorLine {
  indicator: string;
  label: string;
  part: string;
  pane: string;
  values: (number | null)[];
}

/**
 * A strategy's indicators at the close of its own bars, oldest first.
 */
export interface IndicatorSeries {
  strategy_id: number;
  name: string;
  ts_ms: number[];
  end_ms: number[];
  lines: IndicatorLine[];
}

export type TimelineActor = "engine" | "wire" | "broker" | "exchange";

/**
 * One thing that happened to an order.
 */
export interface TimelineStep {
  ts_ms: number;
  after_us: number;
  by: TimelineActor;
  what: string;
  words: string;
}

export interface DecisionFact {
  name: string;
  value: string;
}

export interface GateResult {
  code: string;
  words: string;
  verdict: "passed" | "failed" | "not_asked";
}

/**
 * Why a decision was taken: what was known, by which rule, and which gates it passed.
 */
export interface DecisionView {
  title: string;
  rule: string;
  facts: DecisionFact[];
  gates: GateResult[];
}

/**
 * What became of one order, and why it was sent. Not `is_whole`: an earlier process sent it,
 * and only its marks are known.
 */
export interface OrderTimelineView {
  cl_ord_id: string;
  leg: Leg;
  side: Side;
  is_whole: boolean;
  steps: TimelineStep[];
  why: DecisionView;
}

export interface LatencyBucket {
  up_to_ns: number;
  n: number;
}

/**
 * How long one stage took, every time so far today.
 */
export interface LatencyStageView {
  name: string;
  words: string;
  clock: "machine" | "engine";
  n: number;
  p50_ns: number;
  p99_ns: number;
  p999_ns: number;
  max_ns: number;
  buckets: LatencyBucket[];
}

/**
 * One of the broker's rates.
 */
export interface BudgetView {
  name: string;
  used: number;
  limit: number;
  reserve: number;
}

/**
 * One of our own limits.
 */
export interface LimitView {
  name: string;
  unit: "count" | "units" | "money" | "ms";
  used: number | null;
  limit: number;
}

export interface LimitsView {
  ts_ms: number;
  budgets: BudgetView[];
  slow_until_ms: number | null;
  limits: LimitView[];
}

export interface JournalFileView {
  name: string;
  day: string;
  size_bytes: number;
  is_today: boolean;
}

export interface JournalRow {
  seq: number;
  ts_ms: number;
  kind: string;
  words: string;
  offset: number;
}

/**
 * Rows that pass the filter, oldest first. `next_offset` is where the next question goes on;
 * `is_end`: there is no more now.
 */
export interface JournalPage {
  name: string;
  rows: JournalRow[];
  next_offset: number;
  is_end: boolean;
  trouble: string[];
}

export interface ReplayPosition {
  symbol: string;
  net_qty: number;
  open_qty: number;
  protected_qty: number;
  ltp_e4: number | null;
  gross_e4: number;
}

/**
 * The engine as it was: a journal replayed up to a moment.
 */
export interface ReplayView {
  name: string;
  ts_ms: number;
  first_ms: number;
  last_ms: number;
  halt: string;
  gross_e4: number;
  net_e4: number | null;
  n_orders: number;
  n_open: number;
  positions: ReplayPosition[];
  curve: EquityPoint[];
  trouble: string;
}

/**
 * The file as it is on the disk. `digest` names this text; `json_schema` says what it may hold.
 */
export interface ConfigView {
  path: string;
  digest: string;
  values: unknown;
  json_schema: unknown;
  hot: string;
  file_only: string[];
  trouble: string;
}

export interface ConfigChange {
  path: string;
  was: string;
  becomes: string;
  when: "now" | "next_start";
}

/**
 * A whole new configuration. It is written only with `write`, only when the file is still the
 * one that `digest` names, and only with one's own `password` given again.
 */
export interface ConfigDraft {
  digest: string;
  values: unknown;
  write?: boolean;
  password?: string;
}

/**
 * `field` and `problem` say what is wrong first; empty when nothing is.
 */
export interface ConfigVerdict {
  ok: boolean;
  field: string;
  problem: string;
  changes: ConfigChange[];
  words: string;
  backup: string;
}

/**
 * The engine as a process, which can be started and stopped here.
 */
export interface EngineProcessView {
  pid: number | null;
  start: string;
  start_trouble: string;
  stop: string;
  last_words: string;
}

export type ResultTableName = "trades" | "orders";

export interface ResultQuery {
  name: string;
}

/**
 * `day` empty: of all days.
 */
export interface ResultRowsQuery {
  name: string;
  day?: string;
  offset?: number;
  limit?: number;
}

export interface ResultCandlesQuery {
  name: string;
  symbol: string;
  day: string;
}

/**
 * One of those that are there. `trouble`: it cannot be used, and why; its numbers are 0 then.
 */
export interface ResultSummary {
  name: string;
  title: string;
  kind: string;
  first: string;
  last: string;
  created_ms: number;
  days: number;
  trades: number;
  gross_e4: number;
  net_e4: number | null;
  trouble: string;
}

/**
 * A figure of the report, spelled as `otrade report` does.
 */
export interface ResultFigure {
  name: string;
  value: string;
}

export interface ResultGroupRow {
  key: string;
  trades: number;
  gross_e4: number;
  charges_e4: number | null;
  net_e4: number | null;
  win_rate: number | null;
  profit_factor: number | null;
}

export interface ResultGroup {
  by: string;
  title: string;
  rows: ResultGroupRow[];
}

export interface ResultDayView {
  date: string;
  trades: number;
  gross_e4: number;
  net_e4: number | null;
  note: string;
}

export interface ResultPoint {
  ts_ms: number;
  value_e4: number;
  below_e4: number;
}

/**
 * A result whole, but for its rows. `is_net` False: charges are not known, and the curve is gross.
 */
export interface ResultView {
  summary: ResultSummary;
  notes: string[];
  figures: ResultFigure[];
  groups: ResultGroup[];
  days: ResultDayView[];
  is_net: boolean;
  curve: ResultPoint[];
  made_of: ResultFigure[];
}

export interface ResultTradeView {
  id: number;
  day: string;
  strategy: string;
  symbol: string;
  side: Side;
  qty: number;
  ts_entry_ms: number;
  ts_exit_ms: number;
  entry_px_e4: number;
  exit_px_e4: number;
  exit_reason: string;
  gross_e4: number;
  charges_e4: number | null;
  net_e4: number | null;
  mae_e4: number | null;
  mfe_e4: number | null;
  slippage_e4: number | null;
  naked_ms: number | null;
}

export interface ResultOrderView {
  order_id: string;
  day: string;
  strategy: string;
  symbol: string;
  leg: string;
  side: Side;
  ord_type: string;
  qty: number;
  limit_e4: number | null;
  trigger_e4: number | null;
  ord_status: string;
  cum_qty: number;
  avg_px_e4: number | null;
  ts_placed_ms: number;
  ts_ended_ms: number | null;
  changes: number;
  words: string;
}

export interface ResultTradesPage {
  rows: ResultTradeView[];
  total: number;
}

export interface ResultOrdersPage {
  rows: ResultOrderView[];
  total: number;
}

/**
 * An instrument that trades at another series' prices.
 */
export interface BacktestPrices {
  symbol: string;
  series: string;
}

/**
 * A backtest of the engine's own configuration file over days of the price archive. `data`:
 * a market's prices, or those of the simulator.
 */
export interface BacktestDraft {
  first: string;
  last: string;
  name?: string;
  data?: "data" | "paper-data";
  length?: "tick" | "1m" | "2m" | "3m" | "5m" | "10m" | "15m" | "30m" | "1h";
  latency_ms?: number;
  slippage_ticks?: number;
  queue?: "" | "through" | "touch" | "ahead" | "drawn";
  target_first?: boolean;
  seed?: number;
  prices?: BacktestPrices[];
}

/**
 * Nothing to say: there is one at most.
 */
export type BacktestStop = Record<string, never>;

/**
 * The backtest that the page's server has started last. `words`: what it said at its end.
 */
export interface BacktestView {
  state: "none" | "running" | "done" | "failed" | "stopped";
  name: string;
  started_by: string;
  started_ms: number;
  day: string;
  done: number;
  of: number;
  trades: number;
  net_e4: number | null;
  words: string;
}
