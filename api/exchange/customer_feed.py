"""What a customer's own channel says, for as long as somebody here wants to know."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

import msgspec

from domain.ids import CustomerId
from streams.market_data import OrderReports, customer_channel
from streams.notices import BalanceNotice, DepositNotice, WithdrawalNotice

logger = logging.getLogger(__name__)

Message = OrderReports | DepositNotice | WithdrawalNotice | BalanceNotice
Listener = Callable[[CustomerId, Message], None]

_PREFIX = customer_channel(0)[:-1]
_LINGER_SECONDS = 60.0
_SWEEP_SECONDS = 10.0
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


class Channels(Protocol):
    async def subscribe(self, *channels: str) -> None: ...
    async def unsubscribe(self, *channels: str) -> None: ...


class CustomerFeed:
    """Follows a channel from the first interest until a minute after the last."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        self._used_at: dict[CustomerId, float] = {}
        self._listeners: dict[CustomerId, set[Listener]] = defaultdict(set)
        self._everybody: list[Listener] = []

    def listen_to_all(self, listener: Listener) -> None:
        self._everybody.append(listener)

    async def follow(self, customer_id: CustomerId) -> None:
        """Hear what happens to this customer from now on; cheap when that is so already."""
        is_new = customer_id not in self._used_at
        self._used_at[customer_id] = time.monotonic()
        if is_new:
            await self._channels.subscribe(customer_channel(customer_id))

    async def add(self, customer_id: CustomerId, listener: Listener) -> None:
        self._listeners[customer_id].add(listener)
        await self.follow(customer_id)

    def remove(self, customer_id: CustomerId, listener: Listener) -> None:
        listeners = self._listeners.get(customer_id)
        if listeners is not None:
            listeners.discard(listener)
            if not listeners:
                del self._listeners[customer_id]

    def handle(self, channel: str, text: bytes) -> None:
        customer_id = CustomerId(int(channel.removeprefix(_PREFIX)))
        try:
            message = _decoder.decode(text)
        except msgspec.DecodeError as fault:
            logger.warning("a notice of an unknown kind", extra={"fault": str(fault)[:200]})
            return
        for listener in self._everybody:
            listener(customer_id, message)
        for listener in tuple(self._listeners.get(customer_id, ())):
            listener(customer_id, message)

    async def forget_idle(self) -> None:
        """Drop channels nobody used lately; runs for ever."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            before = time.monotonic() - _LINGER_SECONDS
            idle = [
                customer_id
                for customer_id, used_at in self._used_at.items()
                if used_at < before and customer_id not in self._listeners
            ]
            for customer_id in idle:
                del self._used_at[customer_id]
            if idle:
                await self._channels.unsubscribe(*(customer_channel(each) for each in idle))


def owns(channel: str) -> bool:
    return channel.startswith(_PREFIX)
