/** Candles with volume, by lightweight-charts, in the colours of the page. */
import {
  CandlestickSeries, createChart, HistogramSeries,
  type CandlestickData, type HistogramData, type IChartApi, type ISeriesApi, type UTCTimestamp,
} from 'lightweight-charts';
import type { CandleAnswer } from '$lib/api';

export interface CandleView {
  show(candles: CandleAnswer[], interval: string): void;
  recolour(): void;
  remove(): void;
}

interface Options {
  digits: number;
  language: string;
  onOldest: () => void;
}

const VOLUME_SHARE = 0.8;
const OLDEST_BARS = 10;
const BARS_MIN = 30;
const BAR_PIXELS = 9;
const LETTER_REM = 0.75;

export function candleChart(place: HTMLElement, options: Options): CandleView {
  const chart = createChart(place, {
    autoSize: true,
    // The attribution stands in the footer and in NOTICE.
    layout: { attributionLogo: false, fontFamily: 'Geist, sans-serif', fontSize: LETTER_REM * rootPixels() },
    localization: { locale: options.language },
    timeScale: { timeVisible: true, borderVisible: false, rightOffset: 4 },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.24 } },
    crosshair: { mode: 0 },
  });
  const price = chart.addSeries(CandlestickSeries, {
    borderVisible: false,
    priceFormat: { type: 'price', precision: options.digits, minMove: 10 ** -options.digits },
  });
  const volume = chart.addSeries(HistogramSeries, {
    priceScaleId: 'volume', priceFormat: { type: 'volume' }, lastValueVisible: false, priceLineVisible: false,
  });
  chart.priceScale('volume').applyOptions({ scaleMargins: { top: VOLUME_SHARE, bottom: 0 } });
  chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
    if (range !== null && range.from < OLDEST_BARS) options.onOldest();
  });
  return new View(place, chart, price, volume);
}

class View implements CandleView {
  private shown: { first: string; interval: string; count: number } | undefined;
  private candles: CandleAnswer[] = [];
  private volumeColours = { up: '', down: '' };

  constructor(
    private readonly place: HTMLElement,
    private readonly chart: IChartApi,
    private readonly price: ISeriesApi<'Candlestick'>,
    private readonly volume: ISeriesApi<'Histogram'>,
  ) {
    this.recolour();
  }

  /** A new last candle is an update; anything else replaces all. */
  show(candles: CandleAnswer[], interval: string): void {
    const first = candles[0]?.time ?? '';
    const last = candles[candles.length - 1];
    const known = this.shown;
    this.candles = candles;
    const grows = known !== undefined && candles.length - known.count <= 1 && candles.length >= known.count;
    if (last !== undefined && known?.first === first && known.interval === interval && grows) {
      this.price.update(bar(last));
      this.volume.update(this.column(last));
    } else {
      this.price.setData(candles.map(bar));
      this.volume.setData(candles.map((each) => this.column(each)));
      if (known?.interval !== interval) this.fit(candles.length);
    }
    this.shown = { first, interval, count: candles.length };
  }

  recolour(): void {
    const [ink, line, up, down] = resolved(this.place, ['--ink-3', '--line', '--buy-fill', '--sell-fill']);
    this.chart.applyOptions({
      layout: { background: { color: 'transparent' }, textColor: ink ?? '' },
      grid: { vertLines: { color: line ?? '' }, horzLines: { color: line ?? '' } },
    });
    this.price.applyOptions({ upColor: up ?? '', downColor: down ?? '', wickUpColor: up ?? '', wickDownColor: down ?? '' });
    this.volumeColours = { up: faded(up), down: faded(down) };
    if (this.candles.length > 0) this.volume.setData(this.candles.map((each) => this.column(each)));
  }

  remove(): void {
    this.chart.remove();
  }

  private fit(count: number): void {
    // As many places as candles of a readable width fit, also where there are fewer candles.
    const shown = Math.max(BARS_MIN, Math.round(this.place.clientWidth / BAR_PIXELS));
    this.chart.timeScale().setVisibleLogicalRange({ from: count - shown, to: count + 3 });
  }

  private column(candle: CandleAnswer): HistogramData<UTCTimestamp> {
    const rises = Number(candle.close) >= Number(candle.open);
    return { time: timeOf(candle), value: Number(candle.volume), color: rises ? this.volumeColours.up : this.volumeColours.down };
  }
}

function bar(candle: CandleAnswer): CandlestickData<UTCTimestamp> {
  return {
    time: timeOf(candle), open: Number(candle.open), high: Number(candle.high), low: Number(candle.low), close: Number(candle.close),
  };
}

function timeOf(candle: CandleAnswer): UTCTimestamp {
  return Math.floor(Date.parse(candle.time) / 1000) as UTCTimestamp;
}

/** A rem in pixels: letters are larger on large screens. */
function rootPixels(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
}

/** Tokens as plain `rgb()`: a canvas knows no custom properties. */
export function resolved(place: HTMLElement, tokens: string[]): string[] {
  const probe = document.createElement('span');
  place.append(probe);
  const colours = tokens.map((token) => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  });
  probe.remove();
  return colours;
}

function faded(colour: string | undefined): string {
  return (colour ?? '').replace(/^rgb\((.*)\)$/, 'rgba($1, 0.4)');
}
