/** The Rialto exchange's API: `new Rialto({ baseUrl })`, and `RialtoSocket` for `/v1/ws`. */
import { Operations } from "./operations.js";
import { Transport, type TransportOptions } from "./transport.js";

export type * from "./schemas.js";
export { RialtoError, Unreachable, type CallOptions, type Credentials } from "./transport.js";
export { RialtoSocket, type SocketMessage, type Subscription } from "./socket.js";
export { BookFollower, OutOfStep, type BookView } from "./book.js";
export { signed } from "./signing.js";

export class Rialto extends Operations {
  constructor(options: TransportOptions) {
    super(new Transport(options));
  }

  /** Use this session's token from now on; `undefined` after logging out. */
  setToken(token: string | undefined): void {
    this.transport.credentials = token === undefined ? undefined : { token };
  }

  /** Every item of a list, page after page: `for await (const order of rialto.all((q) => rialto.listOrders(q)))`. */
  async *all<T>(
    page: (query: { cursor?: string }) => Promise<{ data: T[]; next_cursor: string | null }>,
  ): AsyncGenerator<T, void, undefined> {
    let cursor: string | null = null;
    do {
      const found: { data: T[]; next_cursor: string | null } = await page(
        cursor === null ? {} : { cursor },
      );
      yield* found.data;
      cursor = found.next_cursor;
    } while (cursor !== null);
  }
}
