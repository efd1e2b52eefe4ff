"""PSBTs for offline keys, and children that pay for their parents."""

import pytest
from embit import ec
from embit.psbt import PSBT
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.addresses import p2wpkh_script
from chains.bitcoin.child_pays import StuckParent, child_for
from chains.bitcoin.fees import FeeCeilingReached, FeePolicy
from chains.bitcoin.psbt import PsbtMismatch, export, take_back
from chains.bitcoin.signer import sign
from tests.chains.builders import REGTEST, coin, key, unsigned

SCRIPT = p2wpkh_script(key(9).public_key)


def signed_offline(psbt_text: str, *owners: int) -> str:
    """As a hardware wallet does it."""
    psbt = PSBT.from_base64(psbt_text)
    for owner in owners:
        psbt.sign_with(ec.PrivateKey(owner.to_bytes(32, "big")))
    return psbt.to_base64()


async def test_an_exported_transaction_comes_back_as_we_would_have_signed_it():
    ours = unsigned(3)
    signers = {key(number).public_key: key(number) for number in (1, 2, 3)}

    back = take_back(ours, signed_offline(export(ours), 1, 2, 3))

    online = await sign(ours, signers, REGTEST)
    assert (back.txid, back.fee_satoshi) == (online.txid, online.fee_satoshi)


def test_a_device_can_show_the_fee():
    assert PSBT.from_base64(export(unsigned(2, fee=4_321))).fee() == 4_321


@pytest.mark.parametrize("owners", [(), (1,), (1, 2)])
def test_what_is_not_fully_signed_is_refused(owners: tuple[int, ...]):
    ours = unsigned(3)

    with pytest.raises(PsbtMismatch):
        take_back(ours, signed_offline(export(ours), *owners))


@pytest.mark.parametrize("text", ["", "nonsense", "cHNidP8="])
def test_what_is_no_psbt_is_refused(text: str):
    with pytest.raises(PsbtMismatch):
        take_back(unsigned(1), text)


def test_another_transaction_is_refused():
    other = signed_offline(export(unsigned(1, fee=9_999)), 1)

    with pytest.raises(PsbtMismatch, match="another transaction"):
        take_back(unsigned(1), other)


@given(
    vsize=st.integers(110, 1_000), paid=st.integers(110, 1_000), rate=st.integers(2_000, 100_000)
)
def test_parent_and_child_together_reach_the_rate(vsize: int, paid: int, rate: int):
    parent = StuckParent(vsize, paid, coin(1, 10**7))

    child = child_for(parent, SCRIPT, rate, FeePolicy(ceiling_satoshi_per_kvbyte=10**7))

    together = (child.fee_satoshi + paid) * 1000
    assert together >= rate * (vsize + child.vsize_max)


def test_a_child_that_costs_more_than_it_saves_is_refused():
    with pytest.raises(FeeCeilingReached):
        child_for(StuckParent(500, 100, coin(1, 3_000)), SCRIPT, 50_000, FeePolicy())
