"""Bitcoin addresses: what they lock to, and ours derived from the account xpub.

Matching is done on the locking script, never on the address text: one script has one meaning on
every node version, while nodes spell addresses differently.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from embit import base58, bech32
from embit.hashes import hash160

from chains.bitcoin.network import Network
from chains.hd import deposit_public_key
from domain.errors import InvalidAddress

_ADDRESS_LENGTH_MAX = 90
"""BIP 173's limit; base58 addresses are far shorter."""


class ScriptKind(StrEnum):
    P2PKH = "p2pkh"
    P2SH = "p2sh"
    P2WPKH = "p2wpkh"
    P2WSH = "p2wsh"
    P2TR = "p2tr"


@dataclass(frozen=True, slots=True)
class Address:
    """An address that was checked for a network."""

    text: str
    """In its one normal form: segwit addresses may be spelled in capitals, ours never are."""
    kind: ScriptKind
    locking_script: bytes


def parse_address(text: str, network: Network) -> Address:
    """Read an address of `network`. Raises InvalidAddress for another network or a bad checksum.

    Witness versions above 1 are refused: nobody can spend from them yet, so a payment would be
    lost.
    """
    if not text or len(text) > _ADDRESS_LENGTH_MAX or not text.isascii():
        raise InvalidAddress("not a Bitcoin address")
    if text.lower().startswith(network.hrp + "1"):
        return _parse_segwit(text, network)
    if _is_segwit_of_other_network(text):
        raise InvalidAddress(f"the address belongs to another network than {network.name}")
    return _parse_base58(text, network)


def p2wpkh_script(public_key: bytes) -> bytes:
    return b"\x00\x14" + bytes(hash160(public_key))


def p2wpkh_address(public_key: bytes, network: Network) -> str:
    """Native segwit address (BIP 84) of a compressed public key."""
    assert len(public_key) == 33
    return p2wpkh_address_of_hash(hash160(public_key), network)


def p2wpkh_address_of_hash(key_hash: bytes, network: Network) -> str:
    address = bech32.encode(network.hrp, 0, key_hash)
    assert isinstance(address, str)
    return address


def deposit_address(xpub: str, index: int, network: Network) -> str:
    """Deposit address number `index`: path `m/84'/coin'/0'/0/index`."""
    return p2wpkh_address(deposit_public_key(xpub, index), network)


def _parse_segwit(text: str, network: Network) -> Address:
    version, program = bech32.decode(network.hrp, text)
    if version is None or program is None:
        raise InvalidAddress("the address has a bad checksum")
    kind = {(0, 20): ScriptKind.P2WPKH, (0, 32): ScriptKind.P2WSH, (1, 32): ScriptKind.P2TR}.get(
        (version, len(program))
    )
    if kind is None:
        raise InvalidAddress(f"witness version {version} of this length cannot be paid")
    opcode = 0x50 + version if version else 0
    return Address(text.lower(), kind, bytes([opcode, len(program)]) + bytes(program))


def _parse_base58(text: str, network: Network) -> Address:
    try:
        payload = base58.decode_check(text)
    except Exception:  # noqa: BLE001 - embit raises whatever its decoding stumbles over
        raise InvalidAddress("not a Bitcoin address, or its checksum is wrong") from None
    if len(payload) != 21 or payload[0] not in (network.p2pkh_version, network.p2sh_version):
        raise InvalidAddress(f"the address belongs to another network than {network.name}")
    if payload[0] == network.p2pkh_version:
        return Address(text, ScriptKind.P2PKH, b"\x76\xa9\x14" + payload[1:] + b"\x88\xac")
    return Address(text, ScriptKind.P2SH, b"\xa9\x14" + payload[1:] + b"\x87")


def _is_segwit_of_other_network(text: str) -> bool:
    prefix, separator, _ = text.lower().rpartition("1")
    return bool(separator) and prefix in {"bc", "tb", "bcrt"}
