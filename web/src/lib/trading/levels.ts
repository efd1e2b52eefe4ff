/** Levels of a book put together by price steps, with running totals. */
import { format, parse, places } from '$lib/format/decimal';

export interface Row {
  price: string;
  size: string;
  /** Of this level and all better ones. */
  total: string;
  /** Of the largest total shown: the length of the bar. */
  share: number;
}

type Level = [price: string, size: string];

/** `step` is a multiple of the tick; bids are rounded down to it and asks up: never looks better. */
export function grouped(levels: Level[], side: 'buy' | 'sell', step: string, lot: string, count: number): Row[] {
  const priceScale = places(step);
  const sizeScale = places(lot);
  const wide = parse(step, priceScale) ?? 1n;
  const sums = new Map<bigint, bigint>();
  for (const [price, size] of levels) {
    const key = bucket(scaled(price, priceScale, side), wide, side);
    if (!sums.has(key) && sums.size === count) break;
    sums.set(key, (sums.get(key) ?? 0n) + (parse(size, sizeScale) ?? 0n));
  }
  let total = 0n;
  const rows = [...sums].map(([price, size]) => {
    total += size;
    return { price: format(price, priceScale), size: format(size, sizeScale), total: format(total, sizeScale), units: total };
  });
  return rows.map(({ units, ...row }) => ({ ...row, share: total === 0n ? 0 : Number((units * 1000n) / total) / 1000 }));
}

/** A price at a coarser scale, cut towards the worse side. */
function scaled(price: string, scale: number, side: 'buy' | 'sell'): bigint {
  const own = places(price);
  const units = parse(price, own) ?? 0n;
  if (own <= scale) return units * 10n ** BigInt(scale - own);
  return bucket(units, 10n ** BigInt(own - scale), side) / 10n ** BigInt(own - scale);
}

function bucket(units: bigint, wide: bigint, side: 'buy' | 'sell'): bigint {
  const down = units - (units % wide);
  return side === 'sell' && down !== units ? down + wide : down;
}

/** The steps a person can choose from: the tick times 1, 10, 100, 1000. */
export function steps(tick: string): string[] {
  const scale = places(tick);
  const units = parse(tick, scale) ?? 1n;
  return [1n, 10n, 100n, 1_000n, 10_000n].map((factor) => format(units * factor, scale));
}
