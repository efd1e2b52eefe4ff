/** Run by test_clients.py: the TypeScript client against a real API. Arguments: address, socket address. */
import { BookFollower, Rialto, RialtoError, RialtoSocket, type SocketMessage } from "rialto-client";

declare const process: { argv: string[]; exit(code: number): never };

function assert(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`not so: ${what}`);
}

const [baseUrl = "", socketUrl = "", email = ""] = process.argv.slice(2);
const password = "a long enough one";
const rialto = new Rialto({ baseUrl });

await rialto.register({ email, password });
const opened = await rialto.logIn({ email, password });
rialto.setToken(opened.token);
assert((await rialto.readAccount()).email === email, "the account is ours");

const refusal = await rialto
  .placeOrder({ market: "BTC-USDT", side: "buy", price: "40000", size: "0.01" })
  .then(() => undefined, (fault: unknown) => fault);
assert(refusal instanceof RialtoError, "an order before verification is refused");
assert(refusal.code === "tier_too_low", refusal.message);

const key = await rialto.createKey({ label: "script", scopes: ["read"] });
assert(key.secret !== null, "an HMAC key has a secret");
const signed = new Rialto({ baseUrl, credentials: { apiKey: key.id, secret: key.secret } });
assert((await signed.listOrders({ status: "all", limit: 5 })).data.length === 0, "no order yet");
for await (const action of rialto.all((query) => rialto.listActions({ ...query, limit: 1 }))) {
  assert(action.at.endsWith("Z"), "times are in UTC");
}

const market = await rialto.readMarket("BTC-USDT");
const book = new BookFollower(market.tick_size, market.lot_size);
const heard = await new Promise<string>((resolve, reject) => {
  const socket = new RialtoSocket({
    url: socketUrl,
    credentials: { token: opened.token },
    onMessage(message: SocketMessage) {
      if (message.type !== "book_snapshot") return;
      try {
        book.apply(message as never);
        resolve(message.type);
      } catch (fault) {
        reject(fault);
      }
      socket.close();
    },
  });
  socket.subscribe({ channel: "book", market: "BTC-USDT" }).catch(reject);
});
console.log(heard, book.view(1).bids[0]?.join(" ") ?? "empty");
process.exit(0);
