"""Proof of reserves: the newest bundle for everybody, and each customer's own leaf."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.dependencies import Reader, ServicesOf
from api.fields import Moment
from api.v1.documented import refusals
from ledger.reserves import Leaf, Step, Sums
from storage import reserves
from storage.reserves import Published

router = APIRouter(prefix="/v1", tags=["Proof of reserves"])

BundleName = Annotated[
    str | None, Query(description="Default: the newest.", pattern=r"^[0-9A-Za-z-]{1,64}$")
]
UnitSums = Annotated[
    dict[str, str],
    Field(description="Whole units (satoshi, wei, ...) by asset.", examples=[{"BTC": "150000"}]),
]


class RootAnswer(BaseModel):
    hash: str
    sums: UnitSums


class BlockAnswer(BaseModel):
    height: int
    hash: str


class ReserveAnswer(BaseModel):
    asset: str = Field(examples=["BTC"])
    chain: str = Field(examples=["bitcoin"])
    address: str
    units: str


class ReserveSignature(BaseModel):
    chain: str
    address: str
    format: str = Field(examples=["bip322-simple", "eip191"])
    signature: str


class ReservesBundle(BaseModel):
    format: Literal["rialto-reserves/1"] = "rialto-reserves/1"
    bundle: str
    taken_at: Moment
    leaves: int
    root: RootAnswer
    blocks: dict[str, BlockAnswer] = Field(description="Where each chain stood, and was counted.")
    reserves: list[ReserveAnswer] = Field(description="Of addresses whose keys signed.")
    unsigned: list[ReserveAnswer] = Field(description="Of keys that are offline: not counted.")
    signatures: list[ReserveSignature]


class StepAnswer(BaseModel):
    side: Literal["left", "right"]
    hash: str
    sums: UnitSums


class LeafAnswer(BaseModel):
    format: Literal["rialto-leaf/1"] = "rialto-leaf/1"
    bundle: str
    customer_id: str
    nonce: str = Field(description="Yours alone, new in every bundle. Whoever has it sees this.")
    sums: UnitSums
    path: list[StepAnswer]


@router.get(
    "/proof-of-reserves",
    summary="Proof of reserves",
    responses=refusals("invalid_input", "unknown_reserves"),
)
async def read_reserves(services: ServicesOf, bundle: BundleName = None) -> ReservesBundle:
    """Published daily. `rialto_client.verify_reserves` and the web site verify it."""
    async with services.engine.connect() as connection:
        return bundle_answer(await reserves.read_bundle(connection, bundle))


@router.get(
    "/proof-of-reserves/leaf",
    summary="Your leaf",
    responses=refusals("not_authenticated", "invalid_input", "unknown_reserves"),
)
async def read_reserves_leaf(
    caller: Reader, services: ServicesOf, bundle: BundleName = None
) -> LeafAnswer:
    """What you were owed, and the path from there to the published root."""
    async with services.engine.connect() as connection:
        found = await reserves.read_bundle(connection, bundle)
        leaf, steps = await reserves.read_leaf(connection, found, caller.customer_id)
    return leaf_answer(found, leaf, steps)


def leaf_answer(bundle: Published, leaf: Leaf, steps: Sequence[Step]) -> LeafAnswer:
    """A customer's leaf as it is given out."""
    return LeafAnswer(
        bundle=bundle.id,
        customer_id=str(leaf.customer_id),
        nonce=leaf.nonce,
        sums=_texts(leaf.sums),
        path=[
            StepAnswer.model_validate(
                {"side": each.side, "hash": each.node.hash, "sums": _texts(each.node.sums)}
            )
            for each in steps
        ],
    )


def bundle_answer(found: Published) -> ReservesBundle:
    """A bundle as it is published, by whatever way."""
    signed = {(each.chain, each.address) for each in found.signatures}
    held = [
        ReserveAnswer(asset=e.asset, chain=e.chain, address=e.address, units=str(e.units))
        for e in found.holdings
    ]
    return ReservesBundle(
        bundle=found.id,
        taken_at=found.taken_at,
        leaves=found.leaves,
        root=RootAnswer(hash=found.root.hash, sums=_texts(found.root.sums)),
        blocks={c: BlockAnswer(height=b.height, hash=b.hash) for c, b in found.blocks.items()},
        reserves=[each for each in held if (each.chain, each.address) in signed],
        unsigned=[each for each in held if (each.chain, each.address) not in signed],
        signatures=[
            ReserveSignature(
                chain=e.chain, address=e.address, format=e.format, signature=e.signature
            )
            for e in found.signatures
        ],
    )


def _texts(sums: Sums) -> dict[str, str]:
    return {asset: str(units) for asset, units in sums.items()}
