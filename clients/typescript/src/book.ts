/** A market's order book from its snapshot and deltas, checked at every step. */

type Level = [price: string, size: string];

export interface BookSnapshot {
  type: "book_snapshot";
  market: string;
  sequence: number;
  bids: Level[];
  asks: Level[];
  checksum: number;
}

export interface BookUpdate extends Omit<BookSnapshot, "type"> {
  type: "book_update";
  previous_sequence: number;
}

export interface BookView {
  /** Best first. */
  bids: Level[];
  asks: Level[];
  sequence: number;
}

/** An update is missing or the checksum differs: subscribe again, without `from_sequence`. */
export class OutOfStep extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "OutOfStep";
  }
}

const CHECKED_LEVELS = 10;

/** `tick` and `lot` are the market's `tick_size` and `lot_size`: the checksum counts in them. */
export class BookFollower {
  private readonly bids: Side;
  private readonly asks: Side;
  sequence = 0;

  constructor(tick: string, lot: string) {
    this.bids = new Side(tick, lot, -1n);
    this.asks = new Side(tick, lot, 1n);
  }

  apply(message: BookSnapshot | BookUpdate): void {
    if (message.type === "book_snapshot") {
      this.bids.clear();
      this.asks.clear();
    } else if (message.previous_sequence !== this.sequence) throw new OutOfStep("an update is missing");
    for (const level of message.bids) this.bids.change(level);
    for (const level of message.asks) this.asks.change(level);
    this.sequence = message.sequence;
    const best = this.asks.checked(CHECKED_LEVELS) + this.bids.checked(CHECKED_LEVELS);
    if (crc32(best) !== message.checksum) throw new OutOfStep("the checksum differs");
  }

  view(depth?: number): BookView {
    return { bids: this.bids.best(depth), asks: this.asks.best(depth), sequence: this.sequence };
  }
}

/**
 * One side, always in order: an update costs what it changes and ten levels, not the whole book, so
 * that dozens a second leave the page its time.
 */
class Side {
  /** Prices in ticks, for bids negated: ascending is best first. */
  private readonly keys: bigint[] = [];
  private readonly levels: Level[] = [];

  constructor(
    private readonly tick: string,
    private readonly lot: string,
    private readonly direction: 1n | -1n,
  ) {}

  clear(): void {
    this.keys.length = this.levels.length = 0;
  }

  change(level: Level): void {
    const key = stepsOf(level[0], this.tick) * this.direction;
    const place = this.placeOf(key);
    const isThere = this.keys[place] === key;
    if (level[1] !== "0") {
      this.keys.splice(place, isThere ? 1 : 0, key);
      this.levels.splice(place, isThere ? 1 : 0, level);
    } else if (isThere) {
      this.keys.splice(place, 1);
      this.levels.splice(place, 1);
    }
  }

  best(depth?: number): Level[] {
    return this.levels.slice(0, depth);
  }

  /** As the checksum wants it: `price:size,` in ticks and lots. */
  checked(depth: number): string {
    const best = this.levels.slice(0, depth);
    return best
      .map(([, size], place) => `${(this.keys[place] ?? 0n) * this.direction}:${stepsOf(size, this.lot)},`)
      .join("");
  }

  /** Where `key` is, or would be. */
  private placeOf(key: bigint): number {
    let [low, high] = [0, this.keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.keys[middle] ?? key) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** How many steps a decimal is, without floating point. */
export function stepsOf(value: string, step: string): bigint {
  const scale = Math.max(decimals(value), decimals(step));
  return units(value, scale) / units(step, scale);
}

function decimals(text: string): number {
  return text.split(".")[1]?.length ?? 0;
}

function units(text: string, scale: number): bigint {
  const [whole = "0", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(scale, "0"));
}

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(text: string): number {
  let value = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) {
    value = (TABLE[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8);
  }
  return (value ^ 0xffffffff) >>> 0;
}
