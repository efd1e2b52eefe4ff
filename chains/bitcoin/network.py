"""Which Bitcoin we are on. Every address, key and node is checked against one `Network`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class NetworkName(StrEnum):
    BITCOIN = "bitcoin"
    SIGNET = "signet"
    TESTNET4 = "testnet4"
    REGTEST = "regtest"


@dataclass(frozen=True, slots=True)
class Network:
    name: NetworkName
    node_chain: str
    """What `getblockchaininfo` calls this chain."""
    hrp: str
    p2pkh_version: int
    p2sh_version: int
    coin_type: int
    """SLIP 44, in BIP 84 paths."""
    xpub_version: bytes
    genesis_hash: str

    @property
    def account_path(self) -> str:
        """BIP 84 path of the account whose xpub makes the deposit addresses."""
        return f"m/84'/{self.coin_type}'/0'"


_TPUB = bytes.fromhex("043587cf")

NETWORKS = {
    network.name: network
    for network in (
        Network(
            NetworkName.BITCOIN,
            "main",
            "bc",
            0x00,
            0x05,
            0,
            bytes.fromhex("0488b21e"),
            "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
        ),
        Network(
            NetworkName.SIGNET,
            "signet",
            "tb",
            0x6F,
            0xC4,
            1,
            _TPUB,
            "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
        ),
        Network(
            NetworkName.TESTNET4,
            "testnet4",
            "tb",
            0x6F,
            0xC4,
            1,
            _TPUB,
            "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
        ),
        Network(
            NetworkName.REGTEST,
            "regtest",
            "bcrt",
            0x6F,
            0xC4,
            1,
            _TPUB,
            "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
        ),
    )
}


def network(name: str) -> Network:
    return NETWORKS[NetworkName(name)]
