"""Who may write a market group: a lease in DynamoDB, with an epoch that only ever rises.

The holder renews well before the lease ends by his own monotonic clock, and believes in it only
until then. A candidate watches the item's renewal counter and takes over when it stood still for a
whole lease, by the candidate's own clock: no two clocks are ever compared. Each takeover raises the
epoch, and everything written downstream carries it, so that a holder who slept through his lease
can be told from the one who replaced him.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from streams.aws import client, error_code

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

LEASE_SECONDS = 5.0
RENEW_SECONDS = 1.0
"""Four renewals may fail before the lease ends."""


class LeaseLost(Exception):
    """Somebody else holds the lease now, or may. Stop at once; nothing more may be published."""


class ForeignJournal(Exception):
    """The last holder wrote another journal than the candidate has. Only a human may decide."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The lease item as it was read."""

    epoch: int
    renewals: int
    holder: str
    journal: str = ""
    """Which journal its holder wrote (streams.journal_identity); empty before one had a name."""


class Lease:
    """One market group's lease, from a candidate's and then a holder's point of view."""

    def __init__(
        self,
        table: str,
        group: str,
        holder: str,
        *,
        seconds: float = LEASE_SECONDS,
        is_gone: Callable[[str], bool] = lambda _: False,
        dynamodb: DynamoDBClient | None = None,
        journal: str = "",
        adopts: bool = False,
    ) -> None:
        """`journal` names what this candidate would write; with `adopts` it takes the lease though
        the last holder wrote another one.
        """
        self._journal = journal
        self._adopts = adopts
        self._table = table
        self._group = group
        self._holder = holder
        self._seconds = seconds
        self._is_gone = is_gone
        """Whether a holder is known to have ended, so that his lease need not run out."""
        self._dynamodb = dynamodb or client("dynamodb")
        self._watched: tuple[Seen | None, float] | None = None
        self._renewals = 0
        self._good_until = 0.0
        self.epoch = 0
        """Ours, once the lease is held."""

    def is_held(self) -> bool:
        """Whether nobody else can have taken over yet. Cheap: asks only the clock."""
        return time.monotonic() < self._good_until

    def require(self) -> None:
        """Raises LeaseLost unless the lease is held at this moment."""
        if not self.is_held():
            raise LeaseLost(f"the lease of {self._group} may have been taken over")

    async def try_acquire(self, *, above_epoch: int = 0) -> bool:
        """Take the lease if it is free, or was left by its holder for a whole lease.

        The new epoch is above the last holder's and above `above_epoch`: what the journal knows
        counts even if the table was restored from an older copy. Raises ForeignJournal.
        """
        return await asyncio.to_thread(self._try_acquire, above_epoch)

    async def renew(self) -> None:
        """Hold on. Raises LeaseLost when it is another's; other failures may be tried again."""
        await asyncio.to_thread(self._renew)

    async def release(self) -> None:
        """Give the lease up, so that the next candidate need not wait."""
        self._good_until = 0.0
        await asyncio.to_thread(self._release)

    def _try_acquire(self, above_epoch: int) -> bool:
        seen = self._read()
        if seen and seen.journal and seen.journal != self._journal and not self._adopts:
            raise ForeignJournal(
                f"{self._group} was last written in journal {seen.journal}, this one is "
                f"{self._journal or 'nameless'}: give this process that volume, or restore the "
                "archive and have `rialto engine adopt` say that it goes on"
            )
        now = time.monotonic()
        if self._watched is None or self._watched[0] != seen:
            self._watched = (seen, now)
        waited = now - self._watched[1] >= self._seconds
        if seen is not None and seen.holder and not waited and not self._is_gone(seen.holder):
            return False
        epoch = max(seen.epoch if seen else 0, above_epoch) + 1
        try:
            self._write(epoch, seen)
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise
        self.epoch, self._renewals = epoch, 1
        self._good_until = now + self._seconds
        return True

    def _read(self) -> Seen | None:
        answer = self._dynamodb.get_item(
            TableName=self._table, Key={"pk": {"S": self._group}}, ConsistentRead=True
        )
        item = answer.get("Item")
        if item is None:
            return None
        return Seen(
            int(item["epoch"]["N"]),
            int(item["renewals"]["N"]),
            item["holder"]["S"],
            item.get("journal", {"S": ""})["S"],
        )

    def _write(self, epoch: int, seen: Seen | None) -> None:
        item: dict[str, Any] = {
            "pk": {"S": self._group},
            "epoch": {"N": str(epoch)},
            "renewals": {"N": "1"},
            "holder": {"S": self._holder},
        }
        if self._journal:
            item["journal"] = {"S": self._journal}
        if seen is None:
            self._dynamodb.put_item(
                TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)"
            )
            return
        self._dynamodb.put_item(
            TableName=self._table,
            Item=item,
            ConditionExpression="epoch = :epoch AND renewals = :renewals",
            ExpressionAttributeValues={
                ":epoch": {"N": str(seen.epoch)},
                ":renewals": {"N": str(seen.renewals)},
            },
        )

    def _renew(self) -> None:
        asked = time.monotonic()  # Before the call: the lease cannot have begun any later.
        self._change(self._renewals + 1, self._holder)
        self._renewals += 1
        self._good_until = asked + self._seconds

    def _release(self) -> None:
        self._change(self._renewals + 1, "")

    def _change(self, renewals: int, holder: str) -> None:
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key={"pk": {"S": self._group}},
                UpdateExpression="SET renewals = :renewals, holder = :holder",
                ConditionExpression="epoch = :epoch AND holder = :me",
                ExpressionAttributeValues={
                    ":renewals": {"N": str(renewals)},
                    ":holder": {"S": holder},
                    ":epoch": {"N": str(self.epoch)},
                    ":me": {"S": self._holder},
                },
            )
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                self._good_until = 0.0
                raise LeaseLost(f"epoch {self.epoch} of {self._group} ended") from error
            raise
