"""Where webhooks may go, and how they are signed."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import WebhookUrlRefused
from domain.webhook import Target, check_url, may_reach, sign

SAMPLE_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_a_signature_is_that_of_the_specification():
    """The sample of Standard Webhooks."""
    signed = sign(
        [SAMPLE_SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )

    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_two_secrets_give_two_signatures():
    one = sign([SAMPLE_SECRET], "a", 1, b"{}")
    other = sign(["whsec_AAAA"], "a", 1, b"{}")

    assert sign([SAMPLE_SECRET, "whsec_AAAA"], "a", 1, b"{}") == f"{one} {other}"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.com", Target(True, "example.com", 443, "/")),
        ("https://Example.com:8443/a/b?c=d", Target(True, "example.com", 8443, "/a/b?c=d")),
        ("https://example.com?x", Target(True, "example.com", 443, "/?x")),
        ("https://example.com.//other.com/", Target(True, "example.com", 443, "//other.com/")),
        ("https://8.8.8.8/a", Target(True, "8.8.8.8", 443, "/a")),
        ("https://[2606:4700::1111]/", Target(True, "2606:4700::1111", 443, "/")),
    ],
)
def test_a_good_url_is_taken_apart(url: str, target: Target):
    assert check_url(url, allow_loopback=False) == target


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "//example.com/",
        "example.com",
        "https://",
        "https:///path",
        "https://user:pass@example.com/",
        "https://example.com@127.0.0.1/",
        "https://example.com/#part",
        "https://example.com:22/",
        "https://example.com:80/",
        "https://example.com:99999/",
        "https://example.com:x/",
        "https://example.com\\@127.0.0.1/",
        "https://exa mple.com/",
        "https://example.com/\r\nHost: other",
        "https://ex\u00e4mple.com/",
        "https://example\u3002com/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://0/",
        "https://0.0.0.0/",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
        "https://[fe80::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fd00::1]/",
        "https://[fd00:ec2::254]/",
        "https://[ff02::1]/",
        "https://[2001:db8::1]/",
        "https://-example.com/",
        "https://example..com/",
        "https://example.com/" + "a" * 500,
    ],
)
def test_what_leads_elsewhere_is_refused(url: str):
    with pytest.raises(WebhookUrlRefused):
        check_url(url, allow_loopback=False)


def test_a_development_machine_has_loopback_and_nothing_more():
    assert check_url("http://127.0.0.1:9000/a", allow_loopback=True).port == 9000
    assert check_url("http://localhost:9000/", allow_loopback=True).host == "localhost"
    for url in ("http://10.0.0.1/", "http://169.254.169.254/", "http://[fd00::1]/"):
        with pytest.raises(WebhookUrlRefused):
            check_url(url, allow_loopback=True)


@given(st.ip_addresses(v=4))
def test_an_address_inside_another_family_is_judged_as_itself(address: ipaddress.IPv4Address):
    mapped = ipaddress.IPv6Address(f"::ffff:{address}")
    six_to_four = ipaddress.IPv6Address((0x2002 << 112) | (int(address) << 80))

    assert may_reach(mapped, allow_loopback=False) == may_reach(address, allow_loopback=False)
    assert not may_reach(six_to_four, allow_loopback=False)


@given(st.sampled_from(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
                        "127.0.0.0/8", "100.64.0.0/10", "0.0.0.0/8", "224.0.0.0/4"]),
       st.integers(min_value=0))  # fmt: skip
def test_no_address_of_a_private_network_is_reached(network: str, place: int):
    inside = ipaddress.IPv4Network(network)

    assert not may_reach(inside[place % inside.num_addresses], allow_loopback=False)
