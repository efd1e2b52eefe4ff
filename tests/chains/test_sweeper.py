"""Delegations and gathering transactions: byte for byte what eth-account makes of the same."""

import json

from coincurve import PrivateKey
from eth_account import Account
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from chains.ethereum.addresses import address_of
from chains.ethereum.fees import GasFees
from chains.ethereum.signer import sign
from chains.ethereum.sweeper import (
    FACTORY,
    Authorization,
    authorize,
    delegation_of,
    deploy_call,
    sweeper_address,
)
from chains.ethereum.sweeper_code import CREATION_CODE
from chains.ethereum.transaction import gather_tokens
from chains.keys import DerivedKey
from chains.secp256k1 import ORDER
from devstack.seed_chains import CONTRACTS

TOKEN = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
CHAIN = 31337


def key(number: int) -> tuple[bytes, DerivedKey]:
    secret = keccak(number.to_bytes(32))
    return secret, DerivedKey(PrivateKey(secret))


@given(number=st.integers(0, 10**6), nonce=st.integers(0, 2**32))
async def test_an_authorization_is_the_one_of_eth_account_and_low(number: int, nonce: int):
    secret, derived = key(number)
    theirs = Account.sign_authorization(
        {"chainId": CHAIN, "address": TOKEN, "nonce": nonce}, secret
    )

    ours = await authorize(Authorization(CHAIN, TOKEN, nonce), derived)

    assert ours.authorization.digest == bytes(theirs.authorization_hash)
    assert (ours.signature.r, ours.signature.s, ours.parity) == (
        theirs.r,
        theirs.s,
        theirs.y_parity,
    )
    assert ours.signature.s <= ORDER // 2
    assert ours.owner == Account.from_key(secret).address


@given(new=st.integers(0, 5), old=st.integers(0, 5), nonce=st.integers(0, 2**32))
async def test_a_gathering_transaction_is_the_one_of_eth_account(new: int, old: int, nonce: int):
    hot_secret, hot = key(10**7)
    treasury = address_of(hot.public_key)
    contract = sweeper_address(treasury)
    keys = [key(number) for number in range(new)]
    consents = [await authorize(Authorization(CHAIN, contract, 0), each) for _, each in keys]
    owners = [(each.owner, 5) for each in consents]
    owners += [(address_of(key(100 + number)[1].public_key), 7) for number in range(old)]
    if not owners:
        return
    unsigned = gather_tokens(
        chain_id=CHAIN,
        nonce=nonce,
        treasury=treasury,
        token=TOKEN,
        owners=owners,
        authorizations=consents,
        gas_limit=10**6,
        fees=GasFees(10**9, 10**8),
    )
    fields = {
        "type": 4 if new else 2,
        "chainId": CHAIN,
        "nonce": nonce,
        "to": contract,
        "value": 0,
        "data": unsigned.data,
        "gas": 10**6,
        "maxFeePerGas": 10**9,
        "maxPriorityFeePerGas": 10**8,
    }
    if new:
        asked = {"chainId": CHAIN, "address": contract, "nonce": 0}
        fields["authorizationList"] = [Account.sign_authorization(asked, each) for each, _ in keys]
    theirs = Account.sign_transaction(fields, hot_secret)

    ours = await sign(unsigned, hot)

    assert ours.raw == bytes(theirs.raw_transaction)
    assert ours.txid == theirs.hash.to_0x_hex()


def test_the_contracts_address_is_made_of_its_code_and_of_whom_it_pays():
    with CONTRACTS.open() as file:
        compiled = json.load(file)["TokenSweeper"]["bytecode"]
    one, other = (address_of(key(number)[1].public_key) for number in (1, 2))
    code = keccak(deploy_call(one)[32:])
    made = keccak(b"\xff" + bytes.fromhex(FACTORY[2:]) + bytes(32) + code)[-20:]

    assert "0x" + CREATION_CODE.hex() == compiled
    assert sweeper_address(one).lower() == "0x" + made.hex()
    assert sweeper_address(one) != sweeper_address(other)


def test_only_a_delegation_is_read_as_one():
    contract = sweeper_address(TOKEN)

    assert delegation_of("0xef0100" + contract[2:].lower()) == contract
    for code in ("0x", "", "0xef0100", "0x6000" + contract[2:], "0xef0100" + contract[2:] + "00"):
        assert delegation_of(code) is None
