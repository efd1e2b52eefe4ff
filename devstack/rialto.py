"""The processes that are ours: one row each, with exactly the variables it may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from devstack import people
from devstack.environment import chosen, database_url
from devstack.part import Part, Step, nothing, python_plan
from devstack.probes import http_json
from devstack.process import Plan
from devstack.site import CHECKOUT, Site

TEMPORAL = ("RIALTO_TEMPORAL_ADDRESS", "RIALTO_TEMPORAL_NAMESPACE")
AWS = (
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_SQS",
    "AWS_ENDPOINT_URL_KINESIS",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_EC2_METADATA_DISABLED",
    "RIALTO_ORDER_QUEUE",
    "RIALTO_TABLE_PREFIX",
)
VALKEY = ("RIALTO_VALKEY_URL",)
LOCAL = ("RIALTO_RATE_FACTOR", "RIALTO_WEBHOOK_ALLOW_LOOPBACK")
SEARCH = ("RIALTO_OPENSEARCH_URL",)
NETWORKS = ("RIALTO_BITCOIN_NETWORK", "RIALTO_ETHEREUM_CHAIN_ID")
BITCOIN = ("RIALTO_BITCOIN_RPC_URL", *NETWORKS, "BCL_DATA_DIR")
ETHEREUM = ("RIALTO_ETHEREUM_RPC_URL", *NETWORKS)
JOURNAL = ("RIALTO_JOURNAL_DIR",)
ADDRESSES = (
    "RIALTO_API_URL",
    "RIALTO_WALLET_SERVICE_URL",
    "RIALTO_STAFF_URL",
    "RIALTO_KYC_VENDOR_URL",
)


LIAR = "RIALTO_LISTENER_BITCOIN_RPC_URL"
"""Setting of a site: the listener's own bitcoin node, for `rialto break node`."""

WEBHOOK = ("RIALTO_KYC_WEBHOOK_URL", "RIALTO_KYC_WEBHOOK_SECRET")
OWN_WEBHOOKS = ("RIALTO_WEBHOOK_ALLOW_LOOPBACK",)
VENDOR = ("RIALTO_KYC_VENDOR_API_KEY",)


@dataclass(frozen=True)
class Row:
    """One process. It has a database role, or none; nothing but the signer has the signer's."""

    name: str
    module: str
    role: str | None
    sees: tuple[str, ...]
    serves: bool = False
    """Whether it listens on a port of its own, given as RIALTO_{NAME}_PORT."""
    needs: tuple[str, ...] = ("migrate", "seed")


ROWS = (
    Row(
        "kyc_vendor",
        "devstack.kyc_vendor",
        None,
        (*ADDRESSES, *WEBHOOK, *VENDOR, "RIALTO_HOME"),
        serves=True,
        needs=(),
    ),
    Row(
        "api",
        "api.main",
        "rialto_api",
        (*TEMPORAL, *AWS, *VALKEY, *SEARCH, *NETWORKS, *ADDRESSES, *WEBHOOK, *LOCAL),
        serves=True,
    ),
    Row("wallet_service", "api.wallet_service.main", "rialto_api", (*AWS, *NETWORKS), serves=True),
    Row(
        "staff",
        "api.staff.main",
        "rialto_worker",
        (*TEMPORAL, *AWS, *SEARCH, *ADDRESSES, "RIALTO_TEMPORAL_UI_URL"),
        serves=True,
    ),
    Row("matching_engine", "workers.matching_engine", "rialto_worker", (*AWS, *JOURNAL, *VALKEY)),
    Row("shipper", "workers.shipper", "rialto_worker", (*AWS, *JOURNAL, *VALKEY, *TEMPORAL)),
    Row("order_relay", "workers.order_relay", "rialto_worker", AWS),
    Row(
        "workflow_worker",
        "workers.workflow_worker",
        "rialto_worker",
        (*TEMPORAL, *AWS, *VALKEY, *NETWORKS, *ADDRESSES),
    ),
    Row(
        "compliance_worker",
        "workers.compliance_worker",
        "rialto_worker",
        (*TEMPORAL, *AWS, *VALKEY, *NETWORKS, *ADDRESSES, *VENDOR),
    ),
    Row(
        "bitcoin_worker",
        "workers.bitcoin_worker",
        "rialto_worker",
        (*TEMPORAL, *AWS, *VALKEY, *BITCOIN),
    ),
    Row(
        "ethereum_worker",
        "workers.ethereum_worker",
        "rialto_worker",
        (*TEMPORAL, *AWS, *VALKEY, *ETHEREUM),
    ),
    Row("signer_worker", "workers.signer_worker", "rialto_signer", (*TEMPORAL, *AWS, *NETWORKS)),
    Row(
        "event_listener",
        "workers.event_listener",
        "rialto_worker",
        (*TEMPORAL, *AWS, *VALKEY, *BITCOIN, *ETHEREUM),
    ),
    Row(
        "webhook_worker",
        "workers.webhook_worker",
        "rialto_webhooks",
        (*TEMPORAL, *AWS, *OWN_WEBHOOKS),
    ),
    Row(
        "data_processor",
        "workers.data_processor",
        "rialto_worker",
        (*AWS, *SEARCH, *VALKEY),
    ),
)


def _plan(row: Row, site: Site) -> Plan:
    variables = chosen(site, row.sees)
    variables["RIALTO_HEALTH_PORT"] = str(site.port(f"{row.name}_health"))
    variables["RIALTO_METRICS_PORT"] = str(site.port(f"{row.name}_metrics"))
    if "AWS_REGION" in row.sees:
        variables["AWS_ACCESS_KEY_ID"] = f"rialto-{row.name.replace('_', '-')}"
    if row.name == "event_listener" and LIAR in site.settings:
        variables["RIALTO_BITCOIN_RPC_URL"] = site.settings[LIAR]
    if row.role is not None:
        variables["RIALTO_DATABASE_URL"] = database_url(site, row.role)
    if traces := site.settings.get("RIALTO_TRACES"):
        variables["RIALTO_TRACES"] = traces.replace("HOME", str(site.home))
    if row.serves:
        variables[f"RIALTO_{row.name.upper()}_PORT"] = str(site.port(row.name))
    return python_plan(site, row.name, row.module, variables)


def _probe(row: Row, site: Site) -> float | None:
    """Its own word that it works, and how far it is behind, where it says so."""
    answer = http_json(site.port(row.name if row.serves else f"{row.name}_health"), "/healthz")
    lag = answer.get("lag") if isinstance(answer, dict) else None
    return float(lag) if lag is not None else None


def _part(row: Row) -> Part:
    own = (row.name,) if row.serves else ()
    return Part(
        name=row.name,
        kind="rialto",
        ports=(*own, f"{row.name}_health", f"{row.name}_metrics"),
        plan=partial(_plan, row),
        probe=partial(_probe, row),
        needs=("nursery", *row.needs),
        is_forked=True,
        finish=people.register_customers if row.name == "api" else nothing,
        grace_seconds=45.0,
    )


def _exists(module: str) -> bool:
    return (CHECKOUT / module.replace(".", "/")).with_suffix(".py").exists()


def _step(name: str, module: str, needs: Sequence[str]) -> Step:
    def plan(site: Site) -> Plan:
        keys = (*TEMPORAL, *AWS, *VALKEY, *SEARCH, *BITCOIN, *ETHEREUM, *ADDRESSES, "RIALTO_HOME")
        variables = chosen(site, (*keys, "AWS_ACCESS_KEY_ID"))
        variables["RIALTO_DATABASE_URL"] = database_url(site, "rialto_owner")
        return python_plan(site, name, module, variables)

    return Step(name, plan, tuple(needs))


PROCESSES = tuple(_part(row) for row in ROWS if _exists(row.module))
STEPS = (
    _step("migrate", "storage.migrate", ["postgres"]),
    _step(
        "seed",
        "devstack.seed",
        ["migrate", "temporal", "valkey", "roto", "ministack", "osmem", "miner", "chain_keeper"],
    ),
)
