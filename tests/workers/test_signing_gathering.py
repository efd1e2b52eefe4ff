"""What the signer lets deposit addresses delegate for: a sweep into the paying wallet, no more."""

from dataclasses import replace
from typing import Any

import pytest

from activities.signing_rules import SigningRefused, check
from domain.payment import PaymentKind, PaymentStatus
from storage.signing_plan import (
    Attempt,
    Fees,
    KeyLocation,
    Limits,
    Plan,
    PlannedOutput,
    PlannedSource,
)

HOT, OTHER = "0x" + "1" * 40, "0x" + "2" * 40
DEPOSIT = KeyLocation(seed_id="deposits-1", path="m/44'/60'/0'/0/7")


def source(number: int, **changes: Any) -> PlannedSource:
    return replace(PlannedSource(f"0x{number:040d}", 10, 0, DEPOSIT), **changes)


PLAN = Plan(
    payment_id="p",
    chain="ethereum",
    kind=PaymentKind.BATCH_SWEEP,
    status=PaymentStatus.RESERVED,
    asset="USDT",
    contract="0x" + "3" * 40,
    units=20,
    from_address=HOT,
    from_key=KeyLocation(key_id="alias/hot"),
    nonce=1,
    nonce_owner="p",
    outputs=[PlannedOutput(HOT, 20, None, "hot")],
    inputs=[],
    attempt=Attempt(1, Fees(100, 1, 500_000, 50_000_000), None, None, None),
    earlier=[],
    limits=Limits(1_000, True, 10, 10, 0),
    sources=[source(1), source(2, authorization_nonce=None)],
)


def test_a_sweep_of_deposit_addresses_is_signed():
    check(PLAN)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sources": [source(1)]}, "do not add up"),
        ({"sources": [source(1), source(1)]}, "once from each"),
        ({"sources": [source(1), source(2, key=None)]}, "no deposit address"),
        ({"sources": [source(1), source(2, key=KeyLocation(key_id="alias/hot"))]}, "no deposit"),
        ({"sources": []}, "do not add up"),
        ({"contract": None}, "only tokens"),
        ({"outputs": [PlannedOutput(OTHER, 20, None, "hot")]}, "wallet that pays"),
        ({"outputs": [PlannedOutput(HOT, 20, None, "cold")]}, "may not pay"),
        ({"outputs": [PlannedOutput(HOT, 20, None, None)]}, "may not pay"),
        ({"kind": PaymentKind.SWEEP}, "gathers from nobody"),
        ({"kind": PaymentKind.WITHDRAWAL}, "gathers from nobody"),
        ({"nonce_owner": "other"}, "nonce"),
    ],
)
def test_nothing_else_is(changes: dict[str, Any], reason: str):
    with pytest.raises(SigningRefused, match=reason):
        check(replace(PLAN, **changes))
