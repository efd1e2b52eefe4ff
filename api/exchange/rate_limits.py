"""How often a key, an account or an address may ask: token buckets in Valkey.

All processes of the API share the buckets. A busy caller's tokens are fetched some at a time, so
that not every request waits for Valkey; while Valkey is away each process counts for itself.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from api.exchange.token_bucket import TokenBucket
from domain.errors import RateLimited

_AHEAD_MAX = 32
"""Tokens a process may hold in advance; they are lost when the caller pauses."""
_HELD_SECONDS = 0.5
_REST_SECONDS = 1.0
"""How long Valkey is left alone after it did not answer."""
_MEMORY_SIZE = 50_000

# All the buckets or none: a request refused by one of them costs nothing in the others.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local tokens, granted, short = {}, {}, false
for i, name in ipairs(KEYS) do
    local rate, burst = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2])
    local least, most = tonumber(ARGV[4 * i - 1]), tonumber(ARGV[4 * i])
    local kept = redis.call('HMGET', name, 'tokens', 'at')
    local had, at = tonumber(kept[1]) or burst, tonumber(kept[2]) or now
    tokens[i] = math.min(burst, had + math.max(0, now - at) * rate)
    granted[i] = math.min(most, math.floor(tokens[i]))
    if granted[i] < least then short = true end
end
local answer = {}
for i, name in ipairs(KEYS) do
    if short then granted[i] = 0 end
    tokens[i] = tokens[i] - granted[i]
    local rate, burst = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2])
    redis.call('HSET', name, 'tokens', tostring(tokens[i]), 'at', tostring(now))
    redis.call('PEXPIRE', name, math.ceil(burst / rate * 1000) + 1000)
    answer[2 * i - 1], answer[2 * i] = granted[i], tostring(tokens[i])
end
return answer
"""


@dataclass(frozen=True, slots=True)
class Policy:
    """`per_second` in the long run, `burst` at once."""

    name: str
    per_second: float
    burst: int

    @property
    def window_seconds(self) -> int:
        return math.ceil(self.burst / self.per_second)


@dataclass(frozen=True, slots=True)
class Subject:
    policy: Policy
    id: str

    @property
    def bucket(self) -> str:
        return f"rate:{self.policy.name}:{self.id}"


@dataclass(slots=True)
class Standing:
    """How a caller stands with the policy that is nearest to refusing."""

    policy: Policy
    remaining: float
    reset_seconds: int


class TooOften(RateLimited):
    def __init__(self, standing: Standing, weight: int) -> None:
        policy = standing.policy
        missing = min(weight, policy.burst) - standing.remaining
        seconds = max(1, math.ceil(missing / policy.per_second))
        super().__init__(
            f"more than {policy.per_second:g} a second for this {policy.name}; wait {seconds} s",
            retry_after_seconds=str(seconds),
            policy=policy.name,
        )
        self.standing = standing


@dataclass(slots=True)
class _Held:
    tokens: int = 0
    ahead: int = 0
    remaining: float = 0.0
    until: float = 0.0


class RateLimits:
    def __init__(self, valkey: Valkey, *, factor: float = 1.0) -> None:
        """`factor` widens every policy: for a machine on which all callers share an address."""
        self._script = valkey.register_script(_TAKE)
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._own: OrderedDict[str, TokenBucket] = OrderedDict()
        self._away_until = 0.0
        self.key = _policy("key", 100, 500, factor)
        self.account = _policy("account", 200, 1_000, factor)
        self.address = _policy("address", 50, 300, factor)

    def of_account(self, customer_id: int, key_id: str | None) -> list[Subject]:
        subjects = [Subject(self.account, str(customer_id))]
        if key_id is not None:
            subjects.append(Subject(self.key, key_id))
        return subjects

    def of_address(self, ip: str) -> list[Subject]:
        return [Subject(self.address, ip)]

    async def take(self, subjects: Sequence[Subject], weight: int) -> Standing:
        """Charge each subject. Raises RateLimited, and then none was charged."""
        now = time.monotonic()
        held = [self._held_by(subject) for subject in subjects]
        if not all(each.tokens >= weight and each.until > now for each in held):
            refused = await self._fetch(subjects, held, weight, now)
            if refused is not None:
                raise TooOften(refused, weight)
        for each in held:
            each.tokens = max(0, each.tokens - weight)
        return min(
            (_standing(subject, each) for subject, each in zip(subjects, held, strict=True)),
            key=lambda standing: standing.remaining / standing.policy.burst,
        )

    async def _fetch(
        self, subjects: Sequence[Subject], held: Sequence[_Held], weight: int, now: float
    ) -> Standing | None:
        """Hold enough for `weight`; else how the one stands that has not enough."""
        if now < self._away_until:
            return self._take_own(subjects, held, weight)
        arguments: list[float | int] = []
        for subject, each in zip(subjects, held, strict=True):
            policy, missing = subject.policy, _missing(subject, each, weight, now)
            arguments += [policy.per_second, policy.burst, missing, missing + _ahead(each, now)]
        try:
            answer = await self._script([each.bucket for each in subjects], arguments)
        except (ValkeyError, OSError):
            self._away_until = now + _REST_SECONDS
            return self._take_own(subjects, held, weight)
        is_short = False
        for subject, each, granted, left in zip(
            subjects, held, answer[::2], answer[1::2], strict=True
        ):
            is_short |= int(granted) < _missing(subject, each, weight, now)
            each.tokens = int(granted) + (each.tokens if each.until > now else 0)
            each.remaining, each.until = float(left), now + _HELD_SECONDS
        return _nearest(subjects, held) if is_short else None

    def _take_own(
        self, subjects: Sequence[Subject], held: Sequence[_Held], weight: int
    ) -> Standing | None:
        for subject, each in zip(subjects, held, strict=True):
            bucket = self._own.get(subject.bucket)
            if bucket is None:
                bucket = TokenBucket(subject.policy.per_second, subject.policy.burst)
                self._own[subject.bucket] = bucket
                if len(self._own) > _MEMORY_SIZE:
                    self._own.popitem(last=False)
            each.remaining = 0.0
            if not bucket.take(min(weight, subject.policy.burst)):
                return _standing(subject, each)
            each.tokens = weight
        return None

    def _held_by(self, subject: Subject) -> _Held:
        held = self._held.get(subject.bucket)
        if held is None:
            held = self._held[subject.bucket] = _Held()
            if len(self._held) > _MEMORY_SIZE:
                self._held.popitem(last=False)
        return held


def headers(standing: Standing) -> list[tuple[bytes, bytes]]:
    """draft-ietf-httpapi-ratelimit-headers: what the policy is, and what is left of it."""
    policy = standing.policy
    announced = f'"{policy.name}";q={policy.burst};w={policy.window_seconds}'
    left = max(0, int(standing.remaining))
    return [
        (b"ratelimit-policy", announced.encode()),
        (b"ratelimit", f'"{policy.name}";r={left};t={standing.reset_seconds}'.encode()),
    ]


def _policy(name: str, per_second: float, burst: int, factor: float) -> Policy:
    return Policy(name, per_second * factor, max(1, int(burst * factor)))


def _missing(subject: Subject, held: _Held, weight: int, now: float) -> int:
    have = held.tokens if held.until > now else 0
    return max(0, min(weight, subject.policy.burst) - have)


def _ahead(held: _Held, now: float) -> int:
    """More each time for those who come back soon, nothing in advance for the others."""
    held.ahead = min(_AHEAD_MAX, 2 * held.ahead + 1) if held.until > now else 0
    return held.ahead


def _standing(subject: Subject, held: _Held) -> Standing:
    policy = subject.policy
    remaining = held.remaining + held.tokens
    reset = math.ceil((policy.burst - remaining) / policy.per_second)
    return Standing(policy, remaining, max(0, reset))


def _nearest(subjects: Sequence[Subject], held: Sequence[_Held]) -> Standing:
    standings = [_standing(subject, each) for subject, each in zip(subjects, held, strict=True)]
    return min(standings, key=lambda standing: standing.remaining)
