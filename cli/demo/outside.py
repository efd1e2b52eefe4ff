"""The world outside the exchange: a stranger's wallets on both development chains.

They pay deposits in and receive withdrawals. They know nothing of the exchange but its addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import TxParams, Wei

BITCOIN_WALLET = "outside"
MINER_WALLET = "miner"
_ETHER_WEI = 10**18
_FUNDS_WEI = 10_000 * _ETHER_WEI
_TOKEN_GAS_MAX = 120_000
_TOKEN_ABI: list[dict[str, Any]] = [
    {
        "type": "function",
        "name": name,
        "stateMutability": "nonpayable",
        "inputs": [{"name": "to", "type": "address"}, {"name": "value", "type": "uint256"}],
        "outputs": outputs,
    }
    for name, outputs in (("transfer", [{"name": "", "type": "bool"}]), ("mint", []))
] + [
    {
        "type": "function",
        "name": "balanceOf",
        "stateMutability": "view",
        "inputs": [{"name": "", "type": "address"}],
        "outputs": [{"name": "", "type": "uint256"}],
    }
]


@dataclass(frozen=True)
class Payment:
    """A payment seen from outside: what was sent, and the transaction that carries it."""

    asset: str
    units: int
    txid: str


class OutsideBitcoin:
    """A wallet of the regtest node that is nobody's but the stranger's."""

    def __init__(self, http: httpx.AsyncClient, rpc_url: str) -> None:
        self._http = http
        self._url = rpc_url

    async def prepare(self, satoshi: int) -> None:
        """Load or make the wallet and see that it can spend `satoshi`."""
        if BITCOIN_WALLET not in await self._call("listwallets"):
            known = {wallet["name"] for wallet in (await self._call("listwalletdir"))["wallets"]}
            await self._call(
                "loadwallet" if BITCOIN_WALLET in known else "createwallet", BITCOIN_WALLET
            )
        missing = satoshi - await self._spendable()
        if missing > 0:
            address = await self.new_address()
            await self._call("sendtoaddress", address, _coins(missing), wallet=MINER_WALLET)
            await self._mine(1)

    async def new_address(self) -> str:
        address: str = await self._call("getnewaddress", "", "bech32", wallet=BITCOIN_WALLET)
        return address

    async def pay(self, address: str, satoshi: int) -> Payment:
        txid = await self._call("sendtoaddress", address, _coins(satoshi), wallet=BITCOIN_WALLET)
        return Payment("BTC", satoshi, txid)

    async def hand_in_again(self, txid: str) -> None:
        """The same bytes to the node once more, in case it dropped them."""
        payment = await self._call("gettransaction", txid, wallet=BITCOIN_WALLET)
        await self._call("sendrawtransaction", payment["hex"])

    async def received(self, address: str) -> int:
        """Satoshi that this address got, in the mempool or in blocks."""
        coins = await self._call("getreceivedbyaddress", address, 0, wallet=BITCOIN_WALLET)
        return _satoshi(coins)

    async def _spendable(self) -> int:
        return _satoshi(await self._call("getbalance", wallet=BITCOIN_WALLET))

    async def _mine(self, blocks: int) -> None:
        address = await self._call("getnewaddress", wallet=MINER_WALLET)
        await self._call("generatetoaddress", blocks, address)

    async def _call(self, method: str, *params: object, wallet: str = "") -> Any:
        url = f"{self._url}/wallet/{wallet}" if wallet else self._url
        answer = await self._http.post(url, json={"id": 1, "method": method, "params": params})
        body = _decode(answer)
        if body.get("error"):
            raise RuntimeError(f"bitcoind refused {method}: {body['error']['message']}")
        return body["result"]


class OutsideEthereum:
    """An account of its own on anvil, with ether and test tokens to spend."""

    def __init__(self, rpc_url: str, token: str) -> None:
        self._web3 = AsyncWeb3(AsyncHTTPProvider(rpc_url, cache_allowed_requests=True))
        self._account: LocalAccount = Account.create()
        self._token = self._web3.eth.contract(
            address=self._web3.to_checksum_address(token), abi=_TOKEN_ABI
        )
        self._nonce = 0

    async def prepare(self, token_units: int) -> None:
        provider = self._web3.provider
        await provider.make_request("anvil_setBalance", [self._account.address, hex(_FUNDS_WEI)])
        mint = await self._token.functions.mint(
            self._account.address, token_units
        ).build_transaction(await self._terms())
        await self._send(mint)

    def new_address(self) -> str:
        """An address that nobody used before; its key is thrown away."""
        address: str = Account.create().address
        return address

    async def pay_ether(self, address: str, wei: int) -> Payment:
        terms = await self._terms()
        txid = await self._send(
            {**terms, "to": self._checksum(address), "value": Wei(wei), "gas": 21_000}
        )
        return Payment("ETH", wei, txid)

    async def pay_token(self, address: str, units: int) -> Payment:
        transfer = self._token.functions.transfer(self._checksum(address), units)
        txid = await self._send(await transfer.build_transaction(await self._terms()))
        return Payment("USDT", units, txid)

    async def received_ether(self, address: str) -> int:
        return int(await self._web3.eth.get_balance(self._checksum(address)))

    async def received_token(self, address: str) -> int:
        return int(await self._token.functions.balanceOf(self._checksum(address)).call())

    async def close(self) -> None:
        await self._web3.provider.disconnect()

    def _checksum(self, address: str) -> ChecksumAddress:
        return self._web3.to_checksum_address(address)

    async def _terms(self) -> TxParams:
        base_fee = (await self._web3.eth.get_block("latest"))["baseFeePerGas"]
        nonce, self._nonce = self._nonce, self._nonce + 1
        return {
            "from": self._account.address,
            "nonce": nonce,  # type: ignore[typeddict-item]  # A plain int.
            "chainId": await self._web3.eth.chain_id,
            "gas": _TOKEN_GAS_MAX,
            "maxPriorityFeePerGas": Wei(10**9),
            "maxFeePerGas": Wei(2 * base_fee + 10**9),
        }

    async def _send(self, transaction: TxParams) -> str:
        signed = self._account.sign_transaction(transaction)  # type: ignore[arg-type]  # Same keys.
        txid = await self._web3.eth.send_raw_transaction(signed.raw_transaction)
        receipt = await self._web3.eth.wait_for_transaction_receipt(txid, poll_latency=0.1)
        assert receipt["status"] == 1, "a payment of the outside wallet was reverted"
        return txid.to_0x_hex()


def _coins(satoshi: int) -> str:
    return f"{satoshi // 10**8}.{satoshi % 10**8:08d}"


def _satoshi(coins: Decimal) -> int:
    return int(coins * 10**8)


def _decode(answer: httpx.Response) -> dict[str, Any]:
    body: dict[str, Any] = answer.json(parse_float=Decimal)
    return body
