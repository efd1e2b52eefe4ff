"""Gas of gathering tokens from many deposit addresses, three ways, on a real EVM node.

`python -m bench.sweep_gas`. The figures are exact: gas does not depend on the machine.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from chains.ethereum.erc20 import transfer_call
from chains.ethereum.fees import TRANSFER_GAS
from chains.ethereum.node import EthereumNode, quantity
from chains.ethereum.sweeper import sweep_all_call
from devstack.rented import RentedStack, elsewhere
from devstack.seed_chains import CONTRACTS
from domain.ids import TxId

ADDRESSES = 20
_UNITS = 10**6
_GAS_MAX = 10_000_000
_GWEI = 10**9
_PAYER = Account.from_key("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
"""Anvil's first account; its key is in anvil's documentation."""


class Chain:
    def __init__(self, node: EthereumNode) -> None:
        self._node = node
        self._code = json.loads(Path(CONTRACTS).read_text(encoding="utf-8"))

    async def deploy(self, name: str, *arguments: str) -> str:
        data = bytes.fromhex(self._code[name]["bytecode"][2:])
        data += encode(["address"] * len(arguments), arguments)
        receipt = await self.send(_PAYER, None, data)
        return str(to_checksum_address(receipt["contractAddress"]))

    async def send(
        self,
        sender: LocalAccount,
        to: str | None,
        data: bytes = b"",
        *,
        wei: int = 0,
        authorizations: Sequence[Any] = (),
    ) -> dict[str, Any]:
        """The receipt of a transaction that succeeded."""
        fields: dict[str, Any] = {
            "chainId": self._node.chain_id,
            "nonce": await self._node.transaction_count(sender.address),
            "maxFeePerGas": 100 * _GWEI,
            "maxPriorityFeePerGas": _GWEI,
            "gas": _GAS_MAX,
            "value": wei,
            "data": data,
            "to": b"" if to is None else to,
        }
        if authorizations:
            fields["authorizationList"] = list(authorizations)
        signed = sender.sign_transaction(fields)
        txid = TxId(signed.hash.to_0x_hex())
        await self._node.call("eth_sendRawTransaction", signed.raw_transaction.to_0x_hex())
        receipt: dict[str, Any] | None = None
        while receipt is None:
            receipt = await self._node.receipt(txid)
        assert quantity(receipt["status"]) == 1, receipt
        return receipt

    async def gas(self, *arguments: Any, **named: Any) -> int:
        return quantity((await self.send(*arguments, **named))["gasUsed"])

    async def rich(self, address: str) -> None:
        await self._node.call("anvil_setBalance", address, hex(10**18))

    async def mint(self, token: str, owners: Sequence[str]) -> None:
        for owner in owners:
            data = selector("mint(address,uint256)") + encode(
                ["address", "uint256"], [owner, _UNITS]
            )
            await self.send(_PAYER, token, data)

    async def units(self, token: str, owner: str) -> int:
        return await self._node.token_balance(token, owner)


def selector(signature: str) -> bytes:
    return keccak(text=signature)[:4]


async def gas_funding(chain: Chain, token: str, treasury: str) -> tuple[int, int]:
    """Ether for each address, then its own transfer. First time and every time after it."""
    owners = [Account.create() for _ in range(ADDRESSES)]
    rounds = []
    for _ in range(2):
        await chain.mint(token, [owner.address for owner in owners])
        total = 0
        for owner in owners:
            await chain.rich(owner.address)
            total += TRANSFER_GAS  # What sending it costs; `rich` only spares us the waiting.
            total += await chain.gas(owner, token, transfer_call(treasury, _UNITS))
        rounds.append(total // ADDRESSES)
    return rounds[0], rounds[1]


async def delegation(chain: Chain, token: str, treasury: str) -> tuple[int, int]:
    """EIP-7702: each key once lets our code act for its address; one transaction sweeps all.

    By the contract that the exchange uses, `chains.ethereum.sweeper`.
    """
    owners = [Account.create() for _ in range(ADDRESSES)]
    sweeper = await chain.deploy("TokenSweeper", _PAYER.address)
    addresses = [owner.address for owner in owners]
    data = sweep_all_call(token, addresses, [_UNITS] * ADDRESSES)
    signed = [
        owner.sign_authorization({"chainId": 31337, "address": sweeper, "nonce": 0})
        for owner in owners
    ]
    await chain.mint(token, addresses)
    first = await chain.gas(_PAYER, sweeper, data, authorizations=signed)
    await chain.mint(token, addresses)
    later = await chain.gas(_PAYER, sweeper, data)
    # Only the sender is paid by this contract; the others pay the treasury.
    await chain.gas(_PAYER, token, transfer_call(treasury, 2 * ADDRESSES * _UNITS))
    return first // ADDRESSES, later // ADDRESSES


async def forwarders(chain: Chain, token: str, treasury: str) -> tuple[int, int]:
    """CREATE2: deposit addresses are proxies, made when they are swept for the first time."""
    sweeper = await chain.deploy("Sweeper", treasury)
    factory = await chain.deploy("SweeperForwarders", sweeper)
    salts = list(range(1, ADDRESSES + 1))
    addresses = [proxy_address(factory, sweeper, salt) for salt in salts]
    data = selector("sweep(uint256[],address)") + encode(["uint256[]", "address"], [salts, token])
    await chain.mint(token, addresses)
    first = await chain.gas(_PAYER, factory, data)
    await chain.mint(token, addresses)
    return first // ADDRESSES, await chain.gas(_PAYER, factory, data) // ADDRESSES


def proxy_address(factory: str, code: str, salt: int) -> str:
    proxy = bytes.fromhex(
        f"3d602d80600a3d3981f3363d3d373d3d3d363d73{code[2:]}5af43d82803e903d91602b57fd5bf3"
    )
    made = b"\xff" + bytes.fromhex(factory[2:]) + salt.to_bytes(32, "big") + keccak(proxy)
    return str(to_checksum_address(keccak(made)[12:]))


async def run_all(url: str) -> dict[str, tuple[int, int]]:
    node = EthereumNode.connect(url, 31337)
    chain = Chain(node)
    token = await chain.deploy("TestDollar")
    treasury = Account.create().address
    await chain.mint(token, [treasury, _PAYER.address])  # Not empty in real life either.
    found = {
        "gas funding": await gas_funding(chain, token, treasury),
        "EIP-7702": await delegation(chain, token, treasury),
        "CREATE2": await forwarders(chain, token, treasury),
    }
    swept = await chain.units(token, treasury)
    await node.close()
    assert swept == _UNITS * (1 + 3 * 2 * ADDRESSES), "every unit arrived"
    return found


def main() -> None:
    stack = RentedStack()
    try:
        elsewhere(lambda: stack.require("anvil"))
        found = asyncio.run(run_all(stack.env["RIALTO_ETHEREUM_RPC_URL"]))
    finally:
        stack.close()
    print(f"gas for each of {ADDRESSES} addresses, in one run")
    for way, (first, later) in found.items():
        print(f"{way:12} {first:7} the first time, {later:7} later")


if __name__ == "__main__":
    main()
