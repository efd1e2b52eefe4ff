// Generated from the OpenAPI document by `make api-clients`; do not edit.

import type * as schemas from "./schemas.js";
import type { CallOptions, Transport } from "./transport.js";

/** Every operation of the API; refusals are thrown as `RialtoError`. */
export class Operations {
  constructor(protected readonly transport: Transport) {}

  /**
   * The exchange's clock.
   * `GET /v1/time`
   */
  readTime(options: CallOptions = {}): Promise<schemas.TimeAnswer> {
    return this.transport.call<schemas.TimeAnswer>({ method: "GET", path: "/v1/time" }, options);
  }

  /**
   * Whether all parts work.
   * `GET /v1/status`
   */
  readStatus(options: CallOptions = {}): Promise<schemas.StatusAnswer> {
    return this.transport.call<schemas.StatusAnswer>({ method: "GET", path: "/v1/status" }, options);
  }

  /**
   * Every error code.
   * `GET /v1/errors`
   */
  listErrors(options: CallOptions = {}): Promise<schemas.ErrorPage[]> {
    return this.transport.call<schemas.ErrorPage[]>({ method: "GET", path: "/v1/errors" }, options);
  }

  /**
   * What an error code means.
   * `GET /v1/errors/{code}`
   */
  explainError(code: string, options: CallOptions = {}): Promise<schemas.ErrorPage> {
    return this.transport.call<schemas.ErrorPage>({ method: "GET", path: `/v1/errors/${encodeURIComponent(code)}` }, options);
  }

  /**
   * Whether the books tie.
   * `GET /v1/status/invariants`
   * Empty until the first comparison, which is made on a schedule.
   */
  readInvariants(options: CallOptions = {}): Promise<schemas.InvariantList> {
    return this.transport.call<schemas.InvariantList>({ method: "GET", path: "/v1/status/invariants" }, options);
  }

  /**
   * Proof of reserves.
   * `GET /v1/proof-of-reserves`
   * Published daily. `rialto_client.verify_reserves` and the web site verify it.
   */
  readReserves(query: { bundle?: string } = {}, options: CallOptions = {}): Promise<schemas.ReservesBundle> {
    return this.transport.call<schemas.ReservesBundle>({ method: "GET", path: "/v1/proof-of-reserves", query }, options);
  }

  /**
   * Your leaf.
   * `GET /v1/proof-of-reserves/leaf`
   * What you were owed, and the path from there to the published root.
   */
  readReservesLeaf(query: { bundle?: string } = {}, options: CallOptions = {}): Promise<schemas.LeafAnswer> {
    return this.transport.call<schemas.LeafAnswer>({ method: "GET", path: "/v1/proof-of-reserves/leaf", query }, options);
  }

  /**
   * Every asset.
   * `GET /v1/assets`
   */
  listAssets(options: CallOptions = {}): Promise<schemas.AssetList> {
    return this.transport.call<schemas.AssetList>({ method: "GET", path: "/v1/assets" }, options);
  }

  /**
   * One asset.
   * `GET /v1/assets/{asset}`
   */
  readAsset(asset: string, options: CallOptions = {}): Promise<schemas.AssetAnswer> {
    return this.transport.call<schemas.AssetAnswer>({ method: "GET", path: `/v1/assets/${encodeURIComponent(asset)}` }, options);
  }

  /**
   * Every market.
   * `GET /v1/markets`
   */
  listMarkets(options: CallOptions = {}): Promise<schemas.MarketList> {
    return this.transport.call<schemas.MarketList>({ method: "GET", path: "/v1/markets" }, options);
  }

  /**
   * One market.
   * `GET /v1/markets/{market}`
   */
  readMarket(market: string, options: CallOptions = {}): Promise<schemas.MarketAnswer> {
    return this.transport.call<schemas.MarketAnswer>({ method: "GET", path: `/v1/markets/${encodeURIComponent(market)}` }, options);
  }

  /**
   * Fees.
   * `GET /v1/fees`
   * Of everybody; a promotion of your own may be better.
   */
  readFees(options: CallOptions = {}): Promise<schemas.FeesAnswer> {
    return this.transport.call<schemas.FeesAnswer>({ method: "GET", path: "/v1/fees" }, options);
  }

  /**
   * The order book.
   * `GET /v1/markets/{market}/book`
   */
  readBook(market: string, query: { depth?: number } = {}, options: CallOptions = {}): Promise<schemas.BookAnswer> {
    return this.transport.call<schemas.BookAnswer>({ method: "GET", path: `/v1/markets/${encodeURIComponent(market)}/book`, query }, options);
  }

  /**
   * Trades, newest first.
   * `GET /v1/markets/{market}/trades`
   * Recent ones from memory, older ones from the store: a page may end where they meet.
   */
  listTrades(market: string, query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<schemas.TradeList> {
    return this.transport.call<schemas.TradeList>({ method: "GET", path: `/v1/markets/${encodeURIComponent(market)}/trades`, query }, options);
  }

  /**
   * The last 24 hours of every market.
   * `GET /v1/tickers`
   */
  listTickers(options: CallOptions = {}): Promise<schemas.TickerList> {
    return this.transport.call<schemas.TickerList>({ method: "GET", path: "/v1/tickers" }, options);
  }

  /**
   * The last 24 hours of a market.
   * `GET /v1/markets/{market}/ticker`
   */
  readTicker(market: string, options: CallOptions = {}): Promise<schemas.TickerAnswer> {
    return this.transport.call<schemas.TickerAnswer>({ method: "GET", path: `/v1/markets/${encodeURIComponent(market)}/ticker` }, options);
  }

  /**
   * Candles.
   * `GET /v1/markets/{market}/candles`
   * The newest, or with `start` the first from there on; each page is oldest first, for that is
   * how charts take them. `cursor` goes on into the past, with `start` towards now. Intervals
   * without trades are flat.
   */
  listCandles(market: string, query: { interval?: schemas.Interval; start?: string; end?: string; limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<schemas.CandleList> {
    return this.transport.call<schemas.CandleList>({ method: "GET", path: `/v1/markets/${encodeURIComponent(market)}/candles`, query }, options);
  }

  /**
   * Register.
   * `POST /v1/registrations`
   * A new customer. Log in afterwards with the same e-mail address and password.
   *
   * A registered address gives the same answer and changes nothing, so it may be repeated; its owner
   * finds the attempt in `GET /v1/account/actions`.
   */
  register(body: schemas.Credentials, options: CallOptions = {}): Promise<schemas.RegistrationAnswer> {
    return this.transport.call<schemas.RegistrationAnswer>({ method: "POST", path: "/v1/registrations", body }, options);
  }

  /**
   * Your sessions, newest first.
   * `GET /v1/sessions`
   */
  listSessions(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<schemas.SessionList> {
    return this.transport.call<schemas.SessionList>({ method: "GET", path: "/v1/sessions", query }, options);
  }

  /**
   * Log in.
   * `POST /v1/sessions`
   * With an authenticator app set up, its code is asked for once the password was right.
   */
  logIn(body: schemas.LoginBody, options: CallOptions = {}): Promise<schemas.OpenedSession> {
    return this.transport.call<schemas.OpenedSession>({ method: "POST", path: "/v1/sessions", body }, options);
  }

  /**
   * Log out.
   * `DELETE /v1/sessions/current`
   */
  logOut(options: CallOptions = {}): Promise<void> {
    return this.transport.call<void>({ method: "DELETE", path: "/v1/sessions/current" }, options);
  }

  /**
   * End one of your sessions.
   * `DELETE /v1/sessions/{session_id}`
   */
  endSession(sessionId: string | number, options: CallOptions = {}): Promise<void> {
    return this.transport.call<void>({ method: "DELETE", path: `/v1/sessions/${encodeURIComponent(sessionId)}` }, options);
  }

  /**
   * What is set up.
   * `GET /v1/second-factors`
   */
  listFactors(options: CallOptions = {}): Promise<schemas.FactorsAnswer> {
    return this.transport.call<schemas.FactorsAnswer>({ method: "GET", path: "/v1/second-factors" }, options);
  }

  /**
   * Set up an authenticator app.
   * `POST /v1/second-factors/totp`
   * Another one instead of yours holds withdrawals for a day; the first one does not.
   */
  startTotp(options: CallOptions = {}): Promise<schemas.TotpAnswer> {
    return this.transport.call<schemas.TotpAnswer>({ method: "POST", path: "/v1/second-factors/totp", hasKey: true }, options);
  }

  /**
   * Remove the authenticator app.
   * `DELETE /v1/second-factors/totp`
   * Withdrawals are held for a day.
   */
  removeTotp(options: CallOptions = {}): Promise<void> {
    return this.transport.call<void>({ method: "DELETE", path: "/v1/second-factors/totp" }, options);
  }

  /**
   * Confirm it with its first code.
   * `POST /v1/second-factors/totp/confirm`
   */
  confirmTotp(body: schemas.Code, options: CallOptions = {}): Promise<schemas.RecoveryCodes> {
    return this.transport.call<schemas.RecoveryCodes>({ method: "POST", path: "/v1/second-factors/totp/confirm", body, hasKey: true }, options);
  }

  /**
   * Prove the second factor for this session.
   * `POST /v1/sessions/current/step-up`
   * Withdrawals, new API keys and changes of factors ask for it when it is some minutes old.
   */
  stepUp(body: schemas.Code, options: CallOptions = {}): Promise<void> {
    return this.transport.call<void>({ method: "POST", path: "/v1/sessions/current/step-up", body, hasKey: true }, options);
  }

  /**
   * What a browser needs to make a passkey.
   * `POST /v1/passkeys:options`
   */
  startPasskey(options: CallOptions = {}): Promise<schemas.PasskeyOptions> {
    return this.transport.call<schemas.PasskeyOptions>({ method: "POST", path: "/v1/passkeys:options", hasKey: true }, options);
  }

  /**
   * Keep a passkey that was made.
   * `POST /v1/passkeys`
   */
  addPasskey(body: schemas.NewPasskeyBody, options: CallOptions = {}): Promise<schemas.PasskeyAnswer> {
    return this.transport.call<schemas.PasskeyAnswer>({ method: "POST", path: "/v1/passkeys", body, hasKey: true }, options);
  }

  /**
   * Remove a passkey.
   * `DELETE /v1/passkeys/{passkey_id}`
   */
  removePasskey(passkeyId: string, options: CallOptions = {}): Promise<void> {
    return this.transport.call<void>({ method: "DELETE", path: `/v1/passkeys/${encodeURIComponent(passkeyId)}` }, options);
  }

  /**
   * What a browser needs to prove a passkey.
   * `POST /v1/sessions/current/step-up:options`
   */
  startPasskeyStepUp(options: CallOptions = {}): Promise<schemas.PasskeyOptions> {
    return this.transport.call<schemas.PasskeyOptions>({ method: "POST", path: "/v1/sessions/current/step-up:options", hasKey: true }, options);
  }

  /**
   * Prove the second factor with a passkey.
   * `POST /v1/sessions/current/step-up:passkey`
   */
  stepUpWithPasskey(body: schemas.CredentialBody, options: CallOptions = {}): Promise<void> {
    return this.transport.call<void>({ method: "POST", path: "/v1/sessions/current/step-up:passkey", body, hasKey: true }, options);
  }

  /**
   * What a browser needs to log in with a passkey.
   * `POST /v1/sessions:passkey-options`
   */
  startPasskeyLogIn(options: CallOptions = {}): Promise<schemas.PasskeyOptions> {
    return this.transport.call<schemas.PasskeyOptions>({ method: "POST", path: "/v1/sessions:passkey-options" }, options);
  }

  /**
   * Log in with a passkey.
   * `POST /v1/sessions:passkey`
   * Without a password: the passkey is two factors, so the session counts as stepped up.
   */
  logInWithPasskey(body: schemas.CredentialBody, options: CallOptions = {}): Promise<schemas.OpenedSession> {
    return this.transport.call<schemas.OpenedSession>({ method: "POST", path: "/v1/sessions:passkey", body }, options);
  }

  /**
   * Your API keys, newest first.
   * `GET /v1/api-keys`
   */
  listKeys(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<schemas.ApiKeyList> {
    return this.transport.call<schemas.ApiKeyList>({ method: "GET", path: "/v1/api-keys", query }, options);
  }

  /**
   * Create an API key.
   * `POST /v1/api-keys`
   */
  createKey(body: schemas.ApiKeyRequest, options: CallOptions = {}): Promise<schemas.CreatedApiKey> {
    return this.transport.call<schemas.CreatedApiKey>({ method: "POST", path: "/v1/api-keys", body, hasKey: true }, options);
  }

  /**
   * Revoke an API key.
   * `DELETE /v1/api-keys/{key_id}`
   */
  revokeKey(keyId: string, options: CallOptions = {}): Promise<void> {
    return this.transport.call<void>({ method: "DELETE", path: `/v1/api-keys/${encodeURIComponent(keyId)}` }, options);
  }

  /**
   * Your account.
   * `GET /v1/account`
   */
  readAccount(options: CallOptions = {}): Promise<schemas.AccountAnswer> {
    return this.transport.call<schemas.AccountAnswer>({ method: "GET", path: "/v1/account" }, options);
  }

  /**
   * Change your password.
   * `PUT /v1/account/password`
   * Ends your other sessions, and holds withdrawals for a while.
   */
  changePassword(body: schemas.PasswordBody, options: CallOptions = {}): Promise<void> {
    return this.transport.call<void>({ method: "PUT", path: "/v1/account/password", body }, options);
  }

  /**
   * What was done with your account, newest first.
   * `GET /v1/account/actions`
   */
  listActions(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<schemas.ActionList> {
    return this.transport.call<schemas.ActionList>({ method: "GET", path: "/v1/account/actions", query }, options);
  }

  /**
   * Every balance.
   * `GET /v1/balances`
   * One row per asset, also where you own nothing of it.
   */
  listBalances(options: CallOptions = {}): Promise<schemas.BalanceList> {
    return this.transport.call<schemas.BalanceList>({ method: "GET", path: "/v1/balances" }, options);
  }

  /**
   * One balance.
   * `GET /v1/balances/{asset}`
   */
  readBalance(asset: string, options: CallOptions = {}): Promise<schemas.BalanceAnswer> {
    return this.transport.call<schemas.BalanceAnswer>({ method: "GET", path: `/v1/balances/${encodeURIComponent(asset)}` }, options);
  }

  /**
   * Where a balance comes from.
   * `GET /v1/balances/{asset}/explain`
   * Every movement since the first, oldest first. The lines add up from zero to the balance.
   */
  explainBalance(asset: string, query: { limit?: number; cursor?: string; format?: "json" | "csv" } = {}, options: CallOptions = {}): Promise<schemas.BalanceExplanation> {
    return this.transport.call<schemas.BalanceExplanation>({ method: "GET", path: `/v1/balances/${encodeURIComponent(asset)}/explain`, query }, options);
  }

  /**
   * A statement of a period.
   * `GET /v1/balances/{asset}/statement`
   * From `since` up to `until`. Refused with more than 10,000 lines: take a shorter period.
   */
  readStatement(asset: string, query: { since: string; until: string; format?: "json" | "csv" }, options: CallOptions = {}): Promise<schemas.BalanceStatement> {
    return this.transport.call<schemas.BalanceStatement>({ method: "GET", path: `/v1/balances/${encodeURIComponent(asset)}/statement`, query }, options);
  }

  /**
   * Your orders, newest first.
   * `GET /v1/orders`
   */
  listOrders(query: { market?: string; status?: "open" | "all"; limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<schemas.OrderList> {
    return this.transport.call<schemas.OrderList>({ method: "GET", path: "/v1/orders", query }, options);
  }

  /**
   * Place an order.
   * `POST /v1/orders`
   */
  placeOrder(body: schemas.NewOrderBody, query: { wait_ms?: number } = {}, options: CallOptions = {}): Promise<schemas.OrderAnswer> {
    return this.transport.call<schemas.OrderAnswer>({ method: "POST", path: "/v1/orders", query, body, hasKey: true }, options);
  }

  /**
   * Cancel every open order on a market.
   * `DELETE /v1/orders`
   */
  cancelAllOrders(query: { market: string; side?: schemas.Side; wait_ms?: number }, options: CallOptions = {}): Promise<schemas.CancelAllAnswer> {
    return this.transport.call<schemas.CancelAllAnswer>({ method: "DELETE", path: "/v1/orders", query }, options);
  }

  /**
   * Check an order without placing it.
   * `POST /v1/orders:validate`
   * Against the market's rules; whether the funds suffice only placing it can tell.
   */
  validateOrder(body: schemas.NewOrderBody, options: CallOptions = {}): Promise<schemas.ValidAnswer> {
    return this.transport.call<schemas.ValidAnswer>({ method: "POST", path: "/v1/orders:validate", body, hasKey: true }, options);
  }

  /**
   * Place up to 100 orders, each by itself.
   * `POST /v1/orders:batch`
   */
  placeBatch(body: schemas.BatchBody, options: CallOptions = {}): Promise<schemas.BatchResult> {
    return this.transport.call<schemas.BatchResult>({ method: "POST", path: "/v1/orders:batch", body, hasKey: true }, options);
  }

  /**
   * Place two orders of which one cancels the other.
   * `POST /v1/orders:pair`
   * A limit order and a stop, of the same side and size, under one hold.
   */
  placePair(body: schemas.PairBody, options: CallOptions = {}): Promise<schemas.BatchResult> {
    return this.transport.call<schemas.BatchResult>({ method: "POST", path: "/v1/orders:pair", body, hasKey: true }, options);
  }

  /**
   * One of your orders.
   * `GET /v1/orders/{order_id}`
   */
  readOrder(orderId: string | number, options: CallOptions = {}): Promise<schemas.OrderAnswer> {
    return this.transport.call<schemas.OrderAnswer>({ method: "GET", path: `/v1/orders/${encodeURIComponent(orderId)}` }, options);
  }

  /**
   * Make an order smaller; it keeps its place in the queue.
   * `PATCH /v1/orders/{order_id}`
   */
  amendOrder(orderId: string | number, body: schemas.AmendBody, query: { wait_ms?: number } = {}, options: CallOptions = {}): Promise<schemas.OrderAnswer> {
    return this.transport.call<schemas.OrderAnswer>({ method: "PATCH", path: `/v1/orders/${encodeURIComponent(orderId)}`, query, body }, options);
  }

  /**
   * Cancel an order.
   * `DELETE /v1/orders/{order_id}`
   */
  cancelOrder(orderId: string | number, query: { wait_ms?: number } = {}, options: CallOptions = {}): Promise<schemas.OrderAnswer> {
    return this.transport.call<schemas.OrderAnswer>({ method: "DELETE", path: `/v1/orders/${encodeURIComponent(orderId)}`, query }, options);
  }

  /**
   * One of your orders, by your own id.
   * `GET /v1/orders:by-client-id`
   */
  readOrderByClientId(query: { client_order_id: string }, options: CallOptions = {}): Promise<schemas.OrderAnswer> {
    return this.transport.call<schemas.OrderAnswer>({ method: "GET", path: "/v1/orders:by-client-id", query }, options);
  }

  /**
   * Cancel an order and place another in one step.
   * `POST /v1/orders/{order_id}:replace`
   */
  replaceOrder(orderId: string | number, body: schemas.NewOrderBody, query: { wait_ms?: number } = {}, options: CallOptions = {}): Promise<schemas.OrderAnswer> {
    return this.transport.call<schemas.OrderAnswer>({ method: "POST", path: `/v1/orders/${encodeURIComponent(orderId)}:replace`, query, body, hasKey: true }, options);
  }

  /**
   * Your dead-man switch.
   * `GET /v1/dead-man-switch`
   */
  readDeadManSwitch(options: CallOptions = {}): Promise<schemas.SwitchAnswer> {
    return this.transport.call<schemas.SwitchAnswer>({ method: "GET", path: "/v1/dead-man-switch" }, options);
  }

  /**
   * Cancel your orders unless you say so again in time.
   * `PUT /v1/dead-man-switch`
   * Durable: it fires even if our process that took it has died. One for each customer.
   */
  putDeadManSwitch(body: schemas.SwitchBody, options: CallOptions = {}): Promise<schemas.SwitchAnswer> {
    return this.transport.call<schemas.SwitchAnswer>({ method: "PUT", path: "/v1/dead-man-switch", body }, options);
  }

  /**
   * Switch it off.
   * `DELETE /v1/dead-man-switch`
   */
  removeDeadManSwitch(options: CallOptions = {}): Promise<void> {
    return this.transport.call<void>({ method: "DELETE", path: "/v1/dead-man-switch" }, options);
  }

  /**
   * Your fills on a market, newest first.
   * `GET /v1/fills`
   * As settled in the ledger; the newest trades take a moment to get here.
   */
  listFills(query: { market: string; order_id?: string | number; limit?: number; cursor?: string }, options: CallOptions = {}): Promise<schemas.FillList> {
    return this.transport.call<schemas.FillList>({ method: "GET", path: "/v1/fills", query }, options);
  }

  /**
   * Your deposit address for an asset.
   * `POST /v1/deposit-addresses/{asset}`
   * Made at the first asking; later the same. Assets of one chain share an address.
   */
  depositAddress(asset: string, options: CallOptions = {}): Promise<schemas.DepositAddressAnswer> {
    return this.transport.call<schemas.DepositAddressAnswer>({ method: "POST", path: `/v1/deposit-addresses/${encodeURIComponent(asset)}`, hasKey: true }, options);
  }

  /**
   * Your deposits, newest first.
   * `GET /v1/deposits`
   */
  listDeposits(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<schemas.DepositList> {
    return this.transport.call<schemas.DepositList>({ method: "GET", path: "/v1/deposits", query }, options);
  }

  /**
   * One deposit and what happened to it.
   * `GET /v1/deposits/{deposit_id}`
   */
  readDeposit(depositId: string, options: CallOptions = {}): Promise<schemas.DepositAnswer> {
    return this.transport.call<schemas.DepositAnswer>({ method: "GET", path: `/v1/deposits/${encodeURIComponent(depositId)}` }, options);
  }

  /**
   * What a withdrawal would cost.
   * `GET /v1/withdrawals/quote`
   * The fee is fixed when you ask for the withdrawal. With `address` we say if it is internal.
   */
  quote(query: { asset: string; amount: string; address?: string }, options: CallOptions = {}): Promise<schemas.QuoteAnswer> {
    return this.transport.call<schemas.QuoteAnswer>({ method: "GET", path: "/v1/withdrawals/quote", query }, options);
  }

  /**
   * Your withdrawals, newest first.
   * `GET /v1/withdrawals`
   */
  listWithdrawals(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<schemas.WithdrawalList> {
    return this.transport.call<schemas.WithdrawalList>({ method: "GET", path: "/v1/withdrawals", query }, options);
  }

  /**
   * Request a withdrawal.
   * `POST /v1/withdrawals`
   * The amount and the fee are held at once. Needs an `Idempotency-Key`.
   */
  requestWithdrawal(body: schemas.WithdrawalBody, options: CallOptions = {}): Promise<schemas.WithdrawalAnswer> {
    return this.transport.call<schemas.WithdrawalAnswer>({ method: "POST", path: "/v1/withdrawals", body, hasKey: true }, options);
  }

  /**
   * One withdrawal and what happened to it.
   * `GET /v1/withdrawals/{withdrawal_id}`
   */
  readWithdrawal(withdrawalId: string, options: CallOptions = {}): Promise<schemas.WithdrawalAnswer> {
    return this.transport.call<schemas.WithdrawalAnswer>({ method: "GET", path: `/v1/withdrawals/${encodeURIComponent(withdrawalId)}` }, options);
  }

  /**
   * Cancel a withdrawal.
   * `DELETE /v1/withdrawals/{withdrawal_id}`
   * Amount and fee are available again. Refused once it is being paid: coins may have left.
   */
  cancelWithdrawal(withdrawalId: string, options: CallOptions = {}): Promise<schemas.WithdrawalAnswer> {
    return this.transport.call<schemas.WithdrawalAnswer>({ method: "DELETE", path: `/v1/withdrawals/${encodeURIComponent(withdrawalId)}` }, options);
  }

  /**
   * Your address book, newest first.
   * `GET /v1/withdrawal-addresses`
   */
  listAddresses(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<schemas.AddressList> {
    return this.transport.call<schemas.AddressList>({ method: "GET", path: "/v1/withdrawal-addresses", query }, options);
  }

  /**
   * Save an address.
   * `POST /v1/withdrawal-addresses`
   * Usable after 48 hours. Saved already, it keeps its time and takes the new label.
   */
  addAddress(body: schemas.AddressBody, options: CallOptions = {}): Promise<schemas.AddressAnswer> {
    return this.transport.call<schemas.AddressAnswer>({ method: "POST", path: "/v1/withdrawal-addresses", body, hasKey: true }, options);
  }

  /**
   * Remove an address.
   * `DELETE /v1/withdrawal-addresses/{address_id}`
   * At once. Saved again, it waits again.
   */
  removeAddress(addressId: string | number, options: CallOptions = {}): Promise<void> {
    return this.transport.call<void>({ method: "DELETE", path: `/v1/withdrawal-addresses/${encodeURIComponent(addressId)}` }, options);
  }

  /**
   * Allow-list, holds and limits of your withdrawals.
   * `GET /v1/withdrawal-settings`
   */
  readSettings(options: CallOptions = {}): Promise<schemas.SettingsAnswer> {
    return this.transport.call<schemas.SettingsAnswer>({ method: "GET", path: "/v1/withdrawal-settings" }, options);
  }

  /**
   * Switch the allow-list on or off.
   * `PATCH /v1/withdrawal-settings`
   * On takes effect at once, off after 48 hours.
   */
  changeSettings(body: schemas.SettingsBody, options: CallOptions = {}): Promise<schemas.SettingsAnswer> {
    return this.transport.call<schemas.SettingsAnswer>({ method: "PATCH", path: "/v1/withdrawal-settings", body }, options);
  }

  /**
   * Your webhooks, newest first.
   * `GET /v1/webhooks`
   */
  listWebhooks(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<schemas.WebhookList> {
    return this.transport.call<schemas.WebhookList>({ method: "GET", path: "/v1/webhooks", query }, options);
  }

  /**
   * Register a webhook.
   * `POST /v1/webhooks`
   * Messages are signed as Standard Webhooks says; `docs/webhooks.md` shows how to check them.
   */
  createWebhook(body: schemas.WebhookBody, options: CallOptions = {}): Promise<schemas.CreatedWebhook> {
    return this.transport.call<schemas.CreatedWebhook>({ method: "POST", path: "/v1/webhooks", body, hasKey: true }, options);
  }

  /**
   * One webhook.
   * `GET /v1/webhooks/{webhook_id}`
   */
  readWebhook(webhookId: string, options: CallOptions = {}): Promise<schemas.WebhookAnswer> {
    return this.transport.call<schemas.WebhookAnswer>({ method: "GET", path: `/v1/webhooks/${encodeURIComponent(webhookId)}` }, options);
  }

  /**
   * Change, disable or enable a webhook.
   * `PATCH /v1/webhooks/{webhook_id}`
   */
  changeWebhook(webhookId: string, body: schemas.WebhookChange, options: CallOptions = {}): Promise<schemas.WebhookAnswer> {
    return this.transport.call<schemas.WebhookAnswer>({ method: "PATCH", path: `/v1/webhooks/${encodeURIComponent(webhookId)}`, body }, options);
  }

  /**
   * Remove a webhook.
   * `DELETE /v1/webhooks/{webhook_id}`
   * What is on its way is not sent any more.
   */
  removeWebhook(webhookId: string, options: CallOptions = {}): Promise<void> {
    return this.transport.call<void>({ method: "DELETE", path: `/v1/webhooks/${encodeURIComponent(webhookId)}` }, options);
  }

  /**
   * Replace the secret of a webhook.
   * `POST /v1/webhooks/{webhook_id}:rotate-secret`
   * For a day messages carry two signatures, one of the secret before.
   */
  rotateWebhookSecret(webhookId: string, options: CallOptions = {}): Promise<schemas.CreatedWebhook> {
    return this.transport.call<schemas.CreatedWebhook>({ method: "POST", path: `/v1/webhooks/${encodeURIComponent(webhookId)}:rotate-secret`, hasKey: true }, options);
  }

  /**
   * Send a message of no meaning, to try a webhook.
   * `POST /v1/webhooks/{webhook_id}:ping`
   */
  pingWebhook(webhookId: string, options: CallOptions = {}): Promise<schemas.DeliveryAnswer> {
    return this.transport.call<schemas.DeliveryAnswer>({ method: "POST", path: `/v1/webhooks/${encodeURIComponent(webhookId)}:ping`, hasKey: true }, options);
  }

  /**
   * What was sent to a webhook, newest first.
   * `GET /v1/webhooks/{webhook_id}/deliveries`
   * Kept for 30 days.
   */
  listDeliveries(webhookId: string, query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<schemas.DeliveryList> {
    return this.transport.call<schemas.DeliveryList>({ method: "GET", path: `/v1/webhooks/${encodeURIComponent(webhookId)}/deliveries`, query }, options);
  }

  /**
   * A delivery and its log.
   * `GET /v1/webhooks/{webhook_id}/deliveries/{delivery_id}`
   */
  readDelivery(webhookId: string, deliveryId: string | number, options: CallOptions = {}): Promise<schemas.DeliveryDetails> {
    return this.transport.call<schemas.DeliveryDetails>({ method: "GET", path: `/v1/webhooks/${encodeURIComponent(webhookId)}/deliveries/${encodeURIComponent(deliveryId)}` }, options);
  }

  /**
   * Send a message once more.
   * `POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}:redeliver`
   * A new delivery of the same message: its `webhook-id` is the one it had.
   */
  redeliver(webhookId: string, deliveryId: string | number, options: CallOptions = {}): Promise<schemas.DeliveryAnswer> {
    return this.transport.call<schemas.DeliveryAnswer>({ method: "POST", path: `/v1/webhooks/${encodeURIComponent(webhookId)}/deliveries/${encodeURIComponent(deliveryId)}:redeliver`, hasKey: true }, options);
  }

  /**
   * Your verification.
   * `GET /v1/kyc`
   */
  readKyc(options: CallOptions = {}): Promise<schemas.KycAnswer> {
    return this.transport.call<schemas.KycAnswer>({ method: "GET", path: "/v1/kyc" }, options);
  }

  /**
   * What each tier needs and allows.
   * `GET /v1/kyc/tiers`
   */
  listTiers(options: CallOptions = {}): Promise<schemas.TierAnswer[]> {
    return this.transport.call<schemas.TierAnswer[]>({ method: "GET", path: "/v1/kyc/tiers" }, options);
  }

  /**
   * Say who you are.
   * `PUT /v1/kyc/profile`
   * Kept sealed. It cannot be changed while a case is being looked at.
   */
  putProfile(body: schemas.ProfileRequest, options: CallOptions = {}): Promise<void> {
    return this.transport.call<void>({ method: "PUT", path: "/v1/kyc/profile", body }, options);
  }

  /**
   * Upload a document.
   * `POST /v1/kyc/documents`
   * JPEG, PNG or PDF, at most 10 MB. It is never served back.
   */
  uploadDocument(body: schemas.UploadDocumentForm, options: CallOptions = {}): Promise<schemas.DocumentAnswer> {
    return this.transport.call<schemas.DocumentAnswer>({ method: "POST", path: "/v1/kyc/documents", body, isForm: true, hasKey: true }, options);
  }

  /**
   * Hand in your application.
   * `POST /v1/kyc/submit`
   */
  submitVerification(body: schemas.SubmitRequest, options: CallOptions = {}): Promise<schemas.KycAnswer> {
    return this.transport.call<schemas.KycAnswer>({ method: "POST", path: "/v1/kyc/submit", body, hasKey: true }, options);
  }

  /**
   * What we keep about you.
   * `GET /v1/kyc/export`
   */
  exportMyData(options: CallOptions = {}): Promise<Record<string, unknown>> {
    return this.transport.call<Record<string, unknown>>({ method: "GET", path: "/v1/kyc/export" }, options);
  }

  /**
   * Close your account.
   * `POST /v1/kyc/close`
   */
  closeAccount(options: CallOptions = {}): Promise<schemas.KycAnswer> {
    return this.transport.call<schemas.KycAnswer>({ method: "POST", path: "/v1/kyc/close", hasKey: true }, options);
  }

  /**
   * Find records of any kind.
   * `GET /v1/search`
   * Without credentials: trades, blocks and chain transactions. With them also your own.
   */
  search(query: { q?: string; kind?: schemas.Kind[]; asset?: string[]; market?: string[]; chain?: string[]; status?: string[]; side?: string[]; txid?: string; address?: string; order_id?: string; customer?: string; height?: number; amount_min?: string; amount_max?: string; price_min?: string; price_max?: string; since?: string; until?: string; sort?: schemas.Sort; limit?: number; cursor?: string; facets?: boolean } = {}, options: CallOptions = {}): Promise<schemas.SearchResult> {
    return this.transport.call<schemas.SearchResult>({ method: "GET", path: "/v1/search", query }, options);
  }

  /**
   * Blocks.
   * `GET /v1/explorer/blocks/{chain}`
   */
  exploreBlocks(chain: string, query: { top?: number } = {}, options: CallOptions = {}): Promise<schemas.BlocksPage> {
    return this.transport.call<schemas.BlocksPage>({ method: "GET", path: `/v1/explorer/blocks/${encodeURIComponent(chain)}`, query }, options);
  }

  /**
   * Block.
   * `GET /v1/explorer/blocks/{chain}/{block_hash}`
   */
  exploreBlock(chain: string, blockHash: string, options: CallOptions = {}): Promise<schemas.BlockPage> {
    return this.transport.call<schemas.BlockPage>({ method: "GET", path: `/v1/explorer/blocks/${encodeURIComponent(chain)}/${encodeURIComponent(blockHash)}` }, options);
  }

  /**
   * Transaction.
   * `GET /v1/explorer/transactions/{chain}/{txid}`
   */
  exploreTransaction(chain: string, txid: string, options: CallOptions = {}): Promise<schemas.TransactionPage> {
    return this.transport.call<schemas.TransactionPage>({ method: "GET", path: `/v1/explorer/transactions/${encodeURIComponent(chain)}/${encodeURIComponent(txid)}` }, options);
  }

  /**
   * Address.
   * `GET /v1/explorer/addresses/{chain}/{address}`
   */
  exploreAddress(chain: string, address: string, query: { cursor?: string } = {}, options: CallOptions = {}): Promise<schemas.AddressPage> {
    return this.transport.call<schemas.AddressPage>({ method: "GET", path: `/v1/explorer/addresses/${encodeURIComponent(chain)}/${encodeURIComponent(address)}`, query }, options);
  }

  /**
   * Trade.
   * `GET /v1/explorer/trades/{market}-{trade_id}`
   */
  exploreTrade(market: string, tradeId: string | number, options: CallOptions = {}): Promise<schemas.TradeView> {
    return this.transport.call<schemas.TradeView>({ method: "GET", path: `/v1/explorer/trades/${encodeURIComponent(market)}-${encodeURIComponent(tradeId)}` }, options);
  }

  /**
   * Order.
   * `GET /v1/explorer/orders/{order_id}`
   */
  exploreOrder(orderId: string | number, options: CallOptions = {}): Promise<schemas.OrderPage> {
    return this.transport.call<schemas.OrderPage>({ method: "GET", path: `/v1/explorer/orders/${encodeURIComponent(orderId)}` }, options);
  }

  /**
   * Deposit.
   * `GET /v1/explorer/deposits/{deposit_id}`
   */
  exploreDeposit(depositId: string, options: CallOptions = {}): Promise<schemas.CustodyPage> {
    return this.transport.call<schemas.CustodyPage>({ method: "GET", path: `/v1/explorer/deposits/${encodeURIComponent(depositId)}` }, options);
  }

  /**
   * Withdrawal.
   * `GET /v1/explorer/withdrawals/{withdrawal_id}`
   */
  exploreWithdrawal(withdrawalId: string, options: CallOptions = {}): Promise<schemas.CustodyPage> {
    return this.transport.call<schemas.CustodyPage>({ method: "GET", path: `/v1/explorer/withdrawals/${encodeURIComponent(withdrawalId)}` }, options);
  }
}
