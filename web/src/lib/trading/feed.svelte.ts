/**
 * One market, live: its book, tape and ticker, and the customer's own orders and balances. The book
 * is shown only while sequence and checksum say that it is right.
 */
import {
  BookFollower, OutOfStep, RialtoSocket,
  type BookView, type FillRow, type MarketAnswer, type OrderAnswer, type SocketMessage, type TickerAnswer,
} from 'rialto-client';

export interface TapeRow {
  id: string;
  price: string;
  size: string;
  taker_side: string | null;
  time: string;
}

/** As it happens; a moment later it is settled, and in the list of fills. */
export type LiveFill = Omit<FillRow, 'value'>;

export interface BalanceRow {
  asset: string;
  available: string;
  held: string;
}

export interface FeedEvents {
  onTrades(trades: TapeRow[]): void;
  onOrder(order: OrderAnswer): void;
  onFill(fill: LiveFill): void;
  onBalances(rows: BalanceRow[]): void;
  /** After the first connection and each that follows a loss: read again what is not streamed. */
  onOpen(): void;
}

type BookMessage = Parameters<BookFollower['apply']>[0];
const TAPE_ROWS = 60;
const SHOWN_LEVELS = 400;

export class Feed {
  state = $state<'connecting' | 'open' | 'lost' | 'closed'>('connecting');
  book = $state.raw<BookView | undefined>();
  tape = $state.raw<TapeRow[]>([]);
  ticker = $state.raw<TickerAnswer | undefined>();
  /** How many updates of the book were applied, and how often it had to begin anew: for tests. */
  updates = 0;
  resets = 0;
  private readonly follower: BookFollower;
  private readonly socket: RialtoSocket;
  private isInStep = false;
  private frame = 0;

  constructor(
    private readonly market: MarketAnswer,
    private readonly events: FeedEvents,
    isSignedIn: boolean,
  ) {
    this.follower = new BookFollower(market.tick_size, market.lot_size);
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    this.socket = new RialtoSocket({
      url: `${scheme}//${location.host}`,
      onMessage: (message) => this.take(message),
      onState: (state) => this.changed(state),
      resumeFrom: ({ channel }) => (channel === 'book' && this.isInStep ? this.follower.sequence : undefined),
    });
    for (const channel of ['book', 'trades', 'ticker'] as const) this.follow({ channel, market: market.id });
    if (isSignedIn) for (const channel of ['orders', 'fills', 'balances'] as const) this.follow({ channel });
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    this.socket.close();
  }

  private follow(subscription: Parameters<RialtoSocket['subscribe']>[0]): void {
    void this.socket.subscribe(subscription).catch(() => undefined); // Asked for again when it is back.
  }

  private changed(state: 'open' | 'lost' | 'closed'): void {
    this.state = state;
    if (state === 'open') this.events.onOpen();
  }

  private take(message: SocketMessage): void {
    switch (message.type) {
      case 'book_snapshot':
      case 'book_update':
        this.apply(message as unknown as BookMessage);
        break;
      case 'trades':
        this.trade((message as unknown as { trades: TapeRow[] }).trades);
        break;
      case 'ticker':
        this.ticker = message['ticker'] as TickerAnswer;
        break;
      case 'order':
        this.events.onOrder(message['order'] as OrderAnswer);
        break;
      case 'fill':
        this.events.onFill(message as unknown as LiveFill);
        break;
      case 'balances':
        this.events.onBalances(message['balances'] as BalanceRow[]);
        break;
    }
  }

  private apply(message: BookMessage): void {
    if (message.market !== this.market.id) return;
    if (message.type === 'book_update' && !this.isInStep) return; // A snapshot is on its way.
    try {
      this.follower.apply(message);
      this.isInStep = true;
      this.updates += 1;
    } catch (fault) {
      if (!(fault instanceof OutOfStep)) throw fault;
      void this.beginAnew();
    }
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.draw());
  }

  /** Once a frame, however many updates came. */
  private draw(): void {
    this.frame = 0;
    this.book = this.isInStep ? this.follower.view(SHOWN_LEVELS) : undefined;
  }

  private async beginAnew(): Promise<void> {
    this.isInStep = false;
    this.resets += 1;
    const subscription = { channel: 'book', market: this.market.id } as const;
    try {
      await this.socket.unsubscribe(subscription);
      await this.socket.subscribe(subscription);
    } catch {
      // The connection is lost; when it is back, the subscription begins with a snapshot.
    }
  }

  private trade(trades: TapeRow[]): void {
    this.tape = [...[...trades].reverse(), ...this.tape].slice(0, TAPE_ROWS);
    this.events.onTrades(trades);
  }
}
