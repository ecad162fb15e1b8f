// The chart's drawing, apart from the page: candles, volume, marks of signals and fills, lines of open brackets.

import {
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
  HistogramSeries,
  type IPriceLine,
  type ISeriesApi,
  type LineData,
  LineSeries,
  LineStyle,
  type SeriesMarker,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";

import { chartSeconds } from "./format";
import { COLOURS, type Indicator, type Line, panesOf, tickText, valueText } from "./indicators";
import { commonPrefix } from "../stores/deltas";
import type { TickRing } from "./ticks";
import type { BracketView, Candle, OrderView, SignalView } from "../api/contract";

const E4 = 10_000;
/** Of a pane below the candles. */
export const PANE_PX = 110;
const SEPARATOR_PX = 1;

/** What is marked and drawn upon the candles of one instrument. */
export interface Marks {
  signals: readonly SignalView[];
  fills: readonly OrderView[];
  brackets: readonly BracketView[];
}

export class Chart {
  readonly #chart;
  readonly #candles;
  readonly #volume;
  readonly #markers;
  readonly #ticks;
  #drawn: ISeriesApi<"Line">[] = [];
  #layout = "[]";
  #lines: IPriceLine[] = [];
  #rows: readonly Candle[] = [];
  #colours = colours();

  constructor(private readonly box: HTMLElement) {
    this.#chart = createChart(box, {
      autoSize: true,
      // The attribution stands in the page's footer; the logo would need a style that the page's policy forbids.
      layout: { attributionLogo: false, fontFamily: "system-ui, sans-serif", fontSize: 11, panes: { enableResize: false } },
      timeScale: { timeVisible: true, secondsVisible: false, rightOffset: 6, minBarSpacing: 1.5 },
      rightPriceScale: { scaleMargins: { top: 0.1, bottom: 0.2 } },
      handleScroll: { vertTouchDrag: false },
    });
    this.#candles = this.#chart.addSeries(CandlestickSeries, { priceLineVisible: true });
    this.#volume = this.#chart.addSeries(HistogramSeries, {
      priceScaleId: "volume",
      priceFormat: { type: "volume" },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.#chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.86, bottom: 0 } });
    this.#ticks = this.#chart.addSeries(LineSeries, { lineWidth: 1, visible: false, priceLineVisible: true, title: "ticks" });
    this.#markers = createSeriesMarkers(this.#candles, []);
    this.paint();
  }

  /** Take the colours of the page's theme. */
  paint(): void {
    const c = (this.#colours = colours());
    this.#chart.applyOptions({
      layout: { background: { color: c.panel }, textColor: c.dim, panes: { separatorColor: c.line, separatorHoverColor: c.line } },
      grid: { vertLines: { color: c.line }, horzLines: { color: c.line } },
      timeScale: { borderColor: c.line },
      rightPriceScale: { borderColor: c.line },
    });
    // Rising candles are hollow and falling ones full, so that the colour is not the only sign.
    this.#candles.applyOptions({
      upColor: c.panel,
      borderUpColor: c.up,
      wickUpColor: c.up,
      downColor: c.down,
      borderDownColor: c.down,
      wickDownColor: c.down,
    });
    this.#paintLast();
    this.#volume.applyOptions({ color: c.faint + "55" });
    this.#ticks.applyOptions({ color: c.accent });
  }

  /** Draw these candles; only the last ones when the others are as before. */
  draw(rows: readonly Candle[], tick_size_e4: number): void {
    const before = this.#rows;
    this.#rows = rows;
    const priceFormat = { type: "custom" as const, formatter: (r: number) => tickText(r, tick_size_e4), minMove: tick_size_e4 / E4 };
    this.#candles.applyOptions({ priceFormat });
    this.#ticks.applyOptions({ priceFormat });
    this.#paintLast();
    // A candle in the middle may have been replaced too, when the engine's own has come for one that was drawn from ticks.
    if (before.length === 0 || rows.length < before.length || commonPrefix(before, rows) < before.length - 1) {
      this.#candles.setData(rows.map(bar));
      this.#volume.setData(rows.map(volume));
      if (before.length === 0 || rows[0]?.ts_ms !== before[0]?.ts_ms) this.#fit();
      return;
    }
    for (const row of rows.slice(before.length - 1)) {
      this.#candles.update(bar(row));
      this.#volume.update(volume(row));
    }
  }

  /** Ticks instead of candles, or candles again. */
  choose(ticks: boolean): void {
    this.#ticks.applyOptions({ visible: ticks });
    for (const series of [this.#candles, this.#volume]) series.applyOptions({ visible: !ticks });
    this.#chart.timeScale().applyOptions({ secondsVisible: ticks });
    // What is not shown has no place on the time scale either: its times would stretch it.
    if (!ticks) {
      this.#ticks.setData([]);
      return;
    }
    this.#candles.setData([]);
    this.#volume.setData([]);
    this.#rows = [];
    this.drawLines([]);
    this.#chart.timeScale().scrollToRealTime();
  }

  /** All ticks that are kept: there are few, and they come in whole seconds. */
  drawTicks(ring: TickRing): void {
    const seen = new Map<UTCTimestamp, number>();
    for (const tick of ring.from(0)) seen.set(seconds(tick.ts_ms), tick.px_e4 / E4);
    this.#ticks.setData([...seen].map(([time, value]) => ({ time, value })));
  }

  /** The strategies' indicators: over the candles, and in panes of their own below. */
  drawLines(shown: readonly Indicator[]): void {
    const panes = panesOf(shown);
    const wanted = shown.flatMap((one) => one.lines);
    const layout = JSON.stringify(wanted.map((line) => [line.key, line.pane, line.colour]));
    if (layout !== this.#layout) {
      for (const series of this.#drawn) this.#chart.removeSeries(series);
      this.#layout = layout;
      this.#drawn = wanted.map((line) => this.#chart.addSeries(LineSeries, lineOptions(line), panes.indexOf(line.pane) + 1));
      this.#stretch(panes.length);
    }
    for (const [i, line] of wanted.entries()) {
      const series = this.#drawn[i];
      series?.applyOptions({ color: this.#colours.lines[line.colour] as string });
      series?.setData(lineData(line));
    }
  }

  /** Where the panes below the candles begin, in pixels from the top of the chart. */
  paneTops(): number[] {
    const heights = this.#chart.panes().map((pane) => pane.getHeight());
    return heights.slice(1).map((_, i) => heights.slice(0, i + 1).reduce((sum, height) => sum + height + SEPARATOR_PX, 0));
  }

  /** Called with the time under the crosshair, null when it has left. */
  onHover(told: (time: number | null) => void): void {
    this.#chart.subscribeCrosshairMove((moved) => told(moved.point && moved.time !== undefined ? Number(moved.time) : null));
  }

  mark(marks: Marks, interval_s: number): void {
    const interval_ms = interval_s * 1000;
    const at = (ts_ms: number) => seconds(ts_ms - (ts_ms % interval_ms));
    const c = this.#colours;
    const first_ms = this.#rows[0]?.ts_ms ?? Infinity;
    const drawn: SeriesMarker<Time>[] = [];
    for (const row of marks.signals) {
      if (row.ts_ms < first_ms) continue;
      const is_buy = row.side === "BUY";
      drawn.push({
        time: at(row.ts_ms),
        position: is_buy ? "belowBar" : "aboveBar",
        shape: is_buy ? "arrowUp" : "arrowDown",
        color: row.taken ? (is_buy ? c.up : c.down) : c.faint,
        text: row.taken ? (is_buy ? "BUY" : "SELL") : "refused",
      });
    }
    for (const row of marks.fills) {
      if (row.cum_qty === 0 || row.avg_px_e4 === null || row.ts_last_ms < first_ms) continue;
      drawn.push({
        time: at(row.leg === "ENTRY" ? row.ts_intent_ms : row.ts_last_ms),
        position: "atPriceMiddle",
        price: row.avg_px_e4 / E4,
        shape: row.leg === "ENTRY" ? "circle" : "square",
        color: row.side === "BUY" ? c.up : c.down,
        size: 0.7,
      });
    }
    drawn.sort((a, b) => Number(a.time) - Number(b.time));
    this.#markers.setMarkers(drawn);

    for (const line of this.#lines) this.#candles.removePriceLine(line);
    this.#lines = [];
    for (const row of marks.brackets) {
      this.#line(row.entry_px_e4, c.accent, LineStyle.Dotted, `entry ${row.open_qty || row.qty}`);
      this.#line(row.stop_px_e4, c.stop, LineStyle.Solid, `stop ${row.protected_qty}`);
      this.#line(row.target_px_e4, c.target, LineStyle.Dashed, "target");
    }
  }

  remove(): void {
    this.#chart.remove();
  }

  /** The newest price's line and label are in the colour of its direction: a hollow candle's own colour is the panel's. */
  #paintLast(): void {
    const last = this.#rows.at(-1);
    this.#candles.applyOptions({ priceLineColor: last && last.close_e4 < last.open_e4 ? this.#colours.down : this.#colours.up });
  }

  #stretch(n: number): void {
    const [candles, ...below] = this.#chart.panes();
    candles?.setStretchFactor(Math.max(this.box.clientHeight - n * PANE_PX, PANE_PX));
    for (const pane of below) pane.setStretchFactor(PANE_PX);
  }

  #line(px_e4: number | null, color: string, lineStyle: LineStyle, title: string): void {
    if (px_e4 === null) return;
    this.#lines.push(
      this.#candles.createPriceLine({ price: px_e4 / E4, color, lineStyle, lineWidth: 1, title, axisLabelVisible: true }),
    );
  }

  /** Show the newest candles at a readable width; at the day's beginning there is room for what comes. */
  #fit(): void {
    const shown = Math.max(30, Math.floor(this.box.clientWidth / 8));
    const n = this.#rows.length;
    this.#chart.timeScale().setVisibleLogicalRange({ from: n - shown, to: n + 6 });
  }
}

function lineOptions(line: Line) {
  return {
    lineWidth: 2 as const,
    lineStyle: line.dashed ? LineStyle.Dashed : LineStyle.Solid,
    lastValueVisible: false,
    priceLineVisible: false,
    crosshairMarkerRadius: 3,
    priceFormat: { type: "custom" as const, formatter: (value: number) => valueText(value, line.pane === ""), minMove: line.pane === "" ? 0.01 : 0.000_001 },
  };
}

/** What is not known is a gap, and the line does not bridge it. */
function lineData(line: Line): LineData<UTCTimestamp>[] {
  const points: LineData<UTCTimestamp>[] = [];
  let is_gap = false;
  for (const [time, value] of line.values) {
    if (value !== null) points.push(is_gap && points.length > 0 ? { time: time as UTCTimestamp, value, color: "transparent" } : { time: time as UTCTimestamp, value });
    is_gap = value === null;
  }
  return points;
}

function seconds(ts_ms: number): UTCTimestamp {
  return chartSeconds(ts_ms) as UTCTimestamp;
}

function bar(row: Candle) {
  return {
    time: seconds(row.ts_ms),
    open: row.open_e4 / E4,
    high: row.high_e4 / E4,
    low: row.low_e4 / E4,
    close: row.close_e4 / E4,
  };
}

function volume(row: Candle) {
  return { time: seconds(row.ts_ms), value: row.volume };
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    panel: of("panel"),
    line: of("line"),
    dim: of("dim"),
    faint: of("faint"),
    accent: of("accent"),
    up: of("up"),
    warn: of("warn"),
    down: of("down"),
    stop: of("stop"),
    target: of("target"),
    lines: Array.from({ length: COLOURS }, (_, i) => of(`line-${i + 1}`)),
  };
}
