"""Generated from the OpenAPI document by `make api-clients`; do not edit."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

ERROR_CODES = frozenset(
    {
        "address_not_allowed",
        "asset_paused",
        "body_too_large",
        "conflict",
        "document_refused",
        "idempotency_body_differs",
        "idempotency_key_invalid",
        "in_flight",
        "insufficient_available",
        "internal_error",
        "invalid_address",
        "invalid_amount",
        "invalid_input",
        "invalid_mrz",
        "invalid_profile",
        "limit_exceeded",
        "malformed_json",
        "market_not_trading",
        "market_rule_broken",
        "method_not_allowed",
        "not_allowed",
        "not_authenticated",
        "outcome_unknown",
        "permission_missing",
        "rate_limited",
        "refused",
        "requirements_missing",
        "second_factor_required",
        "session_expired",
        "signature_invalid",
        "tier_too_low",
        "too_many_webhooks",
        "too_young",
        "unavailable",
        "unknown_address",
        "unknown_api_key",
        "unknown_asset",
        "unknown_customer",
        "unknown_delivery",
        "unknown_deposit",
        "unknown_market",
        "unknown_order",
        "unknown_passkey",
        "unknown_record",
        "unknown_reserves",
        "unknown_route",
        "unknown_session",
        "unknown_webhook",
        "unknown_withdrawal",
        "weak_password",
        "webhook_forged",
        "webhook_stale",
        "webhook_url_refused",
        "withdrawals_held",
        "wrong_state",
    }
)
"""Those known when this was made; there may be more."""

Flow = Literal["deposit", "trade", "withdraw"]
Interval = Literal[
    "1s",
    "1m",
    "3m",
    "5m",
    "15m",
    "30m",
    "1h",
    "2h",
    "4h",
    "6h",
    "8h",
    "12h",
    "1d",
    "3d",
    "1w",
    "1M",
]
Kind = Literal["trade", "order", "deposit", "withdrawal", "transaction", "block"]
OrderStatus = Literal["canceled", "expired", "filled", "open", "placed", "rejected"]
OrderType = Literal[
    "limit", "market", "stop", "stop_limit", "take_profit", "take_profit_limit", "trailing_stop"
]
Requirement = Literal[
    "profile", "identity_document", "selfie", "proof_of_address", "source_of_funds"
]
SelfTradePrevention = Literal["cancel_both", "cancel_maker", "cancel_taker", "decrement"]
Side = Literal["buy", "sell"]
Sort = Literal["newest", "oldest", "largest", "smallest", "relevant"]
TimeInForce = Literal["fok", "gtc", "gtd", "ioc"]
WaitsFor = Literal["checks", "review", "stop", "hot_funds", "batch", "network"]
WebhookEvent = Literal["deposit", "withdrawal", "order.filled", "kyc"]


class AccountAnswer(TypedDict):
    customer_id: str
    email: str
    status: str
    kyc_tier: int
    limits: dict[str, FlowAnswer]
    """Of your tier, with what you used. Open orders count as traded."""
    next_tier: int
    requirements: list[Requirement]
    """Missing for the next tier."""
    created_at: str


class ActionAnswer(TypedDict):
    id: str
    at: str
    action: str
    succeeded: bool
    actor: str
    ip: str
    user_agent: str
    details: dict[str, Any]


class ActionList(TypedDict):
    data: list[ActionAnswer]
    next_cursor: str | None


class AddressAnswer(TypedDict):
    id: str
    chain: str
    """Good for every asset of this chain."""
    address: str
    memo: str
    label: str
    created_at: str
    usable_at: str
    """With the allow-list on, it is paid from then on."""


class AddressBody(TypedDict):
    asset: str
    address: str
    memo: NotRequired[str]
    label: str


class AddressList(TypedDict):
    data: list[AddressAnswer]
    next_cursor: str | None


class AddressPage(TypedDict):
    chain: str
    address: str
    outputs: list[OutputView]
    """Those that pay the exchange at this address, newest first: what else the address received or
    sent is not kept here.
    """
    next_cursor: str | None
    lag_ms: int | None


class AmendBody(TypedDict):
    size: str


class ApiKeyAnswer(TypedDict):
    id: str
    label: str
    kind: Literal["hmac", "ed25519", "rsa"]
    scopes: list[Literal["read", "trade", "withdraw"]]
    ip_allow_list: list[str]
    created_at: str
    expires_at: str | None
    last_used_at: str | None


class ApiKeyList(TypedDict):
    data: list[ApiKeyAnswer]
    next_cursor: str | None


class ApiKeyRequest(TypedDict):
    label: str
    scopes: list[Literal["read", "trade", "withdraw"]]
    public_key: NotRequired[str | None]
    """PEM of an Ed25519 (recommended) or RSA public key. Without it you get an HMAC secret, which
    we have to keep too.
    """
    ip_allow_list: NotRequired[list[str]]
    expires_at: NotRequired[str | None]


class AssetAnswer(TypedDict):
    code: str
    decimals: int
    chain: str


class AssetFee(TypedDict):
    asset: str
    chain: str
    withdrawal_fee: str
    """Fixed when the withdrawal is asked for."""
    withdrawal_min: str
    deposit_min: str
    """Less is credited once deposits add up to it."""


class AssetList(TypedDict):
    data: list[AssetAnswer]


class AttemptAnswer(TypedDict):
    number: int
    at: str
    status_code: int | None
    """Of your answer; null when there was none."""
    problem: str
    """Empty for one that was taken."""
    took_ms: int


class BalanceAnswer(TypedDict):
    asset: str
    available: str
    """Free to use."""
    held: str
    """Promised to open orders and withdrawals."""
    total: str


class BalanceExplanation(TypedDict):
    data: list[BalanceLine]
    next_cursor: str | None


class BalanceLine(TypedDict):
    """One movement of your money, and what it left behind."""

    time: str
    purpose: str
    cause: str
    """What in the world caused it: a deposit's transaction, an order, a trade, ..."""
    entry: str
    """The journal entry. Its lines happened together."""
    hold: str | None
    other: str
    """The kind of account on the other side."""
    available_change: str
    held_change: str
    available: str
    """After this line."""
    held: str
    proof: str
    """SHA-256 that chains this line to all lines before it."""


class BalanceList(TypedDict):
    data: list[BalanceAnswer]


class BalanceStatement(TypedDict):
    """Opening balances, every line of the period, closing balances."""

    asset: str
    since: str
    until: str
    opening_available: str
    opening_held: str
    closing_available: str
    closing_held: str
    totals: dict[str, str]
    """Change of available and held together, by purpose."""
    lines: list[BalanceLine]


class BatchBody(TypedDict):
    orders: list[NewOrderBody]


class BatchItem(TypedDict):
    """Either the order, or the problem document that says why it was refused."""

    order: NotRequired[OrderAnswer | None]
    problem: NotRequired[dict[str, Any] | None]


class BatchResult(TypedDict):
    data: list[BatchItem]


class BlockAnswer(TypedDict):
    height: int
    hash: str


class BlockPage(TypedDict):
    block: BlockView
    outputs: list[OutputView]
    """Those that pay the exchange: what else the block holds is not kept here."""
    lag_ms: int | None


class BlockView(TypedDict):
    chain: str
    height: int
    hash: str
    parent_hash: str
    time: str
    is_canonical: bool
    """False: it left the chain in a reorg."""


class BlocksPage(TypedDict):
    data: list[BlockView]
    lag_ms: int | None


class BookAnswer(TypedDict):
    market: str
    sequence: int
    """Continues in the `sequence` of WebSocket deltas."""
    time: str
    bids: list[LevelAnswer]
    """Best first."""
    asks: list[LevelAnswer]
    """Best first."""


class CancelAllAnswer(TypedDict):
    market: str
    canceled: int | None


class CandleAnswer(TypedDict):
    time: str
    """Start of the interval."""
    open: str
    high: str
    low: str
    close: str
    volume: str
    quote_volume: str
    trades: int


class CandleList(TypedDict):
    market: str
    interval: Interval
    data: list[CandleAnswer]
    """Oldest first; the last one is still running."""
    next_cursor: str | None


class Change(TypedDict):
    time: str
    status: str


class Code(TypedDict):
    code: str
    """Six digits of the authenticator app, or a recovery code."""


class CreatedApiKey(TypedDict):
    id: str
    label: str
    kind: Literal["hmac", "ed25519", "rsa"]
    scopes: list[Literal["read", "trade", "withdraw"]]
    ip_allow_list: list[str]
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    secret: str | None
    """Of HMAC keys; shown only now."""


class CreatedWebhook(TypedDict):
    id: str
    url: str
    label: str
    events: list[WebhookEvent]
    is_enabled: bool
    disabled_at: str | None
    disabled_reason: str
    failing_since: str | None
    """First failure since the last success."""
    created_at: str
    secret: str
    """What messages are signed with. Shown only now."""


class CredentialBody(TypedDict):
    credential: dict[str, Any]
    """What `PublicKeyCredential.toJSON()` gives in the browser."""


class Credentials(TypedDict):
    email: str
    password: str


class CustodyPage(TypedDict):
    """A deposit or a withdrawal."""

    kind: str
    id: str
    chain: str
    asset: str
    amount: str
    address: str
    status: str
    txid: str | None
    time: str
    history: list[Change]
    """Oldest first."""
    lag_ms: int | None


class DeliveryAnswer(TypedDict):
    id: str
    message_id: str
    """The `webhook-id` header: the same at every attempt."""
    event: str
    status: str
    attempts: int
    created_at: str
    ended_at: str | None


class DeliveryDetails(TypedDict):
    id: str
    message_id: str
    """The `webhook-id` header: the same at every attempt."""
    event: str
    status: str
    attempts: int
    created_at: str
    ended_at: str | None
    log: list[AttemptAnswer]
    """The newest hundred attempts, newest first."""


class DeliveryList(TypedDict):
    data: list[DeliveryAnswer]
    next_cursor: str | None


class DepositAddressAnswer(TypedDict):
    asset: str
    chain: str
    address: str
    created_at: str
    verified_at: str | None
    """When the process with the keys derived the same address, a second later or so."""


class DepositAnswer(TypedDict):
    id: str
    asset: str
    chain: str
    amount: str
    status: str
    txid: str
    address: str
    confirmations: int
    credit_confirmations: int
    """From here on it can be traded."""
    withdrawable_confirmations: int
    """From here on it can leave."""
    detected_at: str
    credited_at: str | None
    timeline: NotRequired[list[TimelineEntry] | None]


class DepositList(TypedDict):
    data: list[DepositAnswer]
    next_cursor: str | None


class DocumentAnswer(TypedDict):
    id: str


class ErrorPage(TypedDict):
    code: str
    status: int
    title: str
    advice: str


class EstimateAnswer(TypedDict):
    waits_for: WaitsFor
    expected_at: str | None
    """First confirmation, as things are now. Null: nobody knows."""


class Facet(TypedDict):
    value: str
    count: int


class FactorsAnswer(TypedDict):
    totp: bool
    passkeys: list[PasskeyAnswer]


class FeesAnswer(TypedDict):
    trading: list[TradingFee]
    """The narrowest row that fits is taken."""
    assets: list[AssetFee]


class FieldError(TypedDict):
    pointer: str
    detail: str


class FillAnswer(TypedDict):
    trade_id: str
    price: str
    size: str
    fee: str
    role: str
    time: str


class FillList(TypedDict):
    data: list[FillRow]
    next_cursor: str | None


class FillRow(TypedDict):
    trade_id: str
    order_id: str
    market: str
    side: str
    role: str
    price: str
    size: str
    value: str
    """Price times size, in the quote asset."""
    fee: str
    fee_asset: str
    time: str


class FlowAnswer(TypedDict):
    asset: str
    """What the amounts are in."""
    day: WindowAnswer
    """In 24 hours."""
    month: WindowAnswer
    """In 30 days."""


class Found(TypedDict):
    """One record. Absent fields do not apply to its kind."""

    kind: str
    id: str
    time: str
    """ISO 8601, UTC."""
    changed: NotRequired[str | None]
    page: str
    """Path of its page."""
    is_mine: NotRequired[bool]
    owners: NotRequired[list[str] | None]
    """Customers; for staff only."""
    status: NotRequired[str | None]
    asset: NotRequired[str | None]
    amount: NotRequired[str | None]
    chain: NotRequired[str | None]
    txid: NotRequired[str | None]
    addresses: NotRequired[list[str] | None]
    height: NotRequired[int | None]
    block_hash: NotRequired[str | None]
    market: NotRequired[str | None]
    side: NotRequired[str | None]
    price: NotRequired[str | None]
    details: NotRequired[dict[str, str]]
    highlight: NotRequired[dict[str, str]]
    """Fields as HTML, with `<mark>`."""


class InvariantAnswer(TypedDict):
    asset: str
    holds: bool
    """The chain has what the books say, to the unit."""
    checked_at: str


class InvariantList(TypedDict):
    data: list[InvariantAnswer]


class KycAnswer(TypedDict):
    state: str
    message: str
    """The state in plain words."""
    tier: int
    """In force now."""
    requested_tier: int | None
    question: str
    """What we ask of you, when the state is needs_info."""
    reasons: list[str]
    """Codes."""
    requirements: list[Requirement]
    """Missing for the next tier."""
    next_tier: int
    limits: dict[str, TierLimitAnswer]
    """Of the tier in force."""
    approved_until: str | None


class LeafAnswer(TypedDict):
    format: NotRequired[str]
    bundle: str
    customer_id: str
    nonce: str
    """Yours alone, new in every bundle. Whoever has it sees this."""
    sums: dict[str, str]
    """Whole units (satoshi, wei, ...) by asset."""
    path: list[StepAnswer]


class LevelAnswer(TypedDict):
    price: str
    size: str
    orders: int


class LimitAnswer(TypedDict):
    limit: str | None
    """Null: no limit."""
    used: str
    left: str | None


class LimitsAnswer(TypedDict):
    asset: str
    """What amounts of all assets are valued in."""
    kyc_tier: int
    day: LimitAnswer
    """Of the last 24 hours."""
    month: LimitAnswer
    """Of the last 30 days."""


class LoginBody(TypedDict):
    email: str
    password: str
    code: NotRequired[str | None]
    """Of the authenticator app, or a recovery code: needed once one is set up."""


class MarketAnswer(TypedDict):
    id: str
    base: str
    quote: str
    state: str
    tick_size: str
    """Prices are multiples of it."""
    lot_size: str
    """Sizes are multiples of it."""
    notional_min: str
    """Smallest price times size."""
    size_max: str
    price_max: str


class MarketList(TypedDict):
    data: list[MarketAnswer]


class NewOrderBody(TypedDict):
    market: str
    side: Side
    type: NotRequired[OrderType]
    price: NotRequired[str | None]
    size: NotRequired[str | None]
    quote_size: NotRequired[str | None]
    stop_price: NotRequired[str | None]
    trail_offset: NotRequired[str | None]
    trail_bps: NotRequired[int | None]
    display_size: NotRequired[str | None]
    time_in_force: NotRequired[TimeInForce]
    expires_at: NotRequired[str | None]
    post_only: NotRequired[bool]
    self_trade_prevention: NotRequired[SelfTradePrevention]
    client_order_id: NotRequired[str | None]


class NewPasskeyBody(TypedDict):
    credential: dict[str, Any]
    """What `PublicKeyCredential.toJSON()` gives in the browser."""
    label: str


class OpenedSession(TypedDict):
    token: str
    """Send it as `Authorization: Bearer TOKEN`. Shown only once."""
    customer_id: str
    session: SessionAnswer


class OrderAnswer(TypedDict):
    """Absent fields do not apply to this order's type."""

    id: str
    client_order_id: NotRequired[str | None]
    market: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    status: OrderStatus
    reason: NotRequired[str | None]
    price: NotRequired[str | None]
    size: NotRequired[str | None]
    quote_size: NotRequired[str | None]
    stop_price: NotRequired[str | None]
    trail_offset: NotRequired[str | None]
    trail_bps: NotRequired[int | None]
    display_size: NotRequired[str | None]
    post_only: NotRequired[bool]
    self_trade_prevention: SelfTradePrevention
    filled_size: str
    filled_value: str
    average_price: NotRequired[str | None]
    fee: str
    fee_asset: str
    created_at: str
    updated_at: str
    expires_at: NotRequired[str | None]
    sequence: int
    fills: NotRequired[list[FillAnswer]]
    queued: NotRequired[bool | None]


class OrderList(TypedDict):
    data: list[OrderAnswer]
    next_cursor: str | None


class OrderPage(TypedDict):
    id: str
    market: str
    side: str
    status: str
    price: str | None
    filled: str
    open: str
    history: list[Step]
    """Oldest first."""
    lag_ms: int | None


class OutputView(TypedDict):
    """A part of a chain transaction that pays an address of the exchange."""

    chain: str
    txid: str
    index: int
    address: str
    asset: str
    amount: str
    status: str
    time: str
    height: int | None
    block_hash: str | None


class PairBody(TypedDict):
    """One cancels the other."""

    limit: NewOrderBody
    stop: NewOrderBody


class PasskeyAnswer(TypedDict):
    id: str
    label: str


class PasskeyOptions(TypedDict):
    options: dict[str, Any]
    """For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`;
    good for five minutes, once.
    """


class PasswordBody(TypedDict):
    current_password: str
    new_password: str


class PayeeView(TypedDict):
    """What a transaction of the exchange pays to an address: as the chain shows it to everybody.

    Whose withdrawal it is, and when it was asked for, is nobody else's business.
    """

    chain: str
    txid: str
    address: str
    asset: str
    amount: str
    status: str
    """seen: a node has it; mined: confirmed in a block."""


class Problem(TypedDict):
    """RFC 9457. Branch on `code`; the rest is for people."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: NotRequired[list[FieldError] | None]


class ProfileRequest(TypedDict):
    given_names: str
    family_name: str
    birth_date: str
    nationality: str
    """ISO 3166-1, two letters."""
    country: str
    """Where you live; two letters."""
    address: str


class QuoteAnswer(TypedDict):
    asset: str
    chain: str
    kind: Literal["chain", "internal"]
    """Internal: to another customer of ours, free and without a transaction."""
    amount: str
    fee: str
    total: str
    """What is held: amount and fee."""
    minimum: str
    memo_required: bool
    estimate: EstimateAnswer | None


class RecoveryCodes(TypedDict):
    recovery_codes: list[str]
    """Each works once. Shown only now."""


class RegistrationAnswer(TypedDict):
    email: str
    """As we write it."""


class ReserveAnswer(TypedDict):
    asset: str
    chain: str
    address: str
    units: str


class ReserveSignature(TypedDict):
    chain: str
    address: str
    format: str
    signature: str


class ReservesBundle(TypedDict):
    format: NotRequired[str]
    bundle: str
    taken_at: str
    leaves: int
    root: RootAnswer
    blocks: dict[str, BlockAnswer]
    """Where each chain stood, and was counted."""
    reserves: list[ReserveAnswer]
    """Of addresses whose keys signed."""
    unsigned: list[ReserveAnswer]
    """Of keys that are offline: not counted."""
    signatures: list[ReserveSignature]


class RootAnswer(TypedDict):
    hash: str
    sums: dict[str, str]
    """Whole units (satoshi, wei, ...) by asset."""


class SearchResult(TypedDict):
    data: list[Found]
    next_cursor: str | None
    total: Total
    facets: NotRequired[dict[str, list[Facet]] | None]
    lag_ms: int | None
    """How old this view may be. Null: unknown; money never depends on it."""


class SessionAnswer(TypedDict):
    id: str
    created_at: str
    last_seen_at: str
    expires_at: str
    ip: str
    user_agent: str
    is_current: bool


class SessionList(TypedDict):
    data: list[SessionAnswer]
    next_cursor: str | None


class SettingsAnswer(TypedDict):
    allow_list_only: bool
    """Only addresses of the address book are paid."""
    allow_list_off_at: str | None
    """Switched off; the allow-list stays in force until then."""
    held_until: str | None
    """No withdrawal can be asked for before."""
    held_reason: str
    limits: LimitsAnswer


class SettingsBody(TypedDict):
    allow_list_only: bool


class StatusAnswer(TypedDict):
    status: Literal["ok", "degraded"]
    server_time: str


class Step(TypedDict):
    time: str
    event: str
    price: NotRequired[str | None]
    size: NotRequired[str | None]
    open_size: NotRequired[str | None]
    trade_id: NotRequired[str | None]
    reason: NotRequired[str | None]


class StepAnswer(TypedDict):
    side: Literal["left", "right"]
    hash: str
    sums: dict[str, str]
    """Whole units (satoshi, wei, ...) by asset."""


class SubmitRequest(TypedDict):
    tier: NotRequired[int]


class SwitchAnswer(TypedDict):
    is_set: bool
    seconds: NotRequired[int | None]
    markets: NotRequired[list[str]]
    fires_at: NotRequired[str | None]
    """Unless it is put again before."""


class SwitchBody(TypedDict):
    seconds: int
    markets: NotRequired[list[str]]
    """Empty: all."""


class TickerAnswer(TypedDict):
    market: str
    last: str | None
    open: str | None
    """The first price of the last 24 hours."""
    high: str | None
    low: str | None
    volume: str
    """Base asset traded in the last 24 hours."""
    quote_volume: str
    trades: int
    bid: str | None
    bid_size: str | None
    ask: str | None
    ask_size: str | None
    time: str


class TickerList(TypedDict):
    data: list[TickerAnswer]


class TierAnswer(TypedDict):
    tier: int
    requirements: list[Requirement]
    limits: dict[str, TierLimitAnswer]


class TierLimitAnswer(TypedDict):
    asset: str
    day: str | None
    """In 24 hours; null: no limit."""
    month: str | None
    """In 30 days; null: no limit."""


class TimeAnswer(TypedDict):
    server_time: str
    server_time_ms: int


class TimelineEntry(TypedDict):
    at: str
    event: str


class Total(TypedDict):
    value: int
    is_exact: bool
    """False: there are at least so many."""


class TotpAnswer(TypedDict):
    secret: str
    uri: str
    """Show it as a QR code to the authenticator app."""


class TradeAnswer(TypedDict):
    id: str
    market: str
    price: str
    size: str
    taker_side: str | None
    """`null` for recent trades of an auction."""
    time: str


class TradeList(TypedDict):
    data: list[TradeAnswer]
    next_cursor: str | None
    """Null after the market's first trade."""


class TradeView(TypedDict):
    market: str
    id: str
    price: str
    size: str
    taker_side: str
    time: str
    lag_ms: NotRequired[int | None]


class TradingFee(TypedDict):
    market: str | None
    """Null: every market."""
    volume_min: str
    """Traded in 30 days, in the quote asset."""
    maker_percent: str
    taker_percent: str


class TransactionPage(TypedDict):
    chain: str
    txid: str
    outputs: list[OutputView]
    """Those that pay the exchange."""
    payees: list[PayeeView]
    """Whom it pays for withdrawals of the exchange."""
    lag_ms: int | None


class UploadDocumentForm(TypedDict):
    kind: Requirement
    file: tuple[str, bytes, str]
    mrz: NotRequired[str]
    """The lines of the machine-readable zone."""


class ValidAnswer(TypedDict):
    valid: Literal[True]


class WebhookAnswer(TypedDict):
    id: str
    url: str
    label: str
    events: list[WebhookEvent]
    is_enabled: bool
    disabled_at: str | None
    disabled_reason: str
    failing_since: str | None
    """First failure since the last success."""
    created_at: str


class WebhookBody(TypedDict):
    url: str
    events: list[WebhookEvent]
    label: NotRequired[str]


class WebhookChange(TypedDict):
    """What is left out stays as it is."""

    url: NotRequired[str | None]
    events: NotRequired[list[WebhookEvent] | None]
    label: NotRequired[str | None]
    is_enabled: NotRequired[bool | None]
    """True also after we disabled it because it took nothing."""


class WebhookList(TypedDict):
    data: list[WebhookAnswer]
    next_cursor: str | None


class WindowAnswer(TypedDict):
    limit: str | None
    """null: no limit."""
    used: str
    left: str | None
    """null: no limit."""


class WithdrawalAnswer(TypedDict):
    id: str
    asset: str
    chain: str
    amount: str
    fee: str
    address: str
    memo: str
    kind: str
    status: str
    reason: str
    """Why it waits or was rejected, where there is something to say."""
    estimate: EstimateAnswer | None
    """Null once there is nothing to wait for."""
    txid: str | None
    created_at: str
    broadcast_at: str | None
    confirmed_at: str | None
    timeline: NotRequired[list[TimelineEntry] | None]


class WithdrawalBody(TypedDict):
    asset: str
    amount: str
    """What the payee receives; the fee comes on top."""
    address: str
    memo: NotRequired[str]


class WithdrawalList(TypedDict):
    data: list[WithdrawalAnswer]
    next_cursor: str | None
