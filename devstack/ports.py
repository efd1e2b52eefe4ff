"""Every port of the local stack: its name, and its distance from the port base."""

from __future__ import annotations

from typing import Final

DEFAULT_PORT_BASE: Final = 20000

RIALTO_PROCESSES: Final = (
    "api",
    "wallet_service",
    "staff",
    "kyc_vendor",
    "matching_engine",
    "shipper",
    "workflow_worker",
    "compliance_worker",
    "bitcoin_worker",
    "ethereum_worker",
    "signer_worker",
    "event_listener",
    "data_processor",
    "order_relay",
    "webhook_worker",
)
"""The processes that are ours. Each also serves its health and its metrics."""

_SERVED: Final = {
    "web": 0,
    "api": 1,
    "wallet_service": 2,
    "staff": 3,
    "kyc_vendor": 4,
    "postgres": 10,
    "valkey": 11,
    "roto": 12,
    "ministack": 13,
    "temporal": 14,
    "temporal_ui": 15,
    "temporal_http": 16,
    "temporal_metrics": 17,
    "osmem": 18,
    "bitcoind": 19,
    "anvil": 20,
}

OFFSETS: Final[dict[str, int]] = {
    **_SERVED,
    **{f"{name}_health": 40 + place for place, name in enumerate(RIALTO_PROCESSES)},
    **{f"{name}_metrics": 70 + place for place, name in enumerate(RIALTO_PROCESSES)},
}

assert len(set(OFFSETS.values())) == len(OFFSETS)
