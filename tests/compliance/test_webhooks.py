import pytest

from compliance.webhooks import WebhookForged, WebhookStale, check_webhook, sign_webhook

SECRET, OTHER = b"secret", b"other"
BODY = b'{"event_id":"e1"}'
NOW = 1_800_000_000


def check(*, timestamp=str(NOW), signature=None, body=BODY, now=NOW, secrets=(SECRET,)):
    check_webhook(secrets, timestamp, signature or sign_webhook(SECRET, NOW, BODY), body, now)


@pytest.mark.parametrize("age", [-300, 0, 300])
def test_a_signed_call_is_good_for_five_minutes(age):
    check(now=NOW + age)


@pytest.mark.parametrize("age", [-301, 301, 10**6])
def test_an_older_or_future_one_is_stale(age):
    with pytest.raises(WebhookStale):
        check(now=NOW + age)


@pytest.mark.parametrize(
    "change",
    [
        {"body": BODY + b" "},
        {"timestamp": str(NOW + 1)},
        {"signature": "v1=00"},
        {"signature": "v0=" + sign_webhook(SECRET, NOW, BODY)[3:]},
        {"signature": sign_webhook(OTHER, NOW, BODY)},
        {"signature": "ü"},
        {"timestamp": "now"},
        {"timestamp": ""},
        {"timestamp": "-1"},
        {"timestamp": "9" * 13},
        {"timestamp": "١٢"},
        {"secrets": ()},
    ],
)
def test_anything_else_is_forged(change):
    with pytest.raises(WebhookForged):
        check(**change)


def test_both_secrets_count_while_one_replaces_the_other():
    check(secrets=(OTHER, SECRET))
