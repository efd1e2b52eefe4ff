"""The environment variables of every Rialto process, and which process gets which."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from devstack import postgres, temporal
from devstack.servers import AWS_REGION, bitcoin_credentials
from devstack.site import Site, write_private


def all_variables(site: Site) -> dict[str, str]:
    """What `rialto env` prints: enough to run any process or test by hand."""
    return {
        **_servers(site),
        **_names(site),
        **_chains(site),
        **_addresses(site),
        **_vendor(site),
        "RIALTO_HOME": str(site.home),
        "RIALTO_PORT_BASE": str(site.port_base),
        "RIALTO_JOURNAL_DIR": str(site.home / "journal"),
        "BCL_DATA_DIR": str(site.home / "bitcoinlib"),
    }


def database_url(site: Site, role: str, database: str = "rialto") -> str:
    assert role in postgres.ROLES
    return f"postgresql+asyncpg://{role}@127.0.0.1:{site.port('postgres')}/{database}"


def chosen(site: Site, keys: Iterable[str]) -> dict[str, str]:
    known = all_variables(site)
    return {key: known[key] for key in keys}


def write_file(site: Site) -> None:
    """`.data/env`, readable by its owner, in the form a shell can source."""
    lines = [f"export {key}={shlex.quote(value)}" for key, value in all_variables(site).items()]
    write_private(site.home / "env", "\n".join(lines) + "\n")


def _servers(site: Site) -> dict[str, str]:
    return {
        "RIALTO_DATABASE_URL": database_url(site, "rialto_owner"),
        "RIALTO_TEMPORAL_ADDRESS": f"127.0.0.1:{site.port('temporal')}",
        "RIALTO_TEMPORAL_NAMESPACE": temporal.NAMESPACE,
        "RIALTO_TEMPORAL_UI_URL": f"http://127.0.0.1:{site.port('temporal_ui')}",
        "RIALTO_VALKEY_URL": f"valkey://127.0.0.1:{site.port('valkey')}/0",
        "RIALTO_OPENSEARCH_URL": f"http://127.0.0.1:{site.port('osmem')}",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{site.port('ministack')}",
        "AWS_ENDPOINT_URL_SQS": f"http://127.0.0.1:{site.port('roto')}",
        "AWS_ENDPOINT_URL_KINESIS": f"http://127.0.0.1:{site.port('roto')}",
        "AWS_REGION": AWS_REGION,
        "AWS_DEFAULT_REGION": AWS_REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _names(site: Site) -> dict[str, str]:
    return {
        "RIALTO_ORDER_QUEUE": "rialto-orders.fifo",
        "RIALTO_TABLE_PREFIX": "rialto-",
        # Everybody on this machine has one address.
        "RIALTO_RATE_FACTOR": site.settings.get("RIALTO_RATE_FACTOR", "10"),
        # And so have the endpoints of its customers.
        "RIALTO_WEBHOOK_ALLOW_LOOPBACK": "true",
    }


def _chains(site: Site) -> dict[str, str]:
    credentials = bitcoin_credentials(site)
    return {
        "RIALTO_BITCOIN_RPC_URL": f"http://{credentials}@127.0.0.1:{_node_port(site, 'bitcoind')}",
        "RIALTO_BITCOIN_NETWORK": "regtest",
        "RIALTO_ETHEREUM_RPC_URL": f"http://127.0.0.1:{_node_port(site, 'anvil')}",
        "RIALTO_ETHEREUM_CHAIN_ID": "31337",
    }


def _node_port(site: Site, node: str) -> int:
    """Where our processes find a node: its own port, or that of a proxy that breaks answers."""
    return int(site.settings.get(f"RIALTO_{node.upper()}_PROXY_PORT") or site.port(node))


def _addresses(site: Site) -> dict[str, str]:
    """Where our own processes listen, for those that call each other and for people."""
    return {
        "RIALTO_API_URL": f"http://127.0.0.1:{site.port('api')}",
        "RIALTO_WALLET_SERVICE_URL": f"http://127.0.0.1:{site.port('wallet_service')}",
        "RIALTO_STAFF_URL": f"http://127.0.0.1:{site.port('staff')}",
        "RIALTO_KYC_VENDOR_URL": f"http://127.0.0.1:{site.port('kyc_vendor')}",
    }


def _vendor(site: Site) -> dict[str, str]:
    """What we and the simulated identity vendor know of each other."""
    return {
        "RIALTO_KYC_WEBHOOK_URL": f"http://127.0.0.1:{site.port('api')}/v1/kyc/webhook",
        "RIALTO_KYC_WEBHOOK_SECRET": site.secret("kyc_webhook"),
        "RIALTO_KYC_VENDOR_API_KEY": site.secret("kyc_vendor_api_key"),
    }
