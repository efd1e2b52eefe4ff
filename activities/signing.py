"""The signer: rebuilds a payment's transaction from its rows, checks it, signs it, keeps the bytes.

Signing twice returns the first bytes: the attempt's row is held while it is signed, and a signed
one is answered from the row. Bytes and txid are in the database before anybody hears of them, so
nothing is ever broadcast that we could not broadcast again. No key, seed or signature leaves by the
answer.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from temporalio import activity

from activities import signing_rules
from activities.refusals import refusals_end_it
from activities.signing_rules import SigningRefused
from chains.bitcoin import addresses as bitcoin_addresses
from chains.bitcoin import signer as bitcoin
from chains.bitcoin import transaction as bitcoin_transaction
from chains.bitcoin.fees import assert_bumped
from chains.bitcoin.network import Network
from chains.bitcoin.size import DUST_SATOSHI, fee_satoshi
from chains.ethereum import addresses as ethereum_addresses
from chains.ethereum import signer as ethereum
from chains.ethereum import transaction as ethereum_transaction
from chains.ethereum.fees import GasFees
from chains.ethereum.sweeper import (
    Authorization,
    SignedAuthorization,
    authorize,
    sweeper_address,
)
from chains.keys import DerivedKey, ExtendedPrivateKey, KmsKey, open_seed
from chains.secp256k1 import DigestSigner
from domain.ids import TxId
from domain.payment import PaymentKind, SignedPayment, SignPayment
from storage import signing
from storage.signing_plan import KeyLocation, MadeSignature, Plan

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient

logger = logging.getLogger(__name__)

Signer = KmsKey | DerivedKey
_CHANGE_VBYTES = 31


@dataclass(frozen=True, slots=True)
class Signed:
    raw: bytes
    txid: TxId
    made: list[MadeSignature]


class KeyRing:
    """The keys this process may use, opened when first needed. Lives in the signer only."""

    def __init__(self, kms: KMSClient) -> None:
        self._kms = kms
        self._hot: dict[str, KmsKey] = {}
        self._roots: dict[str, ExtendedPrivateKey] = {}

    async def find(self, connection: AsyncConnection, location: KeyLocation) -> Signer:
        """The key at `location`. Raises SigningRefused where no key of ours is online."""
        if location.path is not None and location.seed_id is not None:
            root = await self._root(connection, location.seed_id)
            return root.derive(location.path).key()
        if location.key_id is None:
            raise SigningRefused("the wallet's key is not online")
        key = self._hot.get(location.key_id)
        if key is None:
            key = await KmsKey.open(self._kms, location.key_id)
            self._hot[location.key_id] = key
        return key

    async def _root(self, connection: AsyncConnection, seed_id: str) -> ExtendedPrivateKey:
        if seed_id not in self._roots:
            sealed = await signing.read_seed(connection, seed_id)
            self._roots[seed_id] = await open_seed(
                self._kms, sealed.key_id, sealed.id, sealed.ciphertext
            )
        return self._roots[seed_id]


class SigningActivities:
    def __init__(
        self, engine: AsyncEngine, keys: KeyRing, *, network: Network, chain_id: int
    ) -> None:
        self._engine = engine
        self._keys = keys
        self._network = network
        self._chain_id = chain_id

    @activity.defn
    @refusals_end_it
    async def sign_payment(self, request: SignPayment) -> SignedPayment:
        """Sign one attempt of a payment, or return what was signed before."""
        async with self._engine.begin() as connection:
            txid = await signing.lock_attempt(connection, request.payment_id, request.attempt)
            if txid is not None:
                return SignedPayment(request.payment_id, request.attempt, txid)
            plan = await signing.read_plan(connection, request.payment_id, request.attempt)
            signing_rules.check(plan)
            signed = await self._sign(connection, plan)
            await signing.write_signed(
                connection,
                request.payment_id,
                request.attempt,
                raw=signed.raw,
                txid=signed.txid,
                made=signed.made,
            )
        logger.info(
            "payment signed",
            extra={
                "payment_id": request.payment_id,
                "attempt": request.attempt,
                "txid": signed.txid,
                "signatures": len(signed.made),
            },
        )
        return SignedPayment(request.payment_id, request.attempt, signed.txid)

    async def _sign(self, connection: AsyncConnection, plan: Plan) -> Signed:
        if plan.chain == "ethereum":
            return await self._sign_ethereum(connection, plan)
        return await self._sign_bitcoin(connection, plan)

    async def _sign_ethereum(self, connection: AsyncConnection, plan: Plan) -> Signed:
        assert plan.from_key is not None
        key = await self._keys.find(connection, plan.from_key)
        if ethereum_addresses.address_of(key.public_key) != plan.from_address:
            raise SigningRefused("the key does not belong to the paying address")
        consents, made = await self._authorize(connection, plan)
        unsigned = self._ethereum_transaction(plan, consents)
        signed = await ethereum.sign(unsigned, key)
        made = [MadeSignature(unsigned.digest, _name_of(plan.from_key)), *made]
        return Signed(signed.raw, signed.txid, made)

    async def _authorize(
        self, connection: AsyncConnection, plan: Plan
    ) -> tuple[list[SignedAuthorization], list[MadeSignature]]:
        """New delegations, to the contract that pays the hot wallet only: computed, not looked up.

        That `from_address` is the hot wallet's, its key has just proven.
        """
        contract = sweeper_address(plan.from_address)
        consents, made = [], []
        for each in plan.sources:
            assert each.key is not None
            if each.authorization_nonce is None:
                continue
            key = await self._keys.find(connection, each.key)
            if ethereum_addresses.address_of(key.public_key) != each.address:
                raise SigningRefused("the key does not belong to the delegating address")
            asked = Authorization(self._chain_id, contract, each.authorization_nonce)
            consents.append(await authorize(asked, key))
            made.append(MadeSignature(asked.digest, _name_of(each.key)))
        return consents, made

    def _ethereum_transaction(
        self, plan: Plan, consents: Sequence[SignedAuthorization]
    ) -> ethereum_transaction.UnsignedTransaction:
        if len(plan.outputs) != 1:
            raise SigningRefused("an Ethereum payment has one payee")
        [output], fees = plan.outputs, plan.attempt.fees
        assert plan.nonce is not None
        assert fees.gas_limit is not None
        assert fees.tip_rate is not None
        to = ethereum_addresses.parse_address(output.address)
        gas_fees = GasFees(fees.fee_rate, fees.tip_rate)
        if plan.contract is None:
            return ethereum_transaction.pay_ether(
                chain_id=self._chain_id,
                nonce=plan.nonce,
                to=to,
                wei=output.units,
                gas_limit=fees.gas_limit,
                fees=gas_fees,
            )
        token = ethereum_addresses.parse_address(plan.contract)
        if plan.kind is PaymentKind.BATCH_SWEEP:
            return ethereum_transaction.gather_tokens(
                chain_id=self._chain_id,
                nonce=plan.nonce,
                treasury=plan.from_address,
                token=token,
                owners=[(each.address, each.units) for each in plan.sources],
                authorizations=consents,
                gas_limit=fees.gas_limit,
                fees=gas_fees,
            )
        return ethereum_transaction.pay_token(
            chain_id=self._chain_id,
            nonce=plan.nonce,
            contract=token,
            to=to,
            units=output.units,
            gas_limit=fees.gas_limit,
            fees=gas_fees,
        )

    async def _sign_bitcoin(self, connection: AsyncConnection, plan: Plan) -> Signed:
        spent = plan.inputs[: plan.attempt.input_count]
        signers: dict[bytes, DigestSigner] = {}
        inputs = []
        for each in spent:
            assert each.key is not None
            key = await self._keys.find(connection, each.key)
            if bitcoin_addresses.p2wpkh_address(key.public_key, self._network) != each.address:
                raise SigningRefused("the key does not belong to the input's address")
            signers[key.public_key] = key
            outpoint = bitcoin_transaction.Outpoint(TxId(each.txid), each.vout)
            inputs.append(bitcoin_transaction.Utxo(outpoint, each.units, key.public_key))
        unsigned = bitcoin_transaction.UnsignedTransaction(
            tuple(inputs), self._bitcoin_outputs(plan)
        )
        _check_bitcoin_fee(plan, unsigned)
        signed = await bitcoin.sign(unsigned, signers, self._network)
        digests = bitcoin_transaction.sighashes(unsigned, self._network)
        made = [
            MadeSignature(digest, _name_of(each.key))
            for digest, each in zip(digests, spent, strict=True)
            if each.key is not None
        ]
        return Signed(signed.raw, signed.txid, made)

    def _bitcoin_outputs(self, plan: Plan) -> tuple[bitcoin_transaction.Output, ...]:
        """Payees in their order; change, if any, last and to where the payment comes from."""
        outputs = [
            bitcoin_transaction.Output.to(
                bitcoin_addresses.parse_address(output.address, self._network), output.units
            )
            for output in plan.outputs
        ]
        if plan.attempt.change_units is not None:
            change = bitcoin_addresses.parse_address(plan.from_address, self._network)
            outputs.append(bitcoin_transaction.Output.to(change, plan.attempt.change_units))
        return tuple(outputs)


def _check_bitcoin_fee(plan: Plan, unsigned: bitcoin_transaction.UnsignedTransaction) -> None:
    """What inputs and outputs leave is the fee; it must be the planned one, and under the cap."""
    fee = unsigned.fee_satoshi
    if fee != plan.attempt.fees.fee_units_max:
        raise SigningRefused(f"the transaction pays {fee} satoshi, the plan says another fee")
    # Without change, what is too little for a change output is left to the fee.
    left_over = (
        DUST_SATOSHI[bitcoin_addresses.ScriptKind.P2WPKH]
        if plan.attempt.change_units is None
        else 0
    )
    vsize = unsigned.vsize_max + (_CHANGE_VBYTES if plan.attempt.change_units is None else 0)
    if fee > fee_satoshi(vsize, plan.limits.fee_rate_cap) + left_over:
        raise SigningRefused(f"{fee} satoshi for {unsigned.vsize_max} vbytes is above the cap")
    for earlier in plan.earlier:
        assert_bumped(earlier.fees.fee_units_max, fee)


def _name_of(location: KeyLocation) -> str:
    """Which key signed, for the reconciliation of signatures; never anything of the key itself."""
    return location.key_id or f"{location.seed_id}:{location.path}"
