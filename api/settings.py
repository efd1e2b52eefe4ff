"""Everything the API process reads from its environment, in one place."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.exchange.checked_address import PATIENCE_SECONDS


class ApiSettings(BaseSettings):
    """Variables carry the prefix RIALTO_: `RIALTO_DATABASE_URL`, `RIALTO_API_PORT`, ..."""

    model_config = SettingsConfigDict(env_prefix="RIALTO_", extra="ignore", frozen=True)

    database_url: str
    valkey_url: str
    temporal_address: str
    temporal_namespace: str = "rialto"
    opensearch_url: str = ""
    order_queue: str = "rialto-orders.fifo"
    market_group: str = "spot"
    """Every market is in this one group: its frames reach the engine in the order sent."""
    table_prefix: str = "rialto-"
    documents_bucket: str = "rialto-documents"
    bitcoin_network: str = "regtest"
    ethereum_chain_id: int = 31337

    api_port: int = 8080
    metrics_port: int | None = None
    log_level: str = "INFO"
    cors_origins: str = ""
    """Origins of web applications that may call us from a browser, separated by commas."""
    trusted_proxies: str = "127.0.0.1"
    """Addresses whose X-Forwarded-For is believed, separated by commas."""

    database_pool_size: int = 16
    body_bytes_max: int = 65_536
    """No request of ours needs more; documents of a KYC case go to their own route."""
    request_seconds_max: float = 30.0
    requests_in_flight_max: int = 2_000
    """Above this the API answers 503 at once instead of getting slower for everybody."""

    rate_factor: float = 1.0
    """Widens every rate limit; above 1 only where all callers share one address, as in tests."""

    session_hours: float = 12.0
    step_up_minutes: float = 10.0
    """How long a proof of the second factor counts for withdrawals and key creation."""
    passkey_domain: str = "localhost"
    """What passkeys belong to: the web application's domain, or one above it."""
    passkey_origins: str = ""
    """Pages that may use them, separated by commas; `https://` and the domain by default."""
    signature_window_seconds: float = 30.0
    address_patience_seconds: float = PATIENCE_SECONDS
    """How long a new deposit address waits to be checked by the signer; 0 shows it unchecked."""
    webhook_allow_loopback: bool = False
    """Only on a development machine: customers' webhooks on 127.0.0.1, over http."""

    kyc_webhook_secret: SecretStr = SecretStr("")
    """What the identity vendor signs with; two, comma between, while one replaces the other."""

    @cached_property
    def webhook_secrets(self) -> tuple[bytes, ...]:
        words = self.kyc_webhook_secret.get_secret_value().split(",")
        return tuple(word.strip().encode() for word in words if word.strip())

    @cached_property
    def session_lifetime(self) -> timedelta:
        return timedelta(hours=self.session_hours)

    @cached_property
    def passkey_origin_list(self) -> tuple[str, ...]:
        return tuple(each.strip() for each in self.passkey_origins.split(",") if each.strip())

    @cached_property
    def allowed_origins(self) -> tuple[str, ...]:
        return tuple(origin.strip() for origin in self.cors_origins.split(",") if origin.strip())
