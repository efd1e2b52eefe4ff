import hashlib

from hypothesis import given
from hypothesis import strategies as st

from chains.watch import AddressSet


def address(number: int) -> bytes:
    return hashlib.sha256(number.to_bytes(8, "big")).digest()[:20]


@given(st.sets(st.binary(min_size=20, max_size=20), max_size=60))
def test_what_was_added_is_found_however_it_was_merged(added: set[bytes]):
    watched = AddressSet(recent_max=7)
    for each in sorted(added):
        watched.add_all([each])

    assert all(each in watched for each in added)


def test_a_hundred_thousand_addresses_are_told_apart():
    watched = AddressSet()
    watched.add_all(address(number) for number in range(100_000))
    watched.add_all(address(number) for number in range(50_000, 100_100))

    assert all(address(number) in watched for number in range(100_100))
    assert not any(address(number) in watched for number in range(100_100, 120_000))
    assert len(watched) >= 100_100
