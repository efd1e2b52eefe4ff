"""Webhooks: what customers may be told of, where, and how a message is signed.

Signatures follow the Standard Webhooks specification, so its libraries verify ours: HMAC-SHA256
in base64 over `id.timestamp.body`, the timestamp in seconds.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from domain.errors import WebhookUrlRefused

SECRET_PREFIX = "whsec_"  # noqa: S105 - how the secrets begin, not one of them
SECRET_BYTES = 32
URL_LENGTH_MAX = 500
PORTS = (443, 8443)
"""Others belong to other protocols, and the addresses behind them to other people."""

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# The last label begins with a letter: `2130706433`, `0x7f.1` and `127.1` are no names, though
# resolvers take them for addresses.
_HOST = re.compile(r"^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z][a-z0-9-]{0,62}$")
_VISIBLE = re.compile(r"^[\x21-\x7e]+$")
_IPV6_UNICAST = ipaddress.IPv6Network("2000::/3")
_IPV6_TUNNELS = tuple(ipaddress.IPv6Network(each) for each in ("2001::/32", "2002::/16"))
"""Teredo and 6to4: an IPv4 address travels inside."""


class WebhookEvent(StrEnum):
    """What an endpoint may ask for."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    ORDER_FILLED = "order.filled"
    KYC = "kyc"


PING = "ping"
"""Sent on request only, to try an endpoint."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart: where to connect and what to ask for."""

    is_secure: bool
    host: str
    """A name, or an address without brackets."""
    port: int
    path: str
    """With the query."""


def check_url(url: str, *, allow_loopback: bool) -> Target:
    """Raises WebhookUrlRefused. What a name stands for is looked at when we connect.

    `allow_loopback`: of a development machine, where endpoints are on 127.0.0.1 and speak http.
    """
    if len(url) > URL_LENGTH_MAX or not _VISIBLE.match(url) or "\\" in url:
        raise WebhookUrlRefused(f"at most {URL_LENGTH_MAX} visible ASCII characters")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").removesuffix("."), parts.port
    except ValueError:
        raise WebhookUrlRefused("not a URL") from None
    is_secure = parts.scheme == "https"
    if not is_secure and not (allow_loopback and parts.scheme == "http"):
        raise WebhookUrlRefused("the URL must begin with https://")
    if "@" in parts.netloc or "#" in url:
        raise WebhookUrlRefused("neither user names nor fragments")
    port = port if port is not None else (443 if is_secure else 80)
    if port not in PORTS and not allow_loopback:
        raise WebhookUrlRefused(f"only the ports {PORTS[0]} and {PORTS[1]}")
    address = literal(host)
    if address is None and not _HOST.match(host):
        raise WebhookUrlRefused("not the name of a host")
    if address is not None and not may_reach(address, allow_loopback=allow_loopback):
        raise WebhookUrlRefused("not a public address")
    path = parts.path or "/"
    return Target(is_secure, host, port, f"{path}?{parts.query}" if parts.query else path)


def literal(host: str) -> IpAddress | None:
    """The address that `host` is written as; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def may_reach(address: IpAddress, *, allow_loopback: bool) -> bool:
    """Whether a customer may have us connect there: public unicast addresses, nothing of ours."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return may_reach(address.ipv4_mapped, allow_loopback=allow_loopback)
        if address.is_loopback:
            return allow_loopback
        is_tunnel = any(address in network for network in _IPV6_TUNNELS)
        return address in _IPV6_UNICAST and address.is_global and not is_tunnel
    if address.is_loopback:
        return allow_loopback
    return address.is_global and not address.is_multicast and not address.is_reserved


def sign(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` header: one signature a secret, spaces between."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{_mac(secret, signed)}" for secret in secrets)


def _mac(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
