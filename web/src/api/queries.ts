// What is read of the engine.

import type {
  AccountView,
  BacktestView,
  Candle,
  ConfigView,
  EngineProcessView,
  EquityPoint,
  JournalFileView,
  JournalPage,
  LimitsView,
  ReplayView,
  OrderTimelineView,
  PreflightView,
  LatencyStageView,
  IndicatorSeries,
  DecisionView,
  ResultOrdersPage,
  ResultSummary,
  ResultTradesPage,
  ResultView,
} from "./contract";
import { get } from "./http";

export const fetchCandles = (instrument_id: number, interval_s: number, since_ms: number, signal: AbortSignal) =>
  get<Candle[]>("candles", { instrument_id, interval_s, since_ms }, signal);
/** What every configured broker holds for us; the engine asks them at most every quarter of a minute. */
export const fetchAccounts = (signal: AbortSignal) => get<AccountView[]>("accounts", {}, signal);
/** The preflight checks of the running engine. */
export const fetchPreflight = (signal: AbortSignal) => get<PreflightView>("preflight", {}, signal);
export const fetchEquity = (since_ms: number, signal: AbortSignal) => get<EquityPoint[]>("equity", { since_ms }, signal);
export const fetchIndicators = (instrument_id: number, since_ms: number, signal: AbortSignal) =>
  get<IndicatorSeries[]>("indicators", { instrument_id, since_ms }, signal);
export const fetchOrderTimeline = (cl_ord_id: string, signal: AbortSignal) => get<OrderTimelineView>("order-timeline", { cl_ord_id }, signal);
export const fetchDecision = (signal_seq: number, signal: AbortSignal) => get<DecisionView>("decision", { signal_seq }, signal);
export const fetchLatency = (signal: AbortSignal) => get<LatencyStageView[]>("latency", {}, signal);
export const fetchLimits = (signal: AbortSignal) => get<LimitsView>("limits", {}, signal);
export const fetchJournals = (signal: AbortSignal) => get<JournalFileView[]>("journals", {}, signal);
export const fetchJournal = (
  query: { name: string; kinds: string; text: string; offset: number; tail: "yes" | "no" },
  signal: AbortSignal,
) => get<JournalPage>("journal", query, signal);
export const fetchReplay = (query: { name: string; ts_ms: number; curve: "yes" | "no" }, signal: AbortSignal) =>
  get<ReplayView>("replay", query, signal);
export const fetchConfig = (signal: AbortSignal) => get<ConfigView>("config", {}, signal);
/** Results of backtests and days, newest first. */
export const fetchResults = (signal: AbortSignal) => get<ResultSummary[]>("results", {}, signal);
export const fetchResult = (name: string, signal: AbortSignal) => get<ResultView>("result", { name }, signal);
export interface RowsQuery {
  name: string;
  day: string;
  offset: number;
  limit: number;
}
export const fetchResultTrades = (query: RowsQuery, signal: AbortSignal) => get<ResultTradesPage>("result-trades", { ...query }, signal);
export const fetchResultOrders = (query: RowsQuery, signal: AbortSignal) => get<ResultOrdersPage>("result-orders", { ...query }, signal);
export const fetchResultCandles = (query: { name: string; symbol: string; day: string }, signal: AbortSignal) =>
  get<Candle[]>("result-candles", query, signal);
/** The backtest that was started on this page's server last. */
export const fetchBacktest = (signal: AbortSignal) => get<BacktestView>("backtest", {}, signal);
/** The engine's process: how it would be started, and what stopping it does. */
export const fetchEngineProcess = () => get<EngineProcessView>("engine-process", {});
