"""Generated from the OpenAPI document by `make api-clients`; do not edit."""

from __future__ import annotations

from typing import Any, Literal

from rialto_client import schemas
from rialto_client.transport import Transport, path_of


class Operations:
    """Every operation of the API; refusals are raised as `RialtoError`."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def read_time(self) -> schemas.TimeAnswer:
        """The exchange's clock: `GET /v1/time`."""
        answer: schemas.TimeAnswer = self.transport.call("GET", "/v1/time")
        return answer

    def read_status(self) -> schemas.StatusAnswer:
        """Whether all parts work: `GET /v1/status`."""
        answer: schemas.StatusAnswer = self.transport.call("GET", "/v1/status")
        return answer

    def list_errors(self) -> list[schemas.ErrorPage]:
        """Every error code: `GET /v1/errors`."""
        answer: list[schemas.ErrorPage] = self.transport.call("GET", "/v1/errors")
        return answer

    def explain_error(self, code: str) -> schemas.ErrorPage:
        """What an error code means: `GET /v1/errors/{code}`."""
        answer: schemas.ErrorPage = self.transport.call(
            "GET", path_of("/v1/errors/{code}", code=code)
        )
        return answer

    def read_invariants(self) -> schemas.InvariantList:
        """Whether the books tie: `GET /v1/status/invariants`.

        Empty until the first comparison, which is made on a schedule.
        """
        answer: schemas.InvariantList = self.transport.call("GET", "/v1/status/invariants")
        return answer

    def read_reserves(self, *, bundle: str | None = None) -> schemas.ReservesBundle:
        """Proof of reserves: `GET /v1/proof-of-reserves`.

        Published daily. `rialto_client.verify_reserves` and the web site verify it.
        """
        query = {"bundle": bundle}
        answer: schemas.ReservesBundle = self.transport.call(
            "GET", "/v1/proof-of-reserves", query=query
        )
        return answer

    def read_reserves_leaf(self, *, bundle: str | None = None) -> schemas.LeafAnswer:
        """Your leaf: `GET /v1/proof-of-reserves/leaf`.

        What you were owed, and the path from there to the published root.
        """
        query = {"bundle": bundle}
        answer: schemas.LeafAnswer = self.transport.call(
            "GET", "/v1/proof-of-reserves/leaf", query=query
        )
        return answer

    def list_assets(self) -> schemas.AssetList:
        """Every asset: `GET /v1/assets`."""
        answer: schemas.AssetList = self.transport.call("GET", "/v1/assets")
        return answer

    def read_asset(self, asset: str) -> schemas.AssetAnswer:
        """One asset: `GET /v1/assets/{asset}`."""
        answer: schemas.AssetAnswer = self.transport.call(
            "GET", path_of("/v1/assets/{asset}", asset=asset)
        )
        return answer

    def list_markets(self) -> schemas.MarketList:
        """Every market: `GET /v1/markets`."""
        answer: schemas.MarketList = self.transport.call("GET", "/v1/markets")
        return answer

    def read_market(self, market: str) -> schemas.MarketAnswer:
        """One market: `GET /v1/markets/{market}`."""
        answer: schemas.MarketAnswer = self.transport.call(
            "GET", path_of("/v1/markets/{market}", market=market)
        )
        return answer

    def read_fees(self) -> schemas.FeesAnswer:
        """Fees: `GET /v1/fees`.

        Of everybody; a promotion of your own may be better.
        """
        answer: schemas.FeesAnswer = self.transport.call("GET", "/v1/fees")
        return answer

    def read_book(self, market: str, *, depth: int | None = None) -> schemas.BookAnswer:
        """The order book: `GET /v1/markets/{market}/book`."""
        query = {"depth": depth}
        answer: schemas.BookAnswer = self.transport.call(
            "GET", path_of("/v1/markets/{market}/book", market=market), query=query
        )
        return answer

    def list_trades(
        self, market: str, *, limit: int | None = None, cursor: str | None = None
    ) -> schemas.TradeList:
        """Trades, newest first: `GET /v1/markets/{market}/trades`.

        Recent ones from memory, older ones from the store: a page may end where they meet.
        """
        query = {"limit": limit, "cursor": cursor}
        answer: schemas.TradeList = self.transport.call(
            "GET", path_of("/v1/markets/{market}/trades", market=market), query=query
        )
        return answer

    def list_tickers(self) -> schemas.TickerList:
        """The last 24 hours of every market: `GET /v1/tickers`."""
        answer: schemas.TickerList = self.transport.call("GET", "/v1/tickers")
        return answer

    def read_ticker(self, market: str) -> schemas.TickerAnswer:
        """The last 24 hours of a market: `GET /v1/markets/{market}/ticker`."""
        answer: schemas.TickerAnswer = self.transport.call(
            "GET", path_of("/v1/markets/{market}/ticker", market=market)
        )
        return answer

    def list_candles(
        self,
        market: str,
        *,
        interval: schemas.Interval | None = None,
        start: str | None = None,
        end: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> schemas.CandleList:
        """Candles: `GET /v1/markets/{market}/candles`.

        The newest, or with `start` the first from there on; each page is oldest first, for that
        is how charts take them. `cursor` goes on into the past, with `start` towards now.
        Intervals without trades are flat.
        """
        query = {"interval": interval, "start": start, "end": end, "limit": limit, "cursor": cursor}
        answer: schemas.CandleList = self.transport.call(
            "GET", path_of("/v1/markets/{market}/candles", market=market), query=query
        )
        return answer

    def register(self, body: schemas.Credentials) -> schemas.RegistrationAnswer:
        """Register: `POST /v1/registrations`.

        A new customer. Log in afterwards with the same e-mail address and password.

        A registered address gives the same answer and changes nothing, so it may be repeated;
        its owner finds the attempt in `GET /v1/account/actions`.
        """
        answer: schemas.RegistrationAnswer = self.transport.call(
            "POST", "/v1/registrations", body=body
        )
        return answer

    def list_sessions(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> schemas.SessionList:
        """Your sessions, newest first: `GET /v1/sessions`."""
        query = {"limit": limit, "cursor": cursor}
        answer: schemas.SessionList = self.transport.call("GET", "/v1/sessions", query=query)
        return answer

    def log_in(self, body: schemas.LoginBody) -> schemas.OpenedSession:
        """Log in: `POST /v1/sessions`.

        With an authenticator app set up, its code is asked for once the password was right.
        """
        answer: schemas.OpenedSession = self.transport.call("POST", "/v1/sessions", body=body)
        return answer

    def log_out(self) -> None:
        """Log out: `DELETE /v1/sessions/current`."""
        self.transport.call("DELETE", "/v1/sessions/current")

    def end_session(self, session_id: str | int) -> None:
        """End one of your sessions: `DELETE /v1/sessions/{session_id}`."""
        self.transport.call("DELETE", path_of("/v1/sessions/{session_id}", session_id=session_id))

    def list_factors(self) -> schemas.FactorsAnswer:
        """What is set up: `GET /v1/second-factors`."""
        answer: schemas.FactorsAnswer = self.transport.call("GET", "/v1/second-factors")
        return answer

    def start_totp(self, *, idempotency_key: str | None = None) -> schemas.TotpAnswer:
        """Set up an authenticator app: `POST /v1/second-factors/totp`.

        Another one instead of yours holds withdrawals for a day; the first one does not.
        """
        answer: schemas.TotpAnswer = self.transport.call(
            "POST", "/v1/second-factors/totp", key=idempotency_key, has_key=True
        )
        return answer

    def remove_totp(self) -> None:
        """Remove the authenticator app: `DELETE /v1/second-factors/totp`.

        Withdrawals are held for a day.
        """
        self.transport.call("DELETE", "/v1/second-factors/totp")

    def confirm_totp(
        self, body: schemas.Code, *, idempotency_key: str | None = None
    ) -> schemas.RecoveryCodes:
        """Confirm it with its first code: `POST /v1/second-factors/totp/confirm`."""
        answer: schemas.RecoveryCodes = self.transport.call(
            "POST", "/v1/second-factors/totp/confirm", body=body, key=idempotency_key, has_key=True
        )
        return answer

    def step_up(self, body: schemas.Code, *, idempotency_key: str | None = None) -> None:
        """Prove the second factor for this session: `POST /v1/sessions/current/step-up`.

        Withdrawals, new API keys and changes of factors ask for it when it is some minutes old.
        """
        self.transport.call(
            "POST", "/v1/sessions/current/step-up", body=body, key=idempotency_key, has_key=True
        )

    def start_passkey(self, *, idempotency_key: str | None = None) -> schemas.PasskeyOptions:
        """What a browser needs to make a passkey: `POST /v1/passkeys:options`."""
        answer: schemas.PasskeyOptions = self.transport.call(
            "POST", "/v1/passkeys:options", key=idempotency_key, has_key=True
        )
        return answer

    def add_passkey(
        self, body: schemas.NewPasskeyBody, *, idempotency_key: str | None = None
    ) -> schemas.PasskeyAnswer:
        """Keep a passkey that was made: `POST /v1/passkeys`."""
        answer: schemas.PasskeyAnswer = self.transport.call(
            "POST", "/v1/passkeys", body=body, key=idempotency_key, has_key=True
        )
        return answer

    def remove_passkey(self, passkey_id: str) -> None:
        """Remove a passkey: `DELETE /v1/passkeys/{passkey_id}`."""
        self.transport.call("DELETE", path_of("/v1/passkeys/{passkey_id}", passkey_id=passkey_id))

    def start_passkey_step_up(
        self, *, idempotency_key: str | None = None
    ) -> schemas.PasskeyOptions:
        """What a browser needs to prove a passkey: `POST /v1/sessions/current/step-up:options`."""
        answer: schemas.PasskeyOptions = self.transport.call(
            "POST", "/v1/sessions/current/step-up:options", key=idempotency_key, has_key=True
        )
        return answer

    def step_up_with_passkey(
        self, body: schemas.CredentialBody, *, idempotency_key: str | None = None
    ) -> None:
        """Prove the second factor with a passkey: `POST /v1/sessions/current/step-up:passkey`."""
        self.transport.call(
            "POST",
            "/v1/sessions/current/step-up:passkey",
            body=body,
            key=idempotency_key,
            has_key=True,
        )

    def start_passkey_log_in(self) -> schemas.PasskeyOptions:
        """What a browser needs to log in with a passkey: `POST /v1/sessions:passkey-options`."""
        answer: schemas.PasskeyOptions = self.transport.call("POST", "/v1/sessions:passkey-options")
        return answer

    def log_in_with_passkey(self, body: schemas.CredentialBody) -> schemas.OpenedSession:
        """Log in with a passkey: `POST /v1/sessions:passkey`.

        Without a password: the passkey is two factors, so the session counts as stepped up.
        """
        answer: schemas.OpenedSession = self.transport.call(
            "POST", "/v1/sessions:passkey", body=body
        )
        return answer

    def list_keys(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> schemas.ApiKeyList:
        """Your API keys, newest first: `GET /v1/api-keys`."""
        query = {"limit": limit, "cursor": cursor}
        answer: schemas.ApiKeyList = self.transport.call("GET", "/v1/api-keys", query=query)
        return answer

    def create_key(
        self, body: schemas.ApiKeyRequest, *, idempotency_key: str | None = None
    ) -> schemas.CreatedApiKey:
        """Create an API key: `POST /v1/api-keys`."""
        answer: schemas.CreatedApiKey = self.transport.call(
            "POST", "/v1/api-keys", body=body, key=idempotency_key, has_key=True
        )
        return answer

    def revoke_key(self, key_id: str) -> None:
        """Revoke an API key: `DELETE /v1/api-keys/{key_id}`."""
        self.transport.call("DELETE", path_of("/v1/api-keys/{key_id}", key_id=key_id))

    def read_account(self) -> schemas.AccountAnswer:
        """Your account: `GET /v1/account`."""
        answer: schemas.AccountAnswer = self.transport.call("GET", "/v1/account")
        return answer

    def change_password(self, body: schemas.PasswordBody) -> None:
        """Change your password: `PUT /v1/account/password`.

        Ends your other sessions, and holds withdrawals for a while.
        """
        self.transport.call("PUT", "/v1/account/password", body=body)

    def list_actions(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> schemas.ActionList:
        """What was done with your account, newest first: `GET /v1/account/actions`."""
        query = {"limit": limit, "cursor": cursor}
        answer: schemas.ActionList = self.transport.call("GET", "/v1/account/actions", query=query)
        return answer

    def list_balances(self) -> schemas.BalanceList:
        """Every balance: `GET /v1/balances`.

        One row per asset, also where you own nothing of it.
        """
        answer: schemas.BalanceList = self.transport.call("GET", "/v1/balances")
        return answer

    def read_balance(self, asset: str) -> schemas.BalanceAnswer:
        """One balance: `GET /v1/balances/{asset}`."""
        answer: schemas.BalanceAnswer = self.transport.call(
            "GET", path_of("/v1/balances/{asset}", asset=asset)
        )
        return answer

    def explain_balance(
        self,
        asset: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        format: Literal["json", "csv"] | None = None,
    ) -> schemas.BalanceExplanation:
        """Where a balance comes from: `GET /v1/balances/{asset}/explain`.

        Every movement since the first, oldest first. The lines add up from zero to the balance.
        """
        query = {"limit": limit, "cursor": cursor, "format": format}
        answer: schemas.BalanceExplanation = self.transport.call(
            "GET", path_of("/v1/balances/{asset}/explain", asset=asset), query=query
        )
        return answer

    def read_statement(
        self, asset: str, *, since: str, until: str, format: Literal["json", "csv"] | None = None
    ) -> schemas.BalanceStatement:
        """A statement of a period: `GET /v1/balances/{asset}/statement`.

        From `since` up to `until`. Refused with more than 10,000 lines: take a shorter period.
        """
        query = {"since": since, "until": until, "format": format}
        answer: schemas.BalanceStatement = self.transport.call(
            "GET", path_of("/v1/balances/{asset}/statement", asset=asset), query=query
        )
        return answer

    def list_orders(
        self,
        *,
        market: str | None = None,
        status: Literal["open", "all"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> schemas.OrderList:
        """Your orders, newest first: `GET /v1/orders`."""
        query = {"market": market, "status": status, "limit": limit, "cursor": cursor}
        answer: schemas.OrderList = self.transport.call("GET", "/v1/orders", query=query)
        return answer

    def place_order(
        self,
        body: schemas.NewOrderBody,
        *,
        wait_ms: int | None = None,
        idempotency_key: str | None = None,
    ) -> schemas.OrderAnswer:
        """Place an order: `POST /v1/orders`."""
        query = {"wait_ms": wait_ms}
        answer: schemas.OrderAnswer = self.transport.call(
            "POST", "/v1/orders", query=query, body=body, key=idempotency_key, has_key=True
        )
        return answer

    def cancel_all_orders(
        self, *, market: str, side: schemas.Side | None = None, wait_ms: int | None = None
    ) -> schemas.CancelAllAnswer:
        """Cancel every open order on a market: `DELETE /v1/orders`."""
        query = {"market": market, "side": side, "wait_ms": wait_ms}
        answer: schemas.CancelAllAnswer = self.transport.call("DELETE", "/v1/orders", query=query)
        return answer

    def validate_order(
        self, body: schemas.NewOrderBody, *, idempotency_key: str | None = None
    ) -> schemas.ValidAnswer:
        """Check an order without placing it: `POST /v1/orders:validate`.

        Against the market's rules; whether the funds suffice only placing it can tell.
        """
        answer: schemas.ValidAnswer = self.transport.call(
            "POST", "/v1/orders:validate", body=body, key=idempotency_key, has_key=True
        )
        return answer

    def place_batch(
        self, body: schemas.BatchBody, *, idempotency_key: str | None = None
    ) -> schemas.BatchResult:
        """Place up to 100 orders, each by itself: `POST /v1/orders:batch`."""
        answer: schemas.BatchResult = self.transport.call(
            "POST", "/v1/orders:batch", body=body, key=idempotency_key, has_key=True
        )
        return answer

    def place_pair(
        self, body: schemas.PairBody, *, idempotency_key: str | None = None
    ) -> schemas.BatchResult:
        """Place two orders of which one cancels the other: `POST /v1/orders:pair`.

        A limit order and a stop, of the same side and size, under one hold.
        """
        answer: schemas.BatchResult = self.transport.call(
            "POST", "/v1/orders:pair", body=body, key=idempotency_key, has_key=True
        )
        return answer

    def read_order(self, order_id: str | int) -> schemas.OrderAnswer:
        """One of your orders: `GET /v1/orders/{order_id}`."""
        answer: schemas.OrderAnswer = self.transport.call(
            "GET", path_of("/v1/orders/{order_id}", order_id=order_id)
        )
        return answer

    def amend_order(
        self, order_id: str | int, body: schemas.AmendBody, *, wait_ms: int | None = None
    ) -> schemas.OrderAnswer:
        """Make an order smaller; it keeps its place in the queue: `PATCH /v1/orders/{order_id}`."""
        query = {"wait_ms": wait_ms}
        answer: schemas.OrderAnswer = self.transport.call(
            "PATCH", path_of("/v1/orders/{order_id}", order_id=order_id), query=query, body=body
        )
        return answer

    def cancel_order(
        self, order_id: str | int, *, wait_ms: int | None = None
    ) -> schemas.OrderAnswer:
        """Cancel an order: `DELETE /v1/orders/{order_id}`."""
        query = {"wait_ms": wait_ms}
        answer: schemas.OrderAnswer = self.transport.call(
            "DELETE", path_of("/v1/orders/{order_id}", order_id=order_id), query=query
        )
        return answer

    def read_order_by_client_id(self, *, client_order_id: str) -> schemas.OrderAnswer:
        """One of your orders, by your own id: `GET /v1/orders:by-client-id`."""
        query = {"client_order_id": client_order_id}
        answer: schemas.OrderAnswer = self.transport.call(
            "GET", "/v1/orders:by-client-id", query=query
        )
        return answer

    def replace_order(
        self,
        order_id: str | int,
        body: schemas.NewOrderBody,
        *,
        wait_ms: int | None = None,
        idempotency_key: str | None = None,
    ) -> schemas.OrderAnswer:
        """Cancel an order and place another in one step: `POST /v1/orders/{order_id}:replace`."""
        query = {"wait_ms": wait_ms}
        answer: schemas.OrderAnswer = self.transport.call(
            "POST",
            path_of("/v1/orders/{order_id}:replace", order_id=order_id),
            query=query,
            body=body,
            key=idempotency_key,
            has_key=True,
        )
        return answer

    def read_dead_man_switch(self) -> schemas.SwitchAnswer:
        """Your dead-man switch: `GET /v1/dead-man-switch`."""
        answer: schemas.SwitchAnswer = self.transport.call("GET", "/v1/dead-man-switch")
        return answer

    def put_dead_man_switch(self, body: schemas.SwitchBody) -> schemas.SwitchAnswer:
        """Cancel your orders unless you say so again in time: `PUT /v1/dead-man-switch`.

        Durable: it fires even if our process that took it has died. One for each customer.
        """
        answer: schemas.SwitchAnswer = self.transport.call("PUT", "/v1/dead-man-switch", body=body)
        return answer

    def remove_dead_man_switch(self) -> None:
        """Switch it off: `DELETE /v1/dead-man-switch`."""
        self.transport.call("DELETE", "/v1/dead-man-switch")

    def list_fills(
        self,
        *,
        market: str,
        order_id: str | int | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> schemas.FillList:
        """Your fills on a market, newest first: `GET /v1/fills`.

        As settled in the ledger; the newest trades take a moment to get here.
        """
        query = {"market": market, "order_id": order_id, "limit": limit, "cursor": cursor}
        answer: schemas.FillList = self.transport.call("GET", "/v1/fills", query=query)
        return answer

    def deposit_address(
        self, asset: str, *, idempotency_key: str | None = None
    ) -> schemas.DepositAddressAnswer:
        """Your deposit address for an asset: `POST /v1/deposit-addresses/{asset}`.

        Made at the first asking; later the same. Assets of one chain share an address.
        """
        answer: schemas.DepositAddressAnswer = self.transport.call(
            "POST",
            path_of("/v1/deposit-addresses/{asset}", asset=asset),
            key=idempotency_key,
            has_key=True,
        )
        return answer

    def list_deposits(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> schemas.DepositList:
        """Your deposits, newest first: `GET /v1/deposits`."""
        query = {"limit": limit, "cursor": cursor}
        answer: schemas.DepositList = self.transport.call("GET", "/v1/deposits", query=query)
        return answer

    def read_deposit(self, deposit_id: str) -> schemas.DepositAnswer:
        """One deposit and what happened to it: `GET /v1/deposits/{deposit_id}`."""
        answer: schemas.DepositAnswer = self.transport.call(
            "GET", path_of("/v1/deposits/{deposit_id}", deposit_id=deposit_id)
        )
        return answer

    def quote(self, *, asset: str, amount: str, address: str | None = None) -> schemas.QuoteAnswer:
        """What a withdrawal would cost: `GET /v1/withdrawals/quote`.

        The fee is fixed when you ask for the withdrawal. With `address` we say if it is
        internal.
        """
        query = {"asset": asset, "amount": amount, "address": address}
        answer: schemas.QuoteAnswer = self.transport.call(
            "GET", "/v1/withdrawals/quote", query=query
        )
        return answer

    def list_withdrawals(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> schemas.WithdrawalList:
        """Your withdrawals, newest first: `GET /v1/withdrawals`."""
        query = {"limit": limit, "cursor": cursor}
        answer: schemas.WithdrawalList = self.transport.call("GET", "/v1/withdrawals", query=query)
        return answer

    def request_withdrawal(
        self, body: schemas.WithdrawalBody, *, idempotency_key: str | None = None
    ) -> schemas.WithdrawalAnswer:
        """Request a withdrawal: `POST /v1/withdrawals`.

        The amount and the fee are held at once. Needs an `Idempotency-Key`.
        """
        answer: schemas.WithdrawalAnswer = self.transport.call(
            "POST", "/v1/withdrawals", body=body, key=idempotency_key, has_key=True
        )
        return answer

    def read_withdrawal(self, withdrawal_id: str) -> schemas.WithdrawalAnswer:
        """One withdrawal and what happened to it: `GET /v1/withdrawals/{withdrawal_id}`."""
        answer: schemas.WithdrawalAnswer = self.transport.call(
            "GET", path_of("/v1/withdrawals/{withdrawal_id}", withdrawal_id=withdrawal_id)
        )
        return answer

    def cancel_withdrawal(self, withdrawal_id: str) -> schemas.WithdrawalAnswer:
        """Cancel a withdrawal: `DELETE /v1/withdrawals/{withdrawal_id}`.

        Amount and fee are available again. Refused once it is being paid: coins may have left.
        """
        answer: schemas.WithdrawalAnswer = self.transport.call(
            "DELETE", path_of("/v1/withdrawals/{withdrawal_id}", withdrawal_id=withdrawal_id)
        )
        return answer

    def list_addresses(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> schemas.AddressList:
        """Your address book, newest first: `GET /v1/withdrawal-addresses`."""
        query = {"limit": limit, "cursor": cursor}
        answer: schemas.AddressList = self.transport.call(
            "GET", "/v1/withdrawal-addresses", query=query
        )
        return answer

    def add_address(
        self, body: schemas.AddressBody, *, idempotency_key: str | None = None
    ) -> schemas.AddressAnswer:
        """Save an address: `POST /v1/withdrawal-addresses`.

        Usable after 48 hours. Saved already, it keeps its time and takes the new label.
        """
        answer: schemas.AddressAnswer = self.transport.call(
            "POST", "/v1/withdrawal-addresses", body=body, key=idempotency_key, has_key=True
        )
        return answer

    def remove_address(self, address_id: str | int) -> None:
        """Remove an address: `DELETE /v1/withdrawal-addresses/{address_id}`.

        At once. Saved again, it waits again.
        """
        self.transport.call(
            "DELETE", path_of("/v1/withdrawal-addresses/{address_id}", address_id=address_id)
        )

    def read_settings(self) -> schemas.SettingsAnswer:
        """Allow-list, holds and limits of your withdrawals: `GET /v1/withdrawal-settings`."""
        answer: schemas.SettingsAnswer = self.transport.call("GET", "/v1/withdrawal-settings")
        return answer

    def change_settings(self, body: schemas.SettingsBody) -> schemas.SettingsAnswer:
        """Switch the allow-list on or off: `PATCH /v1/withdrawal-settings`.

        On takes effect at once, off after 48 hours.
        """
        answer: schemas.SettingsAnswer = self.transport.call(
            "PATCH", "/v1/withdrawal-settings", body=body
        )
        return answer

    def list_webhooks(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> schemas.WebhookList:
        """Your webhooks, newest first: `GET /v1/webhooks`."""
        query = {"limit": limit, "cursor": cursor}
        answer: schemas.WebhookList = self.transport.call("GET", "/v1/webhooks", query=query)
        return answer

    def create_webhook(
        self, body: schemas.WebhookBody, *, idempotency_key: str | None = None
    ) -> schemas.CreatedWebhook:
        """Register a webhook: `POST /v1/webhooks`.

        Messages are signed as Standard Webhooks says; `docs/webhooks.md` shows how to check
        them.
        """
        answer: schemas.CreatedWebhook = self.transport.call(
            "POST", "/v1/webhooks", body=body, key=idempotency_key, has_key=True
        )
        return answer

    def read_webhook(self, webhook_id: str) -> schemas.WebhookAnswer:
        """One webhook: `GET /v1/webhooks/{webhook_id}`."""
        answer: schemas.WebhookAnswer = self.transport.call(
            "GET", path_of("/v1/webhooks/{webhook_id}", webhook_id=webhook_id)
        )
        return answer

    def change_webhook(self, webhook_id: str, body: schemas.WebhookChange) -> schemas.WebhookAnswer:
        """Change, disable or enable a webhook: `PATCH /v1/webhooks/{webhook_id}`."""
        answer: schemas.WebhookAnswer = self.transport.call(
            "PATCH", path_of("/v1/webhooks/{webhook_id}", webhook_id=webhook_id), body=body
        )
        return answer

    def remove_webhook(self, webhook_id: str) -> None:
        """Remove a webhook: `DELETE /v1/webhooks/{webhook_id}`.

        What is on its way is not sent any more.
        """
        self.transport.call("DELETE", path_of("/v1/webhooks/{webhook_id}", webhook_id=webhook_id))

    def rotate_webhook_secret(
        self, webhook_id: str, *, idempotency_key: str | None = None
    ) -> schemas.CreatedWebhook:
        """Replace the secret of a webhook: `POST /v1/webhooks/{webhook_id}:rotate-secret`.

        For a day messages carry two signatures, one of the secret before.
        """
        answer: schemas.CreatedWebhook = self.transport.call(
            "POST",
            path_of("/v1/webhooks/{webhook_id}:rotate-secret", webhook_id=webhook_id),
            key=idempotency_key,
            has_key=True,
        )
        return answer

    def ping_webhook(
        self, webhook_id: str, *, idempotency_key: str | None = None
    ) -> schemas.DeliveryAnswer:
        """Send a message of no meaning, to try a webhook: `POST /v1/webhooks/{webhook_id}:ping`."""
        answer: schemas.DeliveryAnswer = self.transport.call(
            "POST",
            path_of("/v1/webhooks/{webhook_id}:ping", webhook_id=webhook_id),
            key=idempotency_key,
            has_key=True,
        )
        return answer

    def list_deliveries(
        self, webhook_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> schemas.DeliveryList:
        """What was sent to a webhook, newest first: `GET /v1/webhooks/{webhook_id}/deliveries`.

        Kept for 30 days.
        """
        query = {"limit": limit, "cursor": cursor}
        answer: schemas.DeliveryList = self.transport.call(
            "GET",
            path_of("/v1/webhooks/{webhook_id}/deliveries", webhook_id=webhook_id),
            query=query,
        )
        return answer

    def read_delivery(self, webhook_id: str, delivery_id: str | int) -> schemas.DeliveryDetails:
        """A delivery and its log: `GET /v1/webhooks/{webhook_id}/deliveries/{delivery_id}`."""
        answer: schemas.DeliveryDetails = self.transport.call(
            "GET",
            path_of(
                "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}",
                webhook_id=webhook_id,
                delivery_id=delivery_id,
            ),
        )
        return answer

    def redeliver(
        self, webhook_id: str, delivery_id: str | int, *, idempotency_key: str | None = None
    ) -> schemas.DeliveryAnswer:
        """Send a message once more: `POST
        /v1/webhooks/{webhook_id}/deliveries/{delivery_id}:redeliver`.

        A new delivery of the same message: its `webhook-id` is the one it had.
        """
        answer: schemas.DeliveryAnswer = self.transport.call(
            "POST",
            path_of(
                "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}:redeliver",
                webhook_id=webhook_id,
                delivery_id=delivery_id,
            ),
            key=idempotency_key,
            has_key=True,
        )
        return answer

    def read_kyc(self) -> schemas.KycAnswer:
        """Your verification: `GET /v1/kyc`."""
        answer: schemas.KycAnswer = self.transport.call("GET", "/v1/kyc")
        return answer

    def list_tiers(self) -> list[schemas.TierAnswer]:
        """What each tier needs and allows: `GET /v1/kyc/tiers`."""
        answer: list[schemas.TierAnswer] = self.transport.call("GET", "/v1/kyc/tiers")
        return answer

    def put_profile(self, body: schemas.ProfileRequest) -> None:
        """Say who you are: `PUT /v1/kyc/profile`.

        Kept sealed. It cannot be changed while a case is being looked at.
        """
        self.transport.call("PUT", "/v1/kyc/profile", body=body)

    def upload_document(
        self, body: schemas.UploadDocumentForm, *, idempotency_key: str | None = None
    ) -> schemas.DocumentAnswer:
        """Upload a document: `POST /v1/kyc/documents`.

        JPEG, PNG or PDF, at most 10 MB. It is never served back.
        """
        answer: schemas.DocumentAnswer = self.transport.call(
            "POST", "/v1/kyc/documents", body=body, is_form=True, key=idempotency_key, has_key=True
        )
        return answer

    def submit_verification(
        self, body: schemas.SubmitRequest, *, idempotency_key: str | None = None
    ) -> schemas.KycAnswer:
        """Hand in your application: `POST /v1/kyc/submit`."""
        answer: schemas.KycAnswer = self.transport.call(
            "POST", "/v1/kyc/submit", body=body, key=idempotency_key, has_key=True
        )
        return answer

    def export_my_data(self) -> dict[str, Any]:
        """What we keep about you: `GET /v1/kyc/export`."""
        answer: dict[str, Any] = self.transport.call("GET", "/v1/kyc/export")
        return answer

    def close_account(self, *, idempotency_key: str | None = None) -> schemas.KycAnswer:
        """Close your account: `POST /v1/kyc/close`."""
        answer: schemas.KycAnswer = self.transport.call(
            "POST", "/v1/kyc/close", key=idempotency_key, has_key=True
        )
        return answer

    def search(
        self,
        *,
        q: str | None = None,
        kind: list[schemas.Kind] | None = None,
        asset: list[str] | None = None,
        market: list[str] | None = None,
        chain: list[str] | None = None,
        status: list[str] | None = None,
        side: list[str] | None = None,
        txid: str | None = None,
        address: str | None = None,
        order_id: str | None = None,
        customer: str | None = None,
        height: int | None = None,
        amount_min: str | None = None,
        amount_max: str | None = None,
        price_min: str | None = None,
        price_max: str | None = None,
        since: str | None = None,
        until: str | None = None,
        sort: schemas.Sort | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        facets: bool | None = None,
    ) -> schemas.SearchResult:
        """Find records of any kind: `GET /v1/search`.

        Without credentials: trades, blocks and chain transactions. With them also your own.
        """
        query = {
            "q": q,
            "kind": kind,
            "asset": asset,
            "market": market,
            "chain": chain,
            "status": status,
            "side": side,
            "txid": txid,
            "address": address,
            "order_id": order_id,
            "customer": customer,
            "height": height,
            "amount_min": amount_min,
            "amount_max": amount_max,
            "price_min": price_min,
            "price_max": price_max,
            "since": since,
            "until": until,
            "sort": sort,
            "limit": limit,
            "cursor": cursor,
            "facets": facets,
        }
        answer: schemas.SearchResult = self.transport.call("GET", "/v1/search", query=query)
        return answer

    def explore_blocks(self, chain: str, *, top: int | None = None) -> schemas.BlocksPage:
        """Blocks: `GET /v1/explorer/blocks/{chain}`."""
        query = {"top": top}
        answer: schemas.BlocksPage = self.transport.call(
            "GET", path_of("/v1/explorer/blocks/{chain}", chain=chain), query=query
        )
        return answer

    def explore_block(self, chain: str, block_hash: str) -> schemas.BlockPage:
        """Block: `GET /v1/explorer/blocks/{chain}/{block_hash}`."""
        answer: schemas.BlockPage = self.transport.call(
            "GET",
            path_of("/v1/explorer/blocks/{chain}/{block_hash}", chain=chain, block_hash=block_hash),
        )
        return answer

    def explore_transaction(self, chain: str, txid: str) -> schemas.TransactionPage:
        """Transaction: `GET /v1/explorer/transactions/{chain}/{txid}`."""
        answer: schemas.TransactionPage = self.transport.call(
            "GET", path_of("/v1/explorer/transactions/{chain}/{txid}", chain=chain, txid=txid)
        )
        return answer

    def explore_address(
        self, chain: str, address: str, *, cursor: str | None = None
    ) -> schemas.AddressPage:
        """Address: `GET /v1/explorer/addresses/{chain}/{address}`."""
        query = {"cursor": cursor}
        answer: schemas.AddressPage = self.transport.call(
            "GET",
            path_of("/v1/explorer/addresses/{chain}/{address}", chain=chain, address=address),
            query=query,
        )
        return answer

    def explore_trade(self, market: str, trade_id: str | int) -> schemas.TradeView:
        """Trade: `GET /v1/explorer/trades/{market}-{trade_id}`."""
        answer: schemas.TradeView = self.transport.call(
            "GET",
            path_of("/v1/explorer/trades/{market}-{trade_id}", market=market, trade_id=trade_id),
        )
        return answer

    def explore_order(self, order_id: str | int) -> schemas.OrderPage:
        """Order: `GET /v1/explorer/orders/{order_id}`."""
        answer: schemas.OrderPage = self.transport.call(
            "GET", path_of("/v1/explorer/orders/{order_id}", order_id=order_id)
        )
        return answer

    def explore_deposit(self, deposit_id: str) -> schemas.CustodyPage:
        """Deposit: `GET /v1/explorer/deposits/{deposit_id}`."""
        answer: schemas.CustodyPage = self.transport.call(
            "GET", path_of("/v1/explorer/deposits/{deposit_id}", deposit_id=deposit_id)
        )
        return answer

    def explore_withdrawal(self, withdrawal_id: str) -> schemas.CustodyPage:
        """Withdrawal: `GET /v1/explorer/withdrawals/{withdrawal_id}`."""
        answer: schemas.CustodyPage = self.transport.call(
            "GET", path_of("/v1/explorer/withdrawals/{withdrawal_id}", withdrawal_id=withdrawal_id)
        )
        return answer
