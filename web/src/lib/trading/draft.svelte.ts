/** What a person is filling in: from fields to the body of an order, with its cost. */
import type { MarketAnswer, NewOrderBody } from '$lib/api';
import { compare, divide, floorTo, isZero, multiply, places } from '$lib/format/decimal';

export const KINDS = [
  'limit', 'market', 'stop', 'stop_limit', 'take_profit', 'take_profit_limit', 'trailing_stop', 'pair',
] as const;
export type Kind = (typeof KINDS)[number];
export type Side = 'buy' | 'sell';
type Lifetime = NonNullable<NewOrderBody['time_in_force']>;
type Prevention = NonNullable<NewOrderBody['self_trade_prevention']>;

const PRICED: Kind[] = ['limit', 'stop_limit', 'take_profit_limit', 'pair'];
const STOPPED: Kind[] = ['stop', 'stop_limit', 'take_profit', 'take_profit_limit', 'pair'];
const PERCENT = 100;

export class Draft {
  side = $state<Side>('buy');
  kind = $state<Kind>('limit');
  price = $state('');
  stopPrice = $state('');
  size = $state('');
  /** Of market orders: spend or receive this much of the quote asset instead of a size. */
  quoteSize = $state('');
  byQuote = $state(false);
  trailPercent = $state('1');
  lifetime = $state<Lifetime>('gtc');
  expiresAt = $state('');
  isPostOnly = $state(false);
  displaySize = $state('');
  prevention = $state<Prevention>('cancel_maker');

  constructor(readonly market: MarketAnswer) {}

  get hasPrice(): boolean {
    return PRICED.includes(this.kind);
  }

  get hasStop(): boolean {
    return STOPPED.includes(this.kind);
  }

  /** Both orders of a pair wait until one of them trades. */
  get hasLifetime(): boolean {
    return this.hasPrice && this.kind !== 'pair';
  }

  get usesQuote(): boolean {
    return this.kind === 'market' && this.byQuote;
  }

  /** The price to reckon with: the order's own, or the market's of now. */
  reckoned(best: string | null): string {
    if (this.hasPrice && this.price !== '') return this.price;
    if (this.hasStop && this.stopPrice !== '') return this.stopPrice;
    return best ?? '0';
  }

  /** In the quote asset. */
  total(best: string | null): string {
    if (this.usesQuote) return this.quoteSize === '' ? '0' : this.quoteSize;
    return multiply(this.size === '' ? '0' : this.size, this.reckoned(best), quoteScale(this.market));
  }

  /** What is received, before the fee. */
  received(best: string | null): string {
    if (this.side === 'sell') return this.total(best);
    if (!this.usesQuote) return this.size === '' ? '0' : this.size;
    return divide(this.total(best), this.reckoned(best), places(this.market.lot_size));
  }

  /** So much of what is available, cut down to whole steps of the market. */
  takeShare(percent: number, available: string, best: string | null): void {
    const part = multiply(available, divide(String(percent), String(PERCENT), 4), places(available));
    if (this.usesQuote && this.side === 'buy') {
      this.quoteSize = part;
      return;
    }
    const price = this.reckoned(best);
    const size = this.side === 'sell' ? part : isZero(price) ? '0' : divide(part, price, places(this.market.lot_size));
    this.size = floorTo(size, this.market.lot_size);
  }

  /** One order, or for a pair the limit order and the stop. */
  bodies(): [NewOrderBody] | [NewOrderBody, NewOrderBody] {
    const common = { market: this.market.id, side: this.side, self_trade_prevention: this.prevention };
    if (this.kind === 'pair') {
      return [
        { ...common, type: 'limit', price: this.price, size: this.size },
        { ...common, type: 'stop', stop_price: this.stopPrice, size: this.size },
      ];
    }
    return [{ ...common, type: this.kind, ...this.amounts(), ...this.terms() }];
  }

  private amounts(): Partial<NewOrderBody> {
    return {
      ...(this.usesQuote ? { quote_size: this.quoteSize } : { size: this.size }),
      ...(this.hasPrice ? { price: this.price } : {}),
      ...(this.hasStop ? { stop_price: this.stopPrice } : {}),
      ...(this.kind === 'trailing_stop' ? { trail_bps: Math.round(Number(this.trailPercent) * PERCENT) } : {}),
    };
  }

  private terms(): Partial<NewOrderBody> {
    if (!this.hasLifetime) return {};
    const expires = this.lifetime === 'gtd' ? { expires_at: new Date(this.expiresAt).toISOString() } : {};
    const waits = this.lifetime === 'gtc' || this.lifetime === 'gtd';
    return {
      time_in_force: this.lifetime,
      ...expires,
      ...(waits && this.isPostOnly ? { post_only: true } : {}),
      ...(waits && this.displaySize !== '' ? { display_size: this.displaySize } : {}),
    };
  }
}

/** Decimals of quote amounts: a tick times a lot is the smallest there can be. */
export function quoteScale(market: MarketAnswer): number {
  return places(market.tick_size) + places(market.lot_size);
}

export type Complaint = 'size' | 'price' | 'stop' | 'trail' | 'until' | 'least' | 'funds';

/** What is wrong at first sight; the exchange has the last word. */
export function complaint(draft: Draft, available: string | undefined, best: string | null, now = Date.now()): Complaint | undefined {
  const missing = unsaid(draft, now);
  if (missing !== undefined) return missing;
  if (compare(draft.total(best), draft.market.notional_min) < 0) return 'least';
  if (available === undefined) return undefined;
  const needed = draft.side === 'buy' ? draft.total(best) : draft.size === '' ? '0' : draft.size;
  return compare(needed, available) > 0 ? 'funds' : undefined;
}

/** A field that must be filled in, and is not or makes no sense. */
function unsaid(draft: Draft, now: number): Complaint | undefined {
  if (isNothing(draft.usesQuote ? draft.quoteSize : draft.size)) return 'size';
  if (draft.hasStop && isNothing(draft.stopPrice)) return 'stop';
  if (draft.hasPrice && isNothing(draft.price)) return 'price';
  const trail = Math.round(Number(draft.trailPercent) * PERCENT);
  if (draft.kind === 'trailing_stop' && !(trail > 0 && trail < PERCENT * PERCENT)) return 'trail';
  if (draft.hasLifetime && draft.lifetime === 'gtd' && !(Date.parse(draft.expiresAt) > now)) return 'until';
  return undefined;
}

function isNothing(amount: string): boolean {
  return amount === '' || amount === '.' || isZero(amount);
}
