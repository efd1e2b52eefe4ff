"""Whatever a customer can be told by a code of ours stands in words on the pages, in each language.

That both languages have the same keys, the compiler sees to: `de` is typed by `en`.
"""

from __future__ import annotations

import re
from pathlib import Path

from api.errors import ERRORS
from compliance.kyc import KycState
from domain.deposit import DepositStatus
from domain.market import MarketState
from domain.withdrawal import WithdrawalStatus
from domain.withdrawal_estimate import WaitsFor
from engine.events import REASON_NAMES
from storage.order_rows import OrderStatus
from storage.statements import Purpose

ROOT = Path(__file__).parent.parent.parent
WORDS, API = ROOT / "web/src/lib/i18n/en", ROOT / "api"
_KEY = re.compile(r"^  '([a-z0-9_.]+)': '", re.MULTILINE)
OF_MACHINES = {"webhook_forged", "webhook_stale"}
"""Answers to the identity vendor."""


def words() -> set[str]:
    return {key for file in WORDS.glob("*.ts") for key in _KEY.findall(file.read_text())}


def recorded_actions() -> set[str]:
    """What the account remembers of its own actions, by the calls that record it."""
    calls = re.compile(r'(?:\.action\(|_record\([a-z_.\[\]0]+, (?:caller, )?)"([a-z_]+)"')
    return {name for file in API.rglob("*.py") for name in calls.findall(file.read_text())}


def test_every_action_of_an_account_has_words():
    actions = recorded_actions()

    assert {"logged_in", "registered_again", "webhook_created", "allow_list_changed"} <= actions
    assert {f"action_done.{action}" for action in actions} - words() == set()


def test_every_code_has_words():
    codes = (
        {f"refusal.{code}" for code in ERRORS.keys() - OF_MACHINES}
        | {f"reason.{name}" for number, name in REASON_NAMES.items() if number}
        | {f"kyc.{state}" for state in KycState}
        | {f"purpose.{purpose}" for purpose in Purpose}
        | {f"waits.{what}" for what in WaitsFor}
        | {f"market.state.{state}" for state in MarketState}
        | {f"order.status.{status}" for status in OrderStatus}
        | {f"deposit.status.{status}" for status in DepositStatus}
        | {f"withdrawal.status.{status}" for status in WithdrawalStatus}
    )

    assert codes - words() == set()
