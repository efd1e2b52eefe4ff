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
  private bids = new Map<string, string>();
  private asks = new Map<string, string>();
  sequence = 0;

  constructor(
    private readonly tick: string,
    private readonly lot: string,
  ) {}

  apply(message: BookSnapshot | BookUpdate): void {
    if (message.type === "book_snapshot") {
      this.bids = new Map(message.bids);
      this.asks = new Map(message.asks);
    } else {
      if (message.previous_sequence !== this.sequence) throw new OutOfStep("an update is missing");
      change(this.bids, message.bids);
      change(this.asks, message.asks);
    }
    this.sequence = message.sequence;
    if (this.checksum() !== message.checksum) throw new OutOfStep("the checksum differs");
  }

  view(depth?: number): BookView {
    return {
      bids: sorted(this.bids, this.tick, -1n).slice(0, depth),
      asks: sorted(this.asks, this.tick, 1n).slice(0, depth),
      sequence: this.sequence,
    };
  }

  private checksum(): number {
    const { bids, asks } = this.view(CHECKED_LEVELS);
    const steps = [...asks, ...bids].map(
      ([price, size]) => `${stepsOf(price, this.tick)}:${stepsOf(size, this.lot)},`,
    );
    return crc32(steps.join(""));
  }
}

function change(side: Map<string, string>, levels: Level[]): void {
  for (const [price, size] of levels) {
    if (size === "0") side.delete(price);
    else side.set(price, size);
  }
}

function sorted(side: Map<string, string>, tick: string, direction: bigint): Level[] {
  const keyed = [...side].map((level): [bigint, Level] => [stepsOf(level[0], tick) * direction, level]);
  keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return keyed.map(([, level]) => level);
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
