import { append, upsert } from "./deltas";
import type {
  BracketView,
  Delta,
  OrderView,
  PositionView,
  SignalView,
  Snapshot,
  StrategyView,
  TradeView,
} from "../api/contract";

const SIGNALS_KEPT = 500;

/** What the strategies do: signals, brackets, orders, positions, trades. */
export class Trading {
  strategies = $state.raw<readonly StrategyView[]>([]);
  signals = $state.raw<readonly SignalView[]>([]);
  brackets = $state.raw<readonly BracketView[]>([]);
  orders = $state.raw<readonly OrderView[]>([]);
  positions = $state.raw<readonly PositionView[]>([]);
  trades = $state.raw<readonly TradeView[]>([]);
  open = $derived(this.brackets.filter((row) => row.state !== "CLOSED"));

  apply(message: Snapshot | Delta): void {
    if (message.type === "snapshot") {
      this.strategies = message.strategies;
      this.signals = message.signals;
      this.brackets = message.brackets;
      this.orders = message.orders;
      this.positions = message.positions;
      this.trades = message.trades;
      return;
    }
    this.strategies = upsert(this.strategies, message.strategies, (row) => row.id);
    this.signals = append(this.signals, message.signals, SIGNALS_KEPT);
    this.brackets = upsert(this.brackets, message.brackets, (row) => row.id);
    this.orders = upsert(this.orders, message.orders, (row) => row.cl_ord_id);
    this.positions = upsert(this.positions, message.positions, (row) => row.instrument_id);
    this.trades = upsert(this.trades, message.trades, (row) => row.id);
  }

  strategyName(id: number): string {
    return this.strategies.find((row) => row.id === id)?.name ?? `strategy ${id}`;
  }
}
