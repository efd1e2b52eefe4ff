import pytest

from compliance.monitoring import (
    DAY,
    DORMANT_DAYS,
    REPORTED_FROM,
    STRUCTURING_MIN,
    VELOCITY_COUNT,
    Movement,
    Rule,
    alerts,
)

NOW = 20_000 * DAY + 3_600
THOUSAND = 1_000 * 10**6


def deposit(value: int, hours_ago: int = 1, *, mixer: bool = False) -> Movement:
    return Movement(f"deposit/{value}-{hours_ago}", True, value, NOW - hours_ago * 3600, mixer)


def withdrawal(value: int, hours_ago: int = 1, *, mixer: bool = False) -> Movement:
    at = NOW - hours_ago * 3600
    return Movement(f"withdrawal/{value}-{hours_ago}", False, value, at, mixer)


def rules(*movements: Movement) -> set[Rule]:
    return {alert.rule for alert in alerts(sorted(movements, key=lambda each: each.at), NOW)}


def test_an_ordinary_day_raises_nothing():
    assert rules(deposit(2 * THOUSAND, 5), withdrawal(THOUSAND, 2)) == set()
    assert rules() == set()


def test_three_amounts_just_below_the_report_are_structuring():
    near = [deposit(REPORTED_FROM - 1, hours) for hours in (1, 2, 3)]

    assert rules(*near) == {Rule.STRUCTURING}
    assert rules(*near[:2]) == set()
    assert Rule.STRUCTURING not in rules(*(deposit(REPORTED_FROM, hours) for hours in (1, 2, 3)))
    assert Rule.STRUCTURING not in rules(
        *(deposit(STRUCTURING_MIN - 1, hours) for hours in (1, 2, 3))
    )


def test_deposits_and_withdrawals_are_not_structured_together():
    mixed = [
        withdrawal(REPORTED_FROM - 1, 3),
        deposit(REPORTED_FROM - 1, 2),
        deposit(REPORTED_FROM - 1, 1),
    ]

    assert Rule.STRUCTURING not in rules(*mixed)


def test_very_many_movements_are_velocity():
    many = [deposit(THOUSAND, 1) for _ in range(VELOCITY_COUNT)]

    assert rules(*many) == {Rule.VELOCITY}
    assert rules(*many[1:]) == set()


def test_ten_times_the_usual_is_velocity_and_the_usual_is_not():
    past = [deposit(60 * THOUSAND, 24 * days) for days in range(2, 40)]

    assert rules(*past, deposit(200 * THOUSAND)) == {Rule.VELOCITY}
    assert rules(*past, deposit(60 * THOUSAND)) == set()


def test_a_first_large_deposit_is_not_unusual():
    assert rules(deposit(500 * THOUSAND)) == set()


@pytest.mark.parametrize(("days", "expected"), [(DORMANT_DAYS, True), (DORMANT_DAYS - 1, False)])
def test_waking_after_three_months_with_much_is_told(days, expected):
    past = deposit(THOUSAND, 24 * days + 1)

    assert (Rule.DORMANT_THEN_ACTIVE in rules(past, deposit(5 * THOUSAND))) is expected
    assert Rule.DORMANT_THEN_ACTIVE not in rules(past, deposit(5 * THOUSAND - 1))


def test_what_comes_and_goes_within_a_day_passes_through():
    assert rules(deposit(10 * THOUSAND, 5), withdrawal(9 * THOUSAND, 1)) == {Rule.PASS_THROUGH}
    assert rules(deposit(10 * THOUSAND, 5), withdrawal(9 * THOUSAND - 1, 1)) == set()
    assert rules(withdrawal(9 * THOUSAND, 5), deposit(10 * THOUSAND, 1)) == set()


def test_a_mixer_is_told_whatever_the_amount():
    assert rules(deposit(1, mixer=True)) == {Rule.MIXER_EXPOSURE}
    assert rules(withdrawal(1, mixer=True)) == {Rule.MIXER_EXPOSURE}
    assert rules(deposit(1, 25, mixer=True)) == set()


def test_an_alert_names_what_gave_rise_to_it():
    found = alerts([deposit(10 * THOUSAND, 5), withdrawal(10 * THOUSAND, 1)], NOW)[0]

    assert found.references == ("deposit/10000000000-5", "withdrawal/10000000000-1")
    assert found.sentence == "10,000 USDT came and 10,000 USDT left within a day"
    assert found.day == NOW // DAY
