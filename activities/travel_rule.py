"""The travel rule at work: our customer's data goes out, a stranger's is waited for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec
from temporalio import activity

from activities.kyc import about_customer
from activities.screening_messages import OriginatorCheck, ScreenAddress
from compliance.profile import Profile
from compliance.travel_rule import (
    THRESHOLD_UNITS,
    InvalidPayload,
    Transfer,
    is_due,
    originator_names,
    outgoing_payload,
)
from domain.errors import WrongState
from domain.ids import CustomerId
from streams.envelope import Envelope


class Network(Protocol):
    """The other exchanges. What is simulated behind it says so."""

    async def exchange_at(self, chain: str, address: str) -> str | None:
        """Whose address it is; None: nobody's who takes part, so the owner's own wallet."""

    async def send(self, payload: dict[str, Any]) -> None:
        """Returns when the other side has it. Repeating it is safe: it has a reference."""

    async def originator(self, chain: str, txid: str) -> dict[str, Any] | None:
        """What the sender's exchange says of a transaction; None: nothing yet."""


class Store(Protocol):
    async def value_units(self, asset: str, amount: str) -> int: ...
    async def write_down(
        self, reference: str, customer_id: int, direction: str, state: str, sealed: bytes | None
    ) -> None: ...


class Originators(Protocol):
    async def weigh(self, asked: ScreenAddress, names: Sequence[str]) -> OriginatorCheck: ...


class Profiles(Protocol):
    async def profile(self, customer_id: CustomerId) -> bytes | None: ...


class TravelRule:
    def __init__(
        self,
        store: Store,
        profiles: Profiles,
        network: Network,
        envelope: Envelope,
        originators: Originators,
        threshold_units: int = THRESHOLD_UNITS,
    ) -> None:
        self._store = store
        self._profiles = profiles
        self._network = network
        self._envelope = envelope
        self._originators = originators
        self._threshold_units = threshold_units

    def all(self) -> Sequence[Callable[..., Any]]:
        return [self.send, self.screen_originator, self.has_originator]

    async def is_due(self, asked: ScreenAddress) -> bool:
        value_units = await self._store.value_units(asked.asset, asked.amount)
        return is_due(value_units, self._threshold_units)

    @activity.defn(name="send_travel_rule")
    async def send(self, asked: ScreenAddress) -> str:
        """Tell the beneficiary's exchange who sends. Repeated, it sends the same under one name.

        What was sent is kept, sealed, also where nobody is there to receive it: the law asks for
        the data, and only then for the sending. Tried until it is done: without profile or
        counterparty the withdrawal waits, and staff see why.
        """
        transfer = Transfer(
            asked.reference, asked.chain, asked.asset, asked.amount, asked.addresses[0]
        )
        profile = await self._profile(asked.customer_id)
        beneficiary = await self._network.exchange_at(transfer.chain, transfer.address)
        payload = outgoing_payload(profile, asked.customer_id, transfer, beneficiary or "")
        if beneficiary is not None:
            await self._network.send(payload)
        state = "not_needed" if beneficiary is None else "sent"
        await self._keep(asked, "outgoing", state, payload)
        return state

    @activity.defn(name="screen_originator")
    async def screen_originator(self, asked: ScreenAddress) -> OriginatorCheck:
        """Whether the sender's data is there by now, and names nobody on a list.

        What came is kept, sealed. A repeat asks, keeps and weighs again.
        """
        payload = await self._network.originator(asked.chain, asked.txid)
        names: list[str] = []
        if payload is not None:
            try:
                names = originator_names(payload)
            except InvalidPayload:
                payload = None  # Half a message is none.
        state = "awaited" if payload is None else "received"
        await self._keep(asked, "incoming", state, payload)
        if payload is None:
            return OriginatorCheck(has_arrived=False)
        return await self._originators.weigh(asked, names)

    @activity.defn(name="has_originator")
    async def has_originator(self, asked: ScreenAddress) -> bool:
        """For workflows begun before names were weighed: a hit leaves the deposit in quarantine."""
        return (await self.screen_originator(asked)).is_clear

    async def _keep(
        self, asked: ScreenAddress, direction: str, state: str, payload: dict[str, Any] | None
    ) -> None:
        sealed = None
        if payload is not None:
            about = about_customer(CustomerId(asked.customer_id))
            sealed = await self._envelope.seal_packed(msgspec.json.encode(payload), about)
        await self._store.write_down(asked.reference, asked.customer_id, direction, state, sealed)

    async def _profile(self, customer_id: int) -> Profile:
        sealed = await self._profiles.profile(CustomerId(customer_id))
        if sealed is None:
            raise WrongState(f"customer {customer_id} has no profile")
        about = about_customer(CustomerId(customer_id))
        plain = await self._envelope.open_packed(sealed, about)
        return msgspec.json.decode(plain, type=Profile)
