"""Generated from the OpenAPI document by `make api-clients`; do not edit."""

from __future__ import annotations

from typing import Any, Literal

from rialto_client import schemas
from rialto_client.transport import AsyncTransport, path_of


class AsyncOperations:
    """Every operation of the API; refusals are raised as `RialtoError`."""

    def __init__(self, transport: AsyncTransport) -> None:
        self.transport = transport

    async def read_time(self) -> schemas.TimeAnswer:
        """The exchange's clock: `GET /v1/time`."""
        answer: schemas.TimeAnswer = await self.transport.call("GET", "/v1/time")
        return answer

    async def read_status(self) -> schemas.StatusAnswer:
        """Whether all parts work: `GET /v1/status`."""
        answer: schemas.StatusAnswer = await self.transport.call("GET", "/v1/status")
        return answer

    async def list_errors(self) -> list[schemas.ErrorPage]:
        """Every error code: `GET /v1/errors`."""
        answer: list[schemas.ErrorPage] = await self.transport.call("GET", "/v1/errors")
        return answer

    async def explain_error(self, code: str) -> schemas.ErrorPage:
        """What an error code means: `GET /v1/errors/{code}`."""
        answer: schemas.ErrorPage = await self.transport.call(
            "GET", path_of("/v1/errors/{code}", code=code)
        )
        return answer

    async def read_invariants(self) -> schemas.InvariantList:
        """Whether the books tie: `GET /v1/status/invariants`.

        Empty until the first comparison, which is made on a schedule.
        """
        answer: schemas.InvariantList = await self.transport.call("GET", "/v1/status/invariants")
        return answer

    async def read_reserves(self, *, bundle: str | None = None) -> schemas.ReservesBundle:
        """Proof of reserves: `GET /v1/proof-of-reserves`.

        Published daily. `rialto_client.verify_reserves` and the web site verify it.
        """
        query = {"bundle": bundle}
        answer: schemas.ReservesBundle = await self.transport.call(
            "GET", "/v1/proof-of-reserves", query=query
        )
        return answer

    async def read_reserves_leaf(self, *, bundle: str | None = None) -> schemas.LeafAnswer:
        """Your leaf: `GET /v1/proof-of-reserves/leaf`.

        What you were owed, and the path from there to the published root.
        """
        query = {"bundle": bundle}
        answer: schemas.LeafAnswer = await self.transport.call(
            "GET", "/v1/proof-of-reserves/leaf", query=query
        )
        return answer

    async def list_assets(self) -> schemas.AssetList:
        """Every asset: `GET /v1/assets`."""
        answer: schemas.AssetList = await self.transport.call("GET", "/v1/assets")
        return answer

    async def read_asset(self, asset: str) -> schemas.AssetAnswer:
        """One asset: `GET /v1/assets/{asset}`."""
        answer: schemas.AssetAnswer = await self.transport.call(
            "GET", path_of("/v1/assets/{asset}", asset=asset)
        )
        return answer

    async def list_markets(self) -> schemas.MarketList:
        """Every market: `GET /v1/markets`."""
        answer: schemas.MarketList = await self.transport.call("GET", "/v1/markets")
        return answer

    async def read_market(self, market: str) -> schemas.MarketAnswer:
        """One market: `GET /v1/markets/{market}`."""
        answer: schemas.MarketAnswer = await self.transport.call(
            "GET", path_of("/v1/markets/{market}", market=market)
        )
        return answer

    async def read_fees(self) -> schemas.FeesAnswer:
        """Fees: `GET /v1/fees`.

        Of everybody; a promotion of your own may be better.
        """
        answer: schemas.FeesAnswer = await self.transport.call("GET", "/v1/fees")
        return answer

    async def read_book(self, market: str, *, depth: int | None = None) -> schemas.BookAnswer:
        """The order book: `GET /v1/markets/{market}/book`."""
        query = {"depth": depth}
        answer: schemas.BookAnswer = await self.transport.call(
            "GET", path_of("/v1/markets/{market}/book", market=market), query=query
        )
        return answer

    async def list_trades(
        self, market: str, *, limit: int | None = None, cursor: str | None = None
    ) -> schemas.TradeList:
        """Trades, newest first: `GET /v1/markets/{market}/trades`.

        Recent ones from memory, older ones from the store: a page may end where they meet.
        """
        query = {"limit": limit, "cursor": cursor}
        answer: schemas.TradeList = await self.transport.call(
            "GET", path_of("/v1/markets/{market}/trades", market=market), query=query
        )
        return answer

    async def list_tickers(self) -> schemas.TickerList:
        """The last 24 hours of every market: `GET /v1/tickers`."""
        answer: schemas.TickerList = await self.transport.call("GET", "/v1/tickers")
        return answer

    async def read_ticker(self, market: str) -> schemas.TickerAnswer:
        """The last 24 hours of a market: `GET /v1/markets/{market}/ticker`."""
        answer: schemas.TickerAnswer = await self.transport.call(
            "GET", path_of("/v1/markets/{market}/ticker", market=market)
        )
        return answer

    async def list_candles(
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
        answer: schemas.CandleList = await self.transport.call(
            "GET", path_of("/v1/markets/{market}/candles", market=market), query=query
        )
        return answer

    async def register(self, body: schemas.Credentials) -> schemas.RegistrationAnswer:
        """Register: `POST /v1/registrations`.

        A new customer. Log in afterwards with the same e-mail address and password.

        A registered address gives the same answer and changes nothing, so it may be repeated;
        its owner finds the attempt in `GET /v1/account/actions`.
        """
        answer: schemas.RegistrationAnswer = await self.transport.call(
            "POST", "/v1/registrations", body=body
        )
        return answer

    async def list_sessions(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> schemas.SessionList:
        """Your sessions, newest first: `GET /v1/sessions`."""
        query = {"limit": limit, "cursor": cursor}
        answer: schemas.SessionList = await self.transport.call("GET", "/v1/sessions", query=query)
        return answer

    async def log_in(self, body: schemas.LoginBody) -> schemas.OpenedSession:
        """Log in: `POST /v1/sessions`.

        With an authenticator app set up, its code is asked for once the password was right.
        """
        answer: schemas.OpenedSession = await self.transport.call("POST", "/v1/sessions", body=body)
        return answer

    async def log_out(self) -> None:
        """Log out: `DELETE /v1/sessions/current`."""
        await self.transport.call("DELETE", "/v1/sessions/current")

    async def end_session(self, session_id: str | int) -> None:
        """End one of your sessions: `DELETE /v1/sessions/{session_id}`."""
        await self.transport.call(
            "DELETE", path_of("/v1/sessions/{session_id}", session_id=session_id)
        )

    async def list_factors(self) -> schemas.FactorsAnswer:
        """What is set up: `GET /v1/second-factors`."""
        answer: schemas.FactorsAnswer = await self.transport.call("GET", "/v1/second-factors")
        return answer

    async def start_totp(self, *, idempotency_key: str | None = None) -> schemas.TotpAnswer:
        """Set up an authenticator app: `POST /v1/second-factors/totp`.

        Another one instead of yours holds withdrawals for a day; the first one does not.
        """
        answer: schemas.TotpAnswer = await self.transport.call(
            "POST", "/v1/second-factors/totp", key=idempotency_key, has_key=True
        )
        return answer

    async def remove_totp(self) -> None:
        """Remove the authenticator app: `DELETE /v1/second-factors/totp`.

        Withdrawals are held for a day.
        """
        await self.transport.call("DELETE", "/v1/second-factors/totp")

    async def confirm_totp(
        self, body: schemas.Code, *, idempotency_key: str | None = None
    ) -> schemas.RecoveryCodes:
        """Confirm it with its first code: `POST /v1/second-factors/totp/confirm`."""
        answer: schemas.RecoveryCodes = await self.transport.call(
            "POST", "/v1/second-factors/totp/confirm", body=body, key=idempotency_key, has_key=True
        )
        return answer

    async def step_up(self, body: schemas.Code, *, idempotency_key: str | None = None) -> None:
        """Prove the second factor for this session: `POST /v1/sessions/current/step-up`.

        Withdrawals, new API keys and changes of factors ask for it when it is some minutes old.
        """
        await self.transport.call(
            "POST", "/v1/sessions/current/step-up", body=body, key=idempotency_key, has_key=True
        )

    async def start_passkey(self, *, idempotency_key: str | None = None) -> schemas.PasskeyOptions:
        """What a browser needs to make a passkey: `POST /v1/passkeys:options`."""
        answer: schemas.PasskeyOptions = await self.transport.call(
            "POST", "/v1/passkeys:options", key=idempotency_key, has_key=True
        )
        return answer

    async def add_passkey(
        self, body: schemas.NewPasskeyBody, *, idempotency_key: str | None = None
    ) -> schemas.PasskeyAnswer:
        """Keep a passkey that was made: `POST /v1/passkeys`."""
        answer: schemas.PasskeyAnswer = await self.transport.call(
            "POST", "/v1/passkeys", body=body, key=idempotency_key, has_key=True
        )
        return answer

    async def remove_passkey(self, passkey_id: str) -> None:
        """Remove a passkey: `DELETE /v1/passkeys/{passkey_id}`."""
        await self.transport.call(
            "DELETE", path_of("/v1/passkeys/{passkey_id}", passkey_id=passkey_id)
        )

    async def start_passkey_step_up(
        self, *, idempotency_key: str | None = None
    ) -> schemas.PasskeyOptions:
        """What a browser needs to prove a passkey: `POST /v1/sessions/current/step-up:options`."""
        answer: schemas.PasskeyOptions = await self.transport.call(
            "POST", "/v1/sessions/current/step-up:options", key=idempotency_key, has_key=True
        )
        return answer

    async def step_up_with_passkey(
        self, body: schemas.CredentialBody, *, idempotency_key: str | None = None
    ) -> None:
        """Prove the second factor with a passkey: `POST /v1/sessions/current/step-up:passkey`."""
        await self.transport.call(
            "POST",
            "/v1/sessions/current/step-up:passkey",
            body=body,
            key=idempotency_key,
            has_key=True,
        )

    async def start_passkey_log_in(self) -> schemas.PasskeyOptions:
        """What a browser needs to log in with a passkey: `POST /v1/sessions:passkey-options`."""
        answer: schemas.PasskeyOptions = await self.transport.call(
            "POST", "/v1/sessions:passkey-options"
        )
        return answer

    async def log_in_with_passkey(self, body: schemas.CredentialBody) -> schemas.OpenedSession:
        """Log in with a passkey: `POST /v1/sessions:passkey`.

        Without a password: the passkey is two factors, so the session counts as stepped up.
        """
        answer: schemas.OpenedSession = await self.transport.call(
            "POST", "/v1/sessions:passkey", body=body
        )
        return answer

    async def list_keys(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> schemas.ApiKeyList:
        """Your API keys, newest first: `GET /v1/api-keys`."""
        query = {"limit": limit, "cursor": cursor}
        answer: schemas.ApiKeyList = await self.transport.call("GET", "/v1/api-keys", query=query)
        return answer

    async def create_key(
        self, body: schemas.ApiKeyRequest, *, idempotency_key: str | None = None
    ) -> schemas.CreatedApiKey:
        """Create an API key: `POST /v1/api-keys`."""
        answer: schemas.CreatedApiKey = await self.transport.call(
            "POST", "/v1/api-keys", body=body, key=idempotency_key, has_key=True
        )
        return answer

    async def revoke_key(self, key_id: str) -> None:
        """Revoke an API key: `DELETE /v1/api-keys/{key_id}`."""
        await self.transport.call("DELETE", path_of("/v1/api-keys/{key_id}", key_id=key_id))

    async def read_account(self) -> schemas.AccountAnswer:
        """Your account: `GET /v1/account`."""
        answer: schemas.AccountAnswer = await self.transport.call("GET", "/v1/account")
        return answer

    async def change_password(self, body: schemas.PasswordBody) -> None:
        """Change your password: `PUT /v1/account/password`.

        Ends your other sessions, and holds withdrawals for a while.
        """
        await self.transport.call("PUT", "/v1/account/password", body=body)

    async def list_actions(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> schemas.ActionList:
        """What was done with your account, newest first: `GET /v1/account/actions`."""
        query = {"limit": limit, "cursor": cursor}
        answer: schemas.ActionList = await self.transport.call(
            "GET", "/v1/account/actions", query=query
        )
        return answer

    async def list_balances(self) -> schemas.BalanceList:
        """Every balance: `GET /v1/balances`.

        One row per asset, also where you own nothing of it.
        """
        answer: schemas.BalanceList = await self.transport.call("GET", "/v1/balances")
        return answer

    async def read_balance(self, asset: str) -> schemas.BalanceAnswer:
        """One balance: `GET /v1/balances/{asset}`."""
        answer: schemas.BalanceAnswer = await self.transport.call(
            "GET", path_of("/v1/balances/{asset}", asset=asset)
        )
        return answer

    async def explain_balance(
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
        answer: schemas.BalanceExplanation = await self.transport.call(
            "GET", path_of("/v1/balances/{asset}/explain", asset=asset), query=query
        )
        return answer

    async def read_statement(
        self, asset: str, *, since: str, until: str, format: Literal["json", "csv"] | None = None
    ) -> schemas.BalanceStatement:
        """A statement of a period: `GET /v1/balances/{asset}/statement`.

        From `since` up to `until`. Refused with more than 10,000 lines: take a shorter period.
        """
        query = {"since": since, "until": until, "format": format}
        answer: schemas.BalanceStatement = await self.transport.call(
            "GET", path_of("/v1/balances/{asset}/statement", asset=asset), query=query
        )
        return answer

    async def list_orders(
        self,
        *,
        market: str | None = None,
        status: Literal["open", "all"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> schemas.OrderList:
        """Your orders, newest first: `GET /v1/orders`."""
        query = {"market": market, "status": status, "limit": limit, "cursor": cursor}
        answer: schemas.OrderList = await self.transport.call("GET", "/v1/orders", query=query)
        return answer

    async def place_order(
        self,
        body: schemas.NewOrderBody,
        *,
        wait_ms: int | None = None,
        idempotency_key: str | None = None,
    ) -> schemas.OrderAnswer:
        """Place an order: `POST /v1/orders`."""
        query = {"wait_ms": wait_ms}
        answer: schemas.OrderAnswer = await self.transport.call(
            "POST", "/v1/orders", query=query, body=body, key=idempotency_key, has_key=True
        )
        return answer

    async def cancel_all_orders(
        self, *, market: str, side: schemas.Side | None = None, wait_ms: int | None = None
    ) -> schemas.CancelAllAnswer:
        """Cancel every open order on a market: `DELETE /v1/orders`."""
        query = {"market": market, "side": side, "wait_ms": wait_ms}
        answer: schemas.CancelAllAnswer = await self.transport.call(
            "DELETE", "/v1/orders", query=query
        )
        return answer

    async def validate_order(
        self, body: schemas.NewOrderBody, *, idempotency_key: str | None = None
    ) -> schemas.ValidAnswer:
        """Check an order without placing it: `POST /v1/orders:validate`.

        Against the market's rules; whether the funds suffice only placing it can tell.
        """
        answer: schemas.ValidAnswer = await self.transport.call(
            "POST", "/v1/orders:validate", body=body, key=idempotency_key, has_key=True
        )
        return answer

    async def place_batch(
        self, body: schemas.BatchBody, *, idempotency_key: str | None = None
    ) -> schemas.BatchResult:
        """Place up to 100 orders, each by itself: `POST /v1/orders:batch`."""
        answer: schemas.BatchResult = await self.transport.call(
            "POST", "/v1/orders:batch", body=body, key=idempotency_key, has_key=True
        )
        return answer

    async def place_pair(
        self, body: schemas.PairBody, *, idempotency_key: str | None = None
    ) -> schemas.BatchResult:
        """Place two orders of which one cancels the other: `POST /v1/orders:pair`.

        A limit order and a stop, of the same side and size, under one hold.
        """
        answer: schemas.BatchResult = await self.transport.call(
            "POST", "/v1/orders:pair", body=body, key=idempotency_key, has_key=True
        )
        return answer

    async def read_order(self, order_id: str | int) -> schemas.OrderAnswer:
        """One of your orders: `GET /v1/orders/{order_id}`."""
        answer: schemas.OrderAnswer = await self.transport.call(
            "GET", path_of("/v1/orders/{order_id}", order_id=order_id)
        )
        return answer

    async def amend_order(
        self, order_id: str | int, body: schemas.AmendBody, *, wait_ms: int | None = None
    ) -> schemas.OrderAnswer:
        """Make an order smaller; it keeps its place in the queue: `PATCH /v1/orders/{order_id}`."""
        query = {"wait_ms": wait_ms}
        answer: schemas.OrderAnswer = await self.transport.call(
            "PATCH", path_of("/v1/orders/{order_id}", order_id=order_id), query=query, body=body
        )
        return answer

    async def cancel_order(
        self, order_id: str | int, *, wait_ms: int | None = None
    ) -> schemas.OrderAnswer:
        """Cancel an order: `DELETE /v1/orders/{order_id}`."""
        query = {"wait_ms": wait_ms}
        answer: schemas.OrderAnswer = await self.transport.call(
            "DELETE", path_of("/v1/orders/{order_id}", order_id=order_id), query=query
        )
        return answer

    async def read_order_by_client_id(self, *, client_order_id: str) -> schemas.OrderAnswer:
        """One of your orders, by your own id: `GET /v1/orders:by-client-id`."""
        query = {"client_order_id": client_order_id}
        answer: schemas.OrderAnswer = await self.transport.call(
            "GET", "/v1/orders:by-client-id", query=query
        )
        return answer

    async def replace_order(
        self,
        order_id: str | int,
        body: schemas.NewOrderBody,
        *,
        wait_ms: int | None = None,
        idempotency_key: str | None = None,
    ) -> schemas.OrderAnswer:
        """Cancel an order and place another in one step: `POST /v1/orders/{order_id}:replace`."""
        query = {"wait_ms": wait_ms}
        answer: schemas.OrderAnswer = await self.transport.call(
            "POST",
            path_of("/v1/orders/{order_id}:replace", order_id=order_id),
            query=query,
            body=body,
            key=idempotency_key,
            has_key=True,
        )
        return answer

    async def read_dead_man_switch(self) -> schemas.SwitchAnswer:
        """Your dead-man switch: `GET /v1/dead-man-switch`."""
        answer: schemas.SwitchAnswer = await self.transport.call("GET", "/v1/dead-man-switch")
        return answer

    async def put_dead_man_switch(self, body: schemas.SwitchBody) -> schemas.SwitchAnswer:
        """Cancel your orders unless you say so again in time: `PUT /v1/dead-man-switch`.

        Durable: it fires even if our process that took it has died. One for each customer.
        """
        answer: schemas.SwitchAnswer = await self.transport.call(
            "PUT", "/v1/dead-man-switch", body=body
        )
        return answer

    async def remove_dead_man_switch(self) -> None:
        """Switch it off: `DELETE /v1/dead-man-switch`."""
        await self.transport.call("DELETE", "/v1/dead-man-switch")

    async def list_fills(
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
        answer: schemas.FillList = await self.transport.call("GET", "/v1/fills", query=query)
        return answer

    async def deposit_address(
        self, asset: str, *, idempotency_key: str | None = None
    ) -> schemas.DepositAddressAnswer:
        """Your deposit address for an asset: `POST /v1/deposit-addresses/{asset}`.

        Made at the first asking; later the same. Assets of one chain share an address.
        """
        answer: schemas.DepositAddressAnswer = await self.transport.call(
            "POST",
            path_of("/v1/deposit-addresses/{asset}", asset=asset),
            key=idempotency_key,
            has_key=True,
        )
        return answer

    async def list_deposits(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> schemas.DepositList:
        """Your deposits, newest first: `GET /v1/deposits`."""
        query = {"limit": limit, "cursor": cursor}
        answer: schemas.DepositList = await self.transport.call("GET", "/v1/deposits", query=query)
        return answer

    async def read_deposit(self, deposit_id: str) -> schemas.DepositAnswer:
        """One deposit and what happened to it: `GET /v1/deposits/{deposit_id}`."""
        answer: schemas.DepositAnswer = await self.transport.call(
            "GET", path_of("/v1/deposits/{deposit_id}", deposit_id=deposit_id)
        )
        return answer

    async def quote(
        self, *, asset: str, amount: str, address: str | None = None
    ) -> schemas.QuoteAnswer:
        """What a withdrawal would cost: `GET /v1/withdrawals/quote`.

        The fee is fixed when you ask for the withdrawal. With `address` we say if it is
        internal.
        """
        query = {"asset": asset, "amount": amount, "address": address}
        answer: schemas.QuoteAnswer = await self.transport.call(
            "GET", "/v1/withdrawals/quote", query=query
        )
        return answer

    async def list_withdrawals(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> schemas.WithdrawalList:
        """Your withdrawals, newest first: `GET /v1/withdrawals`."""
        query = {"limit": limit, "cursor": cursor}
        answer: schemas.WithdrawalList = await self.transport.call(
            "GET", "/v1/withdrawals", query=query
        )
        return answer

    async def request_withdrawal(
        self, body: schemas.WithdrawalBody, *, idempotency_key: str | None = None
    ) -> schemas.WithdrawalAnswer:
        """Request a withdrawal: `POST /v1/withdrawals`.

        The amount and the fee are held at once. Needs an `Idempotency-Key`.
        """
        answer: schemas.WithdrawalAnswer = await self.transport.call(
            "POST", "/v1/withdrawals", body=body, key=idempotency_key, has_key=True
        )
        return answer

    async def read_withdrawal(self, withdrawal_id: str) -> schemas.WithdrawalAnswer:
        """One withdrawal and what happened to it: `GET /v1/withdrawals/{withdrawal_id}`."""
        answer: schemas.WithdrawalAnswer = await self.transport.call(
            "GET", path_of("/v1/withdrawals/{withdrawal_id}", withdrawal_id=withdrawal_id)
        )
        return answer

    async def cancel_withdrawal(self, withdrawal_id: str) -> schemas.WithdrawalAnswer:
        """Cancel a withdrawal: `DELETE /v1/withdrawals/{withdrawal_id}`.

        Amount and fee are available again. Refused once it is being paid: coins may have left.
        """
        answer: schemas.WithdrawalAnswer = await self.transport.call(
            "DELETE", path_of("/v1/withdrawals/{withdrawal_id}", withdrawal_id=withdrawal_id)
        )
        return answer

    async def list_addresses(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> schemas.AddressList:
        """Your address book, newest first: `GET /v1/withdrawal-addresses`."""
        query = {"limit": limit, "cursor": cursor}
        answer: schemas.AddressList = await self.transport.call(
            "GET", "/v1/withdrawal-addresses", query=query
        )
        return answer

    async def add_address(
        self, body: schemas.AddressBody, *, idempotency_key: str | None = None
    ) -> schemas.AddressAnswer:
        """Save an address: `POST /v1/withdrawal-addresses`.

        Usable after 48 hours. Saved already, it keeps its time and takes the new label.
        """
        answer: schemas.AddressAnswer = await self.transport.call(
            "POST", "/v1/withdrawal-addresses", body=body, key=idempotency_key, has_key=True
        )
        return answer

    async def remove_address(self, address_id: str | int) -> None:
        """Remove an address: `DELETE /v1/withdrawal-addresses/{address_id}`.

        At once. Saved again, it waits again.
        """
        await self.transport.call(
            "DELETE", path_of("/v1/withdrawal-addresses/{address_id}", address_id=address_id)
        )

    async def read_settings(self) -> schemas.SettingsAnswer:
        """Allow-list, holds and limits of your withdrawals: `GET /v1/withdrawal-settings`."""
        answer: schemas.SettingsAnswer = await self.transport.call("GET", "/v1/withdrawal-settings")
        return answer

    async def change_settings(self, body: schemas.SettingsBody) -> schemas.SettingsAnswer:
        """Switch the allow-list on or off: `PATCH /v1/withdrawal-settings`.

        On takes effect at once, off after 48 hours.
        """
        answer: schemas.SettingsAnswer = await self.transport.call(
            "PATCH", "/v1/withdrawal-settings", body=body
        )
        return answer

    async def list_webhooks(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> schemas.WebhookList:
        """Your webhooks, newest first: `GET /v1/webhooks`."""
        query = {"limit": limit, "cursor": cursor}
        answer: schemas.WebhookList = await self.transport.call("GET", "/v1/webhooks", query=query)
        return answer

    async def create_webhook(
        self, body: schemas.WebhookBody, *, idempotency_key: str | None = None
    ) -> schemas.CreatedWebhook:
        """Register a webhook: `POST /v1/webhooks`.

        Messages are signed as Standard Webhooks says; `docs/webhooks.md` shows how to check
        them.
        """
        answer: schemas.CreatedWebhook = await self.transport.call(
            "POST", "/v1/webhooks", body=body, key=idempotency_key, has_key=True
        )
        return answer

    async def read_webhook(self, webhook_id: str) -> schemas.WebhookAnswer:
        """One webhook: `GET /v1/webhooks/{webhook_id}`."""
        answer: schemas.WebhookAnswer = await self.transport.call(
            "GET", path_of("/v1/webhooks/{webhook_id}", webhook_id=webhook_id)
        )
        return answer

    async def change_webhook(
        self, webhook_id: str, body: schemas.WebhookChange
    ) -> schemas.WebhookAnswer:
        """Change, disable or enable a webhook: `PATCH /v1/webhooks/{webhook_id}`."""
        answer: schemas.WebhookAnswer = await self.transport.call(
            "PATCH", path_of("/v1/webhooks/{webhook_id}", webhook_id=webhook_id), body=body
        )
        return answer

    async def remove_webhook(self, webhook_id: str) -> None:
        """Remove a webhook: `DELETE /v1/webhooks/{webhook_id}`.

        What is on its way is not sent any more.
        """
        await self.transport.call(
            "DELETE", path_of("/v1/webhooks/{webhook_id}", webhook_id=webhook_id)
        )

    async def rotate_webhook_secret(
        self, webhook_id: str, *, idempotency_key: str | None = None
    ) -> schemas.CreatedWebhook:
        """Replace the secret of a webhook: `POST /v1/webhooks/{webhook_id}:rotate-secret`.

        For a day messages carry two signatures, one of the secret before.
        """
        answer: schemas.CreatedWebhook = await self.transport.call(
            "POST",
            path_of("/v1/webhooks/{webhook_id}:rotate-secret", webhook_id=webhook_id),
            key=idempotency_key,
            has_key=True,
        )
        return answer

    async def ping_webhook(
        self, webhook_id: str, *, idempotency_key: str | None = None
    ) -> schemas.DeliveryAnswer:
        """Send a message of no meaning, to try a webhook: `POST /v1/webhooks/{webhook_id}:ping`."""
        answer: schemas.DeliveryAnswer = await self.transport.call(
            "POST",
            path_of("/v1/webhooks/{webhook_id}:ping", webhook_id=webhook_id),
            key=idempotency_key,
            has_key=True,
        )
        return answer

    async def list_deliveries(
        self, webhook_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> schemas.DeliveryList:
        """What was sent to a webhook, newest first: `GET /v1/webhooks/{webhook_id}/deliveries`.

        Kept for 30 days.
        """
        query = {"limit": limit, "cursor": cursor}
        answer: schemas.DeliveryList = await self.transport.call(
            "GET",
            path_of("/v1/webhooks/{webhook_id}/deliveries", webhook_id=webhook_id),
            query=query,
        )
        return answer

    async def read_delivery(
        self, webhook_id: str, delivery_id: str | int
    ) -> schemas.DeliveryDetails:
        """A delivery and its log: `GET /v1/webhooks/{webhook_id}/deliveries/{delivery_id}`."""
        answer: schemas.DeliveryDetails = await self.transport.call(
            "GET",
            path_of(
                "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}",
                webhook_id=webhook_id,
                delivery_id=delivery_id,
            ),
        )
        return answer

    async def redeliver(
        self, webhook_id: str, delivery_id: str | int, *, idempotency_key: str | None = None
    ) -> schemas.DeliveryAnswer:
        """Send a message once more: `POST
        /v1/webhooks/{webhook_id}/deliveries/{delivery_id}:redeliver`.

        A new delivery of the same message: its `webhook-id` is the one it had.
        """
        answer: schemas.DeliveryAnswer = await self.transport.call(
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

    async def read_kyc(self) -> schemas.KycAnswer:
        """Your verification: `GET /v1/kyc`."""
        answer: schemas.KycAnswer = await self.transport.call("GET", "/v1/kyc")
        return answer

    async def list_tiers(self) -> list[schemas.TierAnswer]:
        """What each tier needs and allows: `GET /v1/kyc/tiers`."""
        answer: list[schemas.TierAnswer] = await self.transport.call("GET", "/v1/kyc/tiers")
        return answer

    async def put_profile(self, body: schemas.ProfileRequest) -> None:
        """Say who you are: `PUT /v1/kyc/profile`.

        Kept sealed. It cannot be changed while a case is being looked at.
        """
        await self.transport.call("PUT", "/v1/kyc/profile", body=body)

    async def upload_document(
        self, body: schemas.UploadDocumentForm, *, idempotency_key: str | None = None
    ) -> schemas.DocumentAnswer:
        """Upload a document: `POST /v1/kyc/documents`.

        JPEG, PNG or PDF, at most 10 MB. It is never served back.
        """
        answer: schemas.DocumentAnswer = await self.transport.call(
            "POST", "/v1/kyc/documents", body=body, is_form=True, key=idempotency_key, has_key=True
        )
        return answer

    async def submit_verification(
        self, body: schemas.SubmitRequest, *, idempotency_key: str | None = None
    ) -> schemas.KycAnswer:
        """Hand in your application: `POST /v1/kyc/submit`."""
        answer: schemas.KycAnswer = await self.transport.call(
            "POST", "/v1/kyc/submit", body=body, key=idempotency_key, has_key=True
        )
        return answer

    async def export_my_data(self) -> dict[str, Any]:
        """What we keep about you: `GET /v1/kyc/export`."""
        answer: dict[str, Any] = await self.transport.call("GET", "/v1/kyc/export")
        return answer

    async def close_account(self, *, idempotency_key: str | None = None) -> schemas.KycAnswer:
        """Close your account: `POST /v1/kyc/close`."""
        answer: schemas.KycAnswer = await self.transport.call(
            "POST", "/v1/kyc/close", key=idempotency_key, has_key=True
        )
        return answer

    async def search(
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
        answer: schemas.SearchResult = await self.transport.call("GET", "/v1/search", query=query)
        return answer

    async def explore_blocks(self, chain: str, *, top: int | None = None) -> schemas.BlocksPage:
        """Blocks: `GET /v1/explorer/blocks/{chain}`."""
        query = {"top": top}
        answer: schemas.BlocksPage = await self.transport.call(
            "GET", path_of("/v1/explorer/blocks/{chain}", chain=chain), query=query
        )
        return answer

    async def explore_block(self, chain: str, block_hash: str) -> schemas.BlockPage:
        """Block: `GET /v1/explorer/blocks/{chain}/{block_hash}`."""
        answer: schemas.BlockPage = await self.transport.call(
            "GET",
            path_of("/v1/explorer/blocks/{chain}/{block_hash}", chain=chain, block_hash=block_hash),
        )
        return answer

    async def explore_transaction(self, chain: str, txid: str) -> schemas.TransactionPage:
        """Transaction: `GET /v1/explorer/transactions/{chain}/{txid}`."""
        answer: schemas.TransactionPage = await self.transport.call(
            "GET", path_of("/v1/explorer/transactions/{chain}/{txid}", chain=chain, txid=txid)
        )
        return answer

    async def explore_address(
        self, chain: str, address: str, *, cursor: str | None = None
    ) -> schemas.AddressPage:
        """Address: `GET /v1/explorer/addresses/{chain}/{address}`."""
        query = {"cursor": cursor}
        answer: schemas.AddressPage = await self.transport.call(
            "GET",
            path_of("/v1/explorer/addresses/{chain}/{address}", chain=chain, address=address),
            query=query,
        )
        return answer

    async def explore_trade(self, market: str, trade_id: str | int) -> schemas.TradeView:
        """Trade: `GET /v1/explorer/trades/{market}-{trade_id}`."""
        answer: schemas.TradeView = await self.transport.call(
            "GET",
            path_of("/v1/explorer/trades/{market}-{trade_id}", market=market, trade_id=trade_id),
        )
        return answer

    async def explore_order(self, order_id: str | int) -> schemas.OrderPage:
        """Order: `GET /v1/explorer/orders/{order_id}`."""
        answer: schemas.OrderPage = await self.transport.call(
            "GET", path_of("/v1/explorer/orders/{order_id}", order_id=order_id)
        )
        return answer

    async def explore_deposit(self, deposit_id: str) -> schemas.CustodyPage:
        """Deposit: `GET /v1/explorer/deposits/{deposit_id}`."""
        answer: schemas.CustodyPage = await self.transport.call(
            "GET", path_of("/v1/explorer/deposits/{deposit_id}", deposit_id=deposit_id)
        )
        return answer

    async def explore_withdrawal(self, withdrawal_id: str) -> schemas.CustodyPage:
        """Withdrawal: `GET /v1/explorer/withdrawals/{withdrawal_id}`."""
        answer: schemas.CustodyPage = await self.transport.call(
            "GET", path_of("/v1/explorer/withdrawals/{withdrawal_id}", withdrawal_id=withdrawal_id)
        )
        return answer
