"""What the signer refuses. It was not asked whether a payment is wise, only whether it was decided.

Everything here is pure: a plan as the rows describe it goes in, a refusal comes out or nothing. The
same rules were applied before the payment was made; they are applied again because whoever can
write to a task queue must not be able to move coins.
"""

from __future__ import annotations

from compliance.tiers import LIMITS, Flow, Tier
from domain.errors import NotAllowed, Unavailable
from domain.payment import PaymentKind, PaymentStatus
from domain.withdrawal import WithdrawalKind, WithdrawalStatus
from storage.signing_plan import ApprovedWithdrawal, Attempt, Plan, PlannedOutput

_BUMP_NUMERATOR, _BUMP_DENOMINATOR = 9, 8
"""Each attempt pays at least 12.5 % more than the one before."""

_PAYABLE = frozenset({WithdrawalStatus.RESERVED, WithdrawalStatus.BROADCAST, WithdrawalStatus.SEEN})
_FOUR_EYES = 2

_HOUSE_PAYEES: dict[PaymentKind, frozenset[str]] = {
    PaymentKind.SWEEP: frozenset({"hot"}),
    PaymentKind.GAS: frozenset({"deposit"}),
    PaymentKind.FILL: frozenset({"hot"}),
    PaymentKind.CONSOLIDATION: frozenset({"hot"}),
    PaymentKind.COLD: frozenset({"cold"}),
    PaymentKind.WARM: frozenset({"warm"}),
    PaymentKind.BATCH_SWEEP: frozenset({"hot"}),
}
"""Whom payments that are not withdrawals may pay."""


class SigningRefused(NotAllowed):
    """The plan breaks a rule; it will break it again."""

    code = "signing_refused"


class SigningPaused(Unavailable):
    """Withdrawals are stopped, or too much was signed this hour: it may be signed later."""

    code = "signing_paused"


def check(plan: Plan) -> None:
    """Raise SigningRefused or SigningPaused unless this plan may be signed now."""
    if plan.status not in (PaymentStatus.RESERVED, PaymentStatus.SIGNED):
        raise SigningRefused(f"payment {plan.payment_id} is {plan.status}")
    _check_source(plan)
    _check_gathering(plan)
    _check_fees(plan)
    if not plan.outputs:
        raise SigningRefused(f"payment {plan.payment_id} pays nobody")
    if sum(output.units for output in plan.outputs) != plan.units:
        raise SigningRefused("the outputs do not add up to the payment")
    for output in plan.outputs:
        if plan.kind is PaymentKind.WITHDRAWAL:
            _check_payee(plan, output)
        else:
            _check_house_payee(plan, output)
    if plan.kind is PaymentKind.WITHDRAWAL and not _is_replacement(plan):
        _check_stops(plan)


def _check_source(plan: Plan) -> None:
    if plan.chain == "ethereum":
        if plan.nonce is None or plan.nonce_owner != plan.payment_id:
            raise SigningRefused("the nonce is not reserved for this payment")
        if plan.from_key is None:
            raise SigningRefused(f"no key of ours belongs to {plan.from_address}")
        return
    if not plan.inputs:
        raise SigningRefused("no inputs are reserved for this payment")
    own = {each.txid for each in (*plan.earlier, plan.attempt)}
    for spent in plan.inputs:
        if spent.key is None:
            raise SigningRefused(f"no key of ours belongs to {spent.address}")
        if spent.spent_txid is not None and spent.spent_txid not in own:
            raise SigningRefused(f"{spent.txid}:{spent.vout} is spent by {spent.spent_txid}")


def _check_gathering(plan: Plan) -> None:
    """Deposit addresses delegate for a sweep of their own tokens into the hot wallet, no more."""
    if plan.kind is not PaymentKind.BATCH_SWEEP:
        if plan.sources:
            raise SigningRefused(f"a {plan.kind} payment gathers from nobody")
        return
    if plan.contract is None or len({each.address for each in plan.sources}) != len(plan.sources):
        raise SigningRefused("only tokens are gathered, once from each address")
    if sum(each.units for each in plan.sources) != plan.units:
        raise SigningRefused("the gathered units do not add up to the payment")
    if [output.address for output in plan.outputs] != [plan.from_address]:
        raise SigningRefused("what is gathered goes to the wallet that pays for it")
    for each in plan.sources:
        if each.key is None or each.key.path is None:
            raise SigningRefused(f"{each.address} is no deposit address of ours")


def _check_fees(plan: Plan) -> None:
    fees, cap = plan.attempt.fees, plan.limits.fee_rate_cap
    if not 0 < fees.fee_rate <= cap:
        raise SigningRefused(f"fee rate {fees.fee_rate} is outside the policy's {cap}")
    if plan.chain == "ethereum":
        _check_gas(plan)
    for earlier in plan.earlier:
        if not _is_bumped(earlier, plan.attempt):
            raise SigningRefused(f"pays less than 12.5 % more than attempt {earlier.number}")


def _check_gas(plan: Plan) -> None:
    fees = plan.attempt.fees
    if fees.gas_limit is None or fees.tip_rate is None:
        raise SigningRefused("no gas limit or tip is planned")
    if not 0 < fees.tip_rate <= fees.fee_rate:
        raise SigningRefused("the tip is above the fee cap")
    if fees.gas_limit * fees.fee_rate != fees.fee_units_max:
        raise SigningRefused("gas limit times fee cap is not the planned fee")


def _is_bumped(old: Attempt, new: Attempt) -> bool:
    def enough(before: int, after: int) -> bool:
        return after * _BUMP_DENOMINATOR >= before * _BUMP_NUMERATOR

    if new.fees.tip_rate is None or old.fees.tip_rate is None:
        return enough(old.fees.fee_units_max, new.fees.fee_units_max)
    return enough(old.fees.fee_rate, new.fees.fee_rate) and enough(
        old.fees.tip_rate, new.fees.tip_rate
    )


def _check_payee(plan: Plan, output: PlannedOutput) -> None:
    asked = output.withdrawal
    if asked is None:
        raise SigningRefused(f"{output.address} is paid without a withdrawal")
    if output.house_kind is not None:
        raise SigningRefused(f"{output.address} is our own")
    if (asked.address, asked.units) != (output.address, output.units):
        raise SigningRefused(f"withdrawal {asked.id} asks for another payee or amount")
    if (asked.chain, asked.asset, asked.payment_id) != (plan.chain, plan.asset, plan.payment_id):
        raise SigningRefused(f"withdrawal {asked.id} belongs to another payment")
    if asked.kind is not WithdrawalKind.CHAIN or asked.status not in _PAYABLE:
        raise SigningRefused(f"withdrawal {asked.id} is {asked.status}")
    _check_approval(asked, plan.limits.four_eyes_units)
    if not _is_replacement(plan):
        _check_limits(asked)


def _check_approval(asked: ApprovedWithdrawal, four_eyes_units: int) -> None:
    if asked.is_listed:
        raise SigningRefused(f"withdrawal {asked.id} pays a listed address")
    if asked.approved_at is None or not asked.is_screened_clear:
        raise SigningRefused(f"withdrawal {asked.id} is not approved")
    needed = max(asked.approvals_needed, _FOUR_EYES if asked.units >= four_eyes_units else 0)
    if len(asked.officers) < needed:
        raise SigningRefused(
            f"withdrawal {asked.id} needs {needed} officers, {len(asked.officers)} approved"
        )
    if asked.allow_list_only and not asked.is_on_allow_list:
        raise SigningRefused(f"withdrawal {asked.id} pays an address off the allow-list")


def _check_limits(asked: ApprovedWithdrawal) -> None:
    """By the tier as it is now: one that was lowered since the request counts."""
    limit = LIMITS[Tier(asked.tier)][Flow.WITHDRAW]
    day_max, month_max = limit.day_units, limit.month_units
    if (
        not asked.counts_for_limits
        or (day_max is not None and asked.day_value_units > day_max)
        or (month_max is not None and asked.month_value_units > month_max)
    ):
        raise SigningRefused(f"withdrawal {asked.id} exceeds the limits of tier {asked.tier}")


def _check_house_payee(plan: Plan, output: PlannedOutput) -> None:
    if output.withdrawal is not None or output.house_kind not in _HOUSE_PAYEES[plan.kind]:
        raise SigningRefused(f"a {plan.kind} payment may not pay {output.address}")
    if plan.kind is PaymentKind.FILL and (
        output.units or plan.contract or output.address != plan.from_address
    ):
        raise SigningRefused("a gap is filled with nothing, to ourselves")


def _check_stops(plan: Plan) -> None:
    """A replacement passes: its first attempt may be anywhere, and must be able to confirm.

    Above the hourly limit only what officers looked at is signed.
    """
    if not plan.limits.is_enabled:
        raise SigningPaused(f"withdrawals of {plan.asset} are stopped")
    breaker_is_open = plan.limits.hourly_units + plan.units > plan.limits.hourly_units_max
    if breaker_is_open and not all(o.withdrawal and o.withdrawal.officers for o in plan.outputs):
        raise SigningPaused(f"the hourly limit of {plan.asset} is reached")


def _is_replacement(plan: Plan) -> bool:
    return any(attempt.txid is not None for attempt in plan.earlier)
