"""bitcoinlib, tamed. Everything that imports it goes through here.

Its import writes configuration, a log and a database folder; they go to a private folder of this
process that is removed at exit. Its `regtest` has mainnet's base58 prefixes, so it would take
mainnet addresses for regtest ones: that is corrected before anything is derived or parsed. Never
used from it: `Service` (asks public explorers), `Wallet` (own database), `estimate_size` (too low),
`t.txid` after signing (stale).
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

_TESTNET_FIELDS = (
    "prefix_address",
    "prefix_address_p2sh",
    "prefix_wif",
    "prefixes_wif",
    "bip44_cointype",
)
_FEE_MAX_SATOSHI_PER_KVBYTE = 10**9
"""Far above any policy of ours: bitcoinlib silently clamps fees at its own, lower, limit."""


def _private_data_dir() -> None:
    folder = Path(tempfile.mkdtemp(prefix="rialto-bitcoinlib-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "config.ini").write_text(
        "[logs]\nenable_bitcoinlib_logging=False\n", encoding="utf-8"
    )
    os.environ["BCL_DATA_DIR"] = str(folder)


_private_data_dir()

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Of its database layer, which we do not use.
    from bitcoinlib import networks
    from bitcoinlib.keys import HDKey, Key
    from bitcoinlib.keys import Signature as LibrarySignature
    from bitcoinlib.transactions import Transaction as LibraryTransaction


def _correct_networks() -> None:
    definitions: dict[str, dict[str, Any]] = networks.NETWORK_DEFINITIONS
    for field in _TESTNET_FIELDS:
        definitions["regtest"][field] = definitions["testnet"][field]
    for name in ("bitcoin", "testnet", "testnet4", "signet", "regtest"):
        definitions[name]["fee_max"] = _FEE_MAX_SATOSHI_PER_KVBYTE
        definitions[name]["dust_amount"] = 294


_correct_networks()

__all__ = ["HDKey", "Key", "LibrarySignature", "LibraryTransaction"]
