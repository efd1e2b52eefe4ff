// Generated from the OpenAPI document by `make api-clients`; do not edit.

/** The codes known when this was made; there may be more. */
export type ErrorCode =
  | "address_not_allowed"
  | "asset_paused"
  | "body_too_large"
  | "conflict"
  | "document_refused"
  | "idempotency_body_differs"
  | "idempotency_key_invalid"
  | "in_flight"
  | "insufficient_available"
  | "internal_error"
  | "invalid_address"
  | "invalid_amount"
  | "invalid_input"
  | "invalid_mrz"
  | "invalid_profile"
  | "limit_exceeded"
  | "malformed_json"
  | "market_not_trading"
  | "market_rule_broken"
  | "method_not_allowed"
  | "not_allowed"
  | "not_authenticated"
  | "outcome_unknown"
  | "permission_missing"
  | "rate_limited"
  | "refused"
  | "requirements_missing"
  | "second_factor_required"
  | "session_expired"
  | "signature_invalid"
  | "tier_too_low"
  | "too_many_webhooks"
  | "too_young"
  | "unavailable"
  | "unknown_address"
  | "unknown_api_key"
  | "unknown_asset"
  | "unknown_customer"
  | "unknown_delivery"
  | "unknown_deposit"
  | "unknown_market"
  | "unknown_order"
  | "unknown_passkey"
  | "unknown_record"
  | "unknown_reserves"
  | "unknown_route"
  | "unknown_session"
  | "unknown_webhook"
  | "unknown_withdrawal"
  | "weak_password"
  | "webhook_forged"
  | "webhook_stale"
  | "webhook_url_refused"
  | "withdrawals_held"
  | "wrong_state"
  | (string & {});

export interface AccountAnswer {
  customer_id: string;
  email: string;
  status: string;
  kyc_tier: number;
  /** Of your tier, with what you used. Open orders count as traded. */
  limits: Partial<Record<Flow, FlowAnswer>>;
  next_tier: number;
  /** Missing for the next tier. */
  requirements: Requirement[];
  created_at: string;
}

export interface ActionAnswer {
  id: string;
  at: string;
  action: string;
  succeeded: boolean;
  actor: string;
  ip: string;
  user_agent: string;
  details: Record<string, unknown>;
}

export interface ActionList {
  data: ActionAnswer[];
  next_cursor: string | null;
}

export interface AddressAnswer {
  id: string;
  /** Good for every asset of this chain. */
  chain: string;
  address: string;
  memo: string;
  label: string;
  created_at: string;
  /** With the allow-list on, it is paid from then on. */
  usable_at: string;
}

export interface AddressBody {
  asset: string;
  address: string;
  memo?: string;
  label: string;
}

export interface AddressList {
  data: AddressAnswer[];
  next_cursor: string | null;
}

export interface AddressPage {
  chain: string;
  address: string;
  /** Those that pay the exchange at this address, newest first: what else the address received or sent is not kept here. */
  outputs: OutputView[];
  next_cursor: string | null;
  lag_ms: number | null;
}

export interface AmendBody {
  size: string;
}

export interface ApiKeyAnswer {
  id: string;
  label: string;
  kind: "hmac" | "ed25519" | "rsa";
  scopes: ("read" | "trade" | "withdraw")[];
  ip_allow_list: string[];
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
}

export interface ApiKeyList {
  data: ApiKeyAnswer[];
  next_cursor: string | null;
}

export interface ApiKeyRequest {
  label: string;
  scopes: ("read" | "trade" | "withdraw")[];
  /** PEM of an Ed25519 (recommended) or RSA public key. Without it you get an HMAC secret, which we have to keep too. */
  public_key?: string | null;
  ip_allow_list?: string[];
  expires_at?: string | null;
}

export interface AssetAnswer {
  code: string;
  decimals: number;
  chain: string;
}

export interface AssetFee {
  asset: string;
  chain: string;
  /** Fixed when the withdrawal is asked for. */
  withdrawal_fee: string;
  withdrawal_min: string;
  /** Less is credited once deposits add up to it. */
  deposit_min: string;
}

export interface AssetList {
  data: AssetAnswer[];
}

export interface AttemptAnswer {
  number: number;
  at: string;
  /** Of your answer; null when there was none. */
  status_code: number | null;
  /** Empty for one that was taken. */
  problem: string;
  took_ms: number;
}

export interface BalanceAnswer {
  asset: string;
  /** Free to use. */
  available: string;
  /** Promised to open orders and withdrawals. */
  held: string;
  total: string;
}

export interface BalanceExplanation {
  data: BalanceLine[];
  next_cursor: string | null;
}

/** One movement of your money, and what it left behind. */
export interface BalanceLine {
  time: string;
  purpose: string;
  /** What in the world caused it: a deposit's transaction, an order, a trade, ... */
  cause: string;
  /** The journal entry. Its lines happened together. */
  entry: string;
  hold: string | null;
  /** The kind of account on the other side. */
  other: string;
  available_change: string;
  held_change: string;
  /** After this line. */
  available: string;
  held: string;
  /** SHA-256 that chains this line to all lines before it. */
  proof: string;
}

export interface BalanceList {
  data: BalanceAnswer[];
}

/** Opening balances, every line of the period, closing balances. */
export interface BalanceStatement {
  asset: string;
  since: string;
  until: string;
  opening_available: string;
  opening_held: string;
  closing_available: string;
  closing_held: string;
  /** Change of available and held together, by purpose. */
  totals: Record<string, string>;
  lines: BalanceLine[];
}

export interface BatchBody {
  orders: NewOrderBody[];
}

/** Either the order, or the problem document that says why it was refused. */
export interface BatchItem {
  order?: OrderAnswer | null;
  problem?: Record<string, unknown> | null;
}

export interface BatchResult {
  data: BatchItem[];
}

export interface BlockAnswer {
  height: number;
  hash: string;
}

export interface BlockPage {
  block: BlockView;
  /** Those that pay the exchange: what else the block holds is not kept here. */
  outputs: OutputView[];
  lag_ms: number | null;
}

export interface BlockView {
  chain: string;
  height: number;
  hash: string;
  parent_hash: string;
  time: string;
  /** False: it left the chain in a reorg. */
  is_canonical: boolean;
}

export interface BlocksPage {
  data: BlockView[];
  lag_ms: number | null;
}

export interface BookAnswer {
  market: string;
  /** Continues in the `sequence` of WebSocket deltas. */
  sequence: number;
  time: string;
  /** Best first. */
  bids: LevelAnswer[];
  /** Best first. */
  asks: LevelAnswer[];
}

export interface CancelAllAnswer {
  market: string;
  canceled: number | null;
}

export interface CandleAnswer {
  /** Start of the interval. */
  time: string;
  open: string;
  high: string;
  low: string;
  close: string;
  volume: string;
  quote_volume: string;
  trades: number;
}

export interface CandleList {
  market: string;
  interval: Interval;
  /** Oldest first; the last one is still running. */
  data: CandleAnswer[];
  next_cursor: string | null;
}

export interface Change {
  time: string;
  status: string;
}

export interface Code {
  /** Six digits of the authenticator app, or a recovery code. */
  code: string;
}

export interface CreatedApiKey {
  id: string;
  label: string;
  kind: "hmac" | "ed25519" | "rsa";
  scopes: ("read" | "trade" | "withdraw")[];
  ip_allow_list: string[];
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  /** Of HMAC keys; shown only now. */
  secret: string | null;
}

export interface CreatedWebhook {
  id: string;
  url: string;
  label: string;
  events: WebhookEvent[];
  is_enabled: boolean;
  disabled_at: string | null;
  disabled_reason: string;
  /** First failure since the last success. */
  failing_since: string | null;
  created_at: string;
  /** What messages are signed with. Shown only now. */
  secret: string;
}

export interface CredentialBody {
  /** What `PublicKeyCredential.toJSON()` gives in the browser. */
  credential: Record<string, unknown>;
}

export interface Credentials {
  email: string;
  password: string;
}

/** A deposit or a withdrawal. */
export interface CustodyPage {
  kind: string;
  id: string;
  chain: string;
  asset: string;
  amount: string;
  address: string;
  status: string;
  txid: string | null;
  time: string;
  /** Oldest first. */
  history: Change[];
  lag_ms: number | null;
}

export interface DeliveryAnswer {
  id: string;
  /** The `webhook-id` header: the same at every attempt. */
  message_id: string;
  event: string;
  status: string;
  attempts: number;
  created_at: string;
  ended_at: string | null;
}

export interface DeliveryDetails {
  id: string;
  /** The `webhook-id` header: the same at every attempt. */
  message_id: string;
  event: string;
  status: string;
  attempts: number;
  created_at: string;
  ended_at: string | null;
  /** The newest hundred attempts, newest first. */
  log: AttemptAnswer[];
}

export interface DeliveryList {
  data: DeliveryAnswer[];
  next_cursor: string | null;
}

export interface DepositAddressAnswer {
  asset: string;
  chain: string;
  address: string;
  created_at: string;
  /** When the process with the keys derived the same address, a second later or so. */
  verified_at: string | null;
}

export interface DepositAnswer {
  id: string;
  asset: string;
  chain: string;
  amount: string;
  status: string;
  txid: string;
  address: string;
  confirmations: number;
  /** From here on it can be traded. */
  credit_confirmations: number;
  /** From here on it can leave. */
  withdrawable_confirmations: number;
  detected_at: string;
  credited_at: string | null;
  timeline?: TimelineEntry[] | null;
}

export interface DepositList {
  data: DepositAnswer[];
  next_cursor: string | null;
}

export interface DocumentAnswer {
  id: string;
}

export interface ErrorPage {
  code: string;
  status: number;
  title: string;
  advice: string;
}

export interface EstimateAnswer {
  waits_for: WaitsFor;
  /** First confirmation, as things are now. Null: nobody knows. */
  expected_at: string | null;
}

export interface Facet {
  value: string;
  count: number;
}

export interface FactorsAnswer {
  totp: boolean;
  passkeys: PasskeyAnswer[];
}

export interface FeesAnswer {
  /** The narrowest row that fits is taken. */
  trading: TradingFee[];
  assets: AssetFee[];
}

export interface FieldError {
  pointer: string;
  detail: string;
}

export interface FillAnswer {
  trade_id: string;
  price: string;
  size: string;
  fee: string;
  role: string;
  time: string;
}

export interface FillList {
  data: FillRow[];
  next_cursor: string | null;
}

export interface FillRow {
  trade_id: string;
  order_id: string;
  market: string;
  side: string;
  role: string;
  price: string;
  size: string;
  /** Price times size, in the quote asset. */
  value: string;
  fee: string;
  fee_asset: string;
  time: string;
}

export type Flow = "deposit" | "trade" | "withdraw";

export interface FlowAnswer {
  /** What the amounts are in. */
  asset: string;
  /** In 24 hours. */
  day: WindowAnswer;
  /** In 30 days. */
  month: WindowAnswer;
}

/** One record. Absent fields do not apply to its kind. */
export interface Found {
  kind: string;
  id: string;
  /** ISO 8601, UTC. */
  time: string;
  changed?: string | null;
  /** Path of its page. */
  page: string;
  is_mine?: boolean;
  /** Customers; for staff only. */
  owners?: string[] | null;
  status?: string | null;
  asset?: string | null;
  amount?: string | null;
  chain?: string | null;
  txid?: string | null;
  addresses?: string[] | null;
  height?: number | null;
  block_hash?: string | null;
  market?: string | null;
  side?: string | null;
  price?: string | null;
  details?: Record<string, string>;
  /** Fields as HTML, with `<mark>`. */
  highlight?: Record<string, string>;
}

export type Interval = "1s" | "1m" | "3m" | "5m" | "15m" | "30m" | "1h" | "2h" | "4h" | "6h" | "8h" | "12h" | "1d" | "3d" | "1w" | "1M";

export interface InvariantAnswer {
  asset: string;
  /** The chain has what the books say, to the unit. */
  holds: boolean;
  checked_at: string;
}

export interface InvariantList {
  data: InvariantAnswer[];
}

export type Kind = "trade" | "order" | "deposit" | "withdrawal" | "transaction" | "block";

export interface KycAnswer {
  state: string;
  /** The state in plain words. */
  message: string;
  /** In force now. */
  tier: number;
  requested_tier: number | null;
  /** What we ask of you, when the state is needs_info. */
  question: string;
  /** Codes. */
  reasons: string[];
  /** Missing for the next tier. */
  requirements: Requirement[];
  next_tier: number;
  /** Of the tier in force. */
  limits: Partial<Record<Flow, TierLimitAnswer>>;
  approved_until: string | null;
}

export interface LeafAnswer {
  format?: string;
  bundle: string;
  customer_id: string;
  /** Yours alone, new in every bundle. Whoever has it sees this. */
  nonce: string;
  /** Whole units (satoshi, wei, ...) by asset. */
  sums: Record<string, string>;
  path: StepAnswer[];
}

export interface LevelAnswer {
  price: string;
  size: string;
  orders: number;
}

export interface LimitAnswer {
  /** Null: no limit. */
  limit: string | null;
  used: string;
  left: string | null;
}

export interface LimitsAnswer {
  /** What amounts of all assets are valued in. */
  asset: string;
  kyc_tier: number;
  /** Of the last 24 hours. */
  day: LimitAnswer;
  /** Of the last 30 days. */
  month: LimitAnswer;
}

export interface LoginBody {
  email: string;
  password: string;
  /** Of the authenticator app, or a recovery code: needed once one is set up. */
  code?: string | null;
}

export interface MarketAnswer {
  id: string;
  base: string;
  quote: string;
  state: string;
  /** Prices are multiples of it. */
  tick_size: string;
  /** Sizes are multiples of it. */
  lot_size: string;
  /** Smallest price times size. */
  notional_min: string;
  size_max: string;
  price_max: string;
}

export interface MarketList {
  data: MarketAnswer[];
}

export interface NewOrderBody {
  market: string;
  side: Side;
  type?: OrderType;
  price?: string | null;
  size?: string | null;
  quote_size?: string | null;
  stop_price?: string | null;
  trail_offset?: string | null;
  trail_bps?: number | null;
  display_size?: string | null;
  time_in_force?: TimeInForce;
  expires_at?: string | null;
  post_only?: boolean;
  self_trade_prevention?: SelfTradePrevention;
  client_order_id?: string | null;
}

export interface NewPasskeyBody {
  /** What `PublicKeyCredential.toJSON()` gives in the browser. */
  credential: Record<string, unknown>;
  label: string;
}

export interface OpenedSession {
  /** Send it as `Authorization: Bearer TOKEN`. Shown only once. */
  token: string;
  customer_id: string;
  session: SessionAnswer;
}

/** Absent fields do not apply to this order's type. */
export interface OrderAnswer {
  id: string;
  client_order_id?: string | null;
  market: string;
  side: Side;
  type: OrderType;
  time_in_force: TimeInForce;
  status: OrderStatus;
  reason?: string | null;
  price?: string | null;
  size?: string | null;
  quote_size?: string | null;
  stop_price?: string | null;
  trail_offset?: string | null;
  trail_bps?: number | null;
  display_size?: string | null;
  post_only?: boolean;
  self_trade_prevention: SelfTradePrevention;
  filled_size: string;
  filled_value: string;
  average_price?: string | null;
  fee: string;
  fee_asset: string;
  created_at: string;
  updated_at: string;
  expires_at?: string | null;
  sequence: number;
  fills?: FillAnswer[];
  queued?: boolean | null;
}

export interface OrderList {
  data: OrderAnswer[];
  next_cursor: string | null;
}

export interface OrderPage {
  id: string;
  market: string;
  side: string;
  status: string;
  price: string | null;
  filled: string;
  open: string;
  /** Oldest first. */
  history: Step[];
  lag_ms: number | null;
}

export type OrderStatus = "canceled" | "expired" | "filled" | "open" | "placed" | "rejected";

export type OrderType = "limit" | "market" | "stop" | "stop_limit" | "take_profit" | "take_profit_limit" | "trailing_stop";

/** A part of a chain transaction that pays an address of the exchange. */
export interface OutputView {
  chain: string;
  txid: string;
  index: number;
  address: string;
  asset: string;
  amount: string;
  status: string;
  time: string;
  height: number | null;
  block_hash: string | null;
}

/** One cancels the other. */
export interface PairBody {
  limit: NewOrderBody;
  stop: NewOrderBody;
}

export interface PasskeyAnswer {
  id: string;
  label: string;
}

export interface PasskeyOptions {
  /** For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`; good for five minutes, once. */
  options: Record<string, unknown>;
}

export interface PasswordBody {
  current_password: string;
  new_password: string;
}

/**
 * What a transaction of the exchange pays to an address: as the chain shows it to everybody.
 *
 * Whose withdrawal it is, and when it was asked for, is nobody else's business.
 */
export interface PayeeView {
  chain: string;
  txid: string;
  address: string;
  asset: string;
  amount: string;
  /** seen: a node has it; mined: confirmed in a block. */
  status: string;
}

/** RFC 9457. Branch on `code`; the rest is for people. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  code: ErrorCode;
  request_id: string;
  errors?: FieldError[] | null;
}

export interface ProfileRequest {
  given_names: string;
  family_name: string;
  birth_date: string;
  /** ISO 3166-1, two letters. */
  nationality: string;
  /** Where you live; two letters. */
  country: string;
  address: string;
}

export interface QuoteAnswer {
  asset: string;
  chain: string;
  /** Internal: to another customer of ours, free and without a transaction. */
  kind: "chain" | "internal";
  amount: string;
  fee: string;
  /** What is held: amount and fee. */
  total: string;
  minimum: string;
  memo_required: boolean;
  estimate: EstimateAnswer | null;
}

export interface RecoveryCodes {
  /** Each works once. Shown only now. */
  recovery_codes: string[];
}

export interface RegistrationAnswer {
  /** As we write it. */
  email: string;
}

/** What a customer hands in; machine-readable in `GET /v1/account`. */
export type Requirement = "profile" | "identity_document" | "selfie" | "proof_of_address" | "source_of_funds";

export interface ReserveAnswer {
  asset: string;
  chain: string;
  address: string;
  units: string;
}

export interface ReserveSignature {
  chain: string;
  address: string;
  format: string;
  signature: string;
}

export interface ReservesBundle {
  format?: string;
  bundle: string;
  taken_at: string;
  leaves: number;
  root: RootAnswer;
  /** Where each chain stood, and was counted. */
  blocks: Record<string, BlockAnswer>;
  /** Of addresses whose keys signed. */
  reserves: ReserveAnswer[];
  /** Of keys that are offline: not counted. */
  unsigned: ReserveAnswer[];
  signatures: ReserveSignature[];
}

export interface RootAnswer {
  hash: string;
  /** Whole units (satoshi, wei, ...) by asset. */
  sums: Record<string, string>;
}

export interface SearchResult {
  data: Found[];
  next_cursor: string | null;
  total: Total;
  facets?: Record<string, Facet[]> | null;
  /** How old this view may be. Null: unknown; money never depends on it. */
  lag_ms: number | null;
}

/** What happens when two orders of one customer would trade. */
export type SelfTradePrevention = "cancel_both" | "cancel_maker" | "cancel_taker" | "decrement";

export interface SessionAnswer {
  id: string;
  created_at: string;
  last_seen_at: string;
  expires_at: string;
  ip: string;
  user_agent: string;
  is_current: boolean;
}

export interface SessionList {
  data: SessionAnswer[];
  next_cursor: string | null;
}

export interface SettingsAnswer {
  /** Only addresses of the address book are paid. */
  allow_list_only: boolean;
  /** Switched off; the allow-list stays in force until then. */
  allow_list_off_at: string | null;
  /** No withdrawal can be asked for before. */
  held_until: string | null;
  held_reason: string;
  limits: LimitsAnswer;
}

export interface SettingsBody {
  allow_list_only: boolean;
}

export type Side = "buy" | "sell";

export type Sort = "newest" | "oldest" | "largest" | "smallest" | "relevant";

export interface StatusAnswer {
  status: "ok" | "degraded";
  server_time: string;
}

export interface Step {
  time: string;
  event: string;
  price?: string | null;
  size?: string | null;
  open_size?: string | null;
  trade_id?: string | null;
  reason?: string | null;
}

export interface StepAnswer {
  side: "left" | "right";
  hash: string;
  /** Whole units (satoshi, wei, ...) by asset. */
  sums: Record<string, string>;
}

export interface SubmitRequest {
  tier?: number;
}

export interface SwitchAnswer {
  is_set: boolean;
  seconds?: number | null;
  markets?: string[];
  /** Unless it is put again before. */
  fires_at?: string | null;
}

export interface SwitchBody {
  seconds: number;
  /** Empty: all. */
  markets?: string[];
}

export interface TickerAnswer {
  market: string;
  last: string | null;
  /** The first price of the last 24 hours. */
  open: string | null;
  high: string | null;
  low: string | null;
  /** Base asset traded in the last 24 hours. */
  volume: string;
  quote_volume: string;
  trades: number;
  bid: string | null;
  bid_size: string | null;
  ask: string | null;
  ask_size: string | null;
  time: string;
}

export interface TickerList {
  data: TickerAnswer[];
}

export interface TierAnswer {
  tier: number;
  requirements: Requirement[];
  limits: Partial<Record<Flow, TierLimitAnswer>>;
}

export interface TierLimitAnswer {
  asset: string;
  /** In 24 hours; null: no limit. */
  day: string | null;
  /** In 30 days; null: no limit. */
  month: string | null;
}

export interface TimeAnswer {
  server_time: string;
  server_time_ms: number;
}

export type TimeInForce = "fok" | "gtc" | "gtd" | "ioc";

export interface TimelineEntry {
  at: string;
  event: string;
}

export interface Total {
  value: number;
  /** False: there are at least so many. */
  is_exact: boolean;
}

export interface TotpAnswer {
  secret: string;
  /** Show it as a QR code to the authenticator app. */
  uri: string;
}

export interface TradeAnswer {
  id: string;
  market: string;
  price: string;
  size: string;
  /** `null` for recent trades of an auction. */
  taker_side: string | null;
  time: string;
}

export interface TradeList {
  data: TradeAnswer[];
  /** Null after the market's first trade. */
  next_cursor: string | null;
}

export interface TradeView {
  market: string;
  id: string;
  price: string;
  size: string;
  taker_side: string;
  time: string;
  lag_ms?: number | null;
}

export interface TradingFee {
  /** Null: every market. */
  market: string | null;
  /** Traded in 30 days, in the quote asset. */
  volume_min: string;
  maker_percent: string;
  taker_percent: string;
}

export interface TransactionPage {
  chain: string;
  txid: string;
  /** Those that pay the exchange. */
  outputs: OutputView[];
  /** Whom it pays for withdrawals of the exchange. */
  payees: PayeeView[];
  lag_ms: number | null;
}

export interface UploadDocumentForm {
  kind: Requirement;
  file: Blob;
  /** The lines of the machine-readable zone. */
  mrz?: string;
}

export interface ValidAnswer {
  valid: true;
}

export type WaitsFor = "checks" | "review" | "stop" | "hot_funds" | "batch" | "network";

export interface WebhookAnswer {
  id: string;
  url: string;
  label: string;
  events: WebhookEvent[];
  is_enabled: boolean;
  disabled_at: string | null;
  disabled_reason: string;
  /** First failure since the last success. */
  failing_since: string | null;
  created_at: string;
}

export interface WebhookBody {
  url: string;
  events: WebhookEvent[];
  label?: string;
}

/** What is left out stays as it is. */
export interface WebhookChange {
  url?: string | null;
  events?: WebhookEvent[] | null;
  label?: string | null;
  /** True also after we disabled it because it took nothing. */
  is_enabled?: boolean | null;
}

/** What an endpoint may ask for. */
export type WebhookEvent = "deposit" | "withdrawal" | "order.filled" | "kyc";

export interface WebhookList {
  data: WebhookAnswer[];
  next_cursor: string | null;
}

export interface WindowAnswer {
  /** null: no limit. */
  limit: string | null;
  used: string;
  /** null: no limit. */
  left: string | null;
}

export interface WithdrawalAnswer {
  id: string;
  asset: string;
  chain: string;
  amount: string;
  fee: string;
  address: string;
  memo: string;
  kind: string;
  status: string;
  /** Why it waits or was rejected, where there is something to say. */
  reason: string;
  /** Null once there is nothing to wait for. */
  estimate: EstimateAnswer | null;
  txid: string | null;
  created_at: string;
  broadcast_at: string | null;
  confirmed_at: string | null;
  timeline?: TimelineEntry[] | null;
}

export interface WithdrawalBody {
  asset: string;
  /** What the payee receives; the fee comes on top. */
  amount: string;
  address: string;
  memo?: string;
}

export interface WithdrawalList {
  data: WithdrawalAnswer[];
  next_cursor: string | null;
}
