"""Blocks, outputs that pay us, deposits and withdrawals in DynamoDB; newer versions replace older.

Outputs of one chain transaction are one partition; blocks and addresses list theirs by an index.
Deposits and withdrawals also keep every version as a line of their history. A transaction of ours
that pays withdrawals has a signpost to each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Generic, TypeAlias, TypeVar

from projections import chain
from projections.chain import Block, Deposit, Output, OutputStatus, Withdrawal
from storage.dynamo import Dynamo, Key, Span
from storage.dynamo_tables import BY_ADDRESS, BY_BLOCK, BY_CUSTOMER, CHAIN
from storage.dynamo_values import Item

_State = TypeVar("_State", Block, Output)
_STATE = "state"
_NO_STATES = ("line#", "payee#")
State: TypeAlias = Block | Output | Deposit | Withdrawal


def merge_blocks(dynamo: Dynamo, blocks: Iterable[Block]) -> list[Block]:
    """Add what is newly known of blocks; returns them as they now stand."""
    return _merge(dynamo, blocks, _BLOCKS)


def merge_outputs(dynamo: Dynamo, outputs: Iterable[Output]) -> list[Output]:
    """Add what is newly known of outputs; returns them as they now stand."""
    return _merge(dynamo, outputs, _OUTPUTS)


def put_deposits(dynamo: Dynamo, deposits: Sequence[Deposit]) -> None:
    _put_custody(dynamo, [_custody_item("deposit", deposit) for deposit in deposits])


def put_withdrawals(dynamo: Dynamo, withdrawals: Sequence[Withdrawal]) -> None:
    """Signposts go first: a state that is there is found by its transaction too."""
    dynamo.put_many(CHAIN, [_signpost(each, each.txid) for each in withdrawals if each.txid])
    items = [_custody_item("withdrawal", withdrawal) for withdrawal in withdrawals]
    _put_custody(dynamo, [item | {"fee_units": str(item["fee_units"])} for item in items])


def find_block(dynamo: Dynamo, chain: str, block_hash: str) -> Block | None:
    item = dynamo.get(CHAIN, (f"block#{chain}#{block_hash}", _STATE))
    return _to_block(item) if item else None


def newest_blocks(
    dynamo: Dynamo, chain: str, *, top: int | None = None, limit: int = 20
) -> list[Block]:
    """Blocks, highest first, from height `top` down; orphaned ones too."""
    high = f"{top:015}~" if top is not None else ""
    span = Span(high=high, descending=True, limit=limit)
    return [_to_block(i) for i in dynamo.query(CHAIN, _heights(chain), span, BY_BLOCK).items]


def outputs_of_transaction(dynamo: Dynamo, chain: str, txid: str) -> list[Output]:
    items = dynamo.query_all(CHAIN, f"tx#{chain}#{txid}", "output#", "output#~")
    return [_to_output(item) for item in items]


def withdrawals_paid_by(dynamo: Dynamo, chain: str, txid: str) -> list[Withdrawal]:
    """Those whose payment is this transaction, as they stand; not those that another one paid."""
    signposts = dynamo.query_all(CHAIN, f"tx#{chain}#{txid}", "payee#", "payee#~")
    found = find_withdrawals(dynamo, [each["withdrawal_id"] for each in signposts])
    return sorted((each for each in found if each.txid == txid), key=lambda each: each.id)


def outputs_of_block(dynamo: Dynamo, chain: str, block_hash: str) -> list[Output]:
    page = dynamo.query(CHAIN, f"block#{chain}#{block_hash}", Span(limit=1000), BY_BLOCK)
    return [_to_output(item) for item in page.items]


def outputs_of_address(
    dynamo: Dynamo, chain: str, address: str, cursor: str | None = None
) -> tuple[list[Output], str | None]:
    """One page, newest first, and where the next one starts."""
    span = Span(descending=True, limit=50, cursor=cursor)
    page = dynamo.query(CHAIN, _address_key(chain, address), span, BY_ADDRESS)
    return [_to_output(item) for item in page.items], page.cursor


def find_deposit(dynamo: Dynamo, deposit_id: str) -> Deposit | None:
    item = dynamo.get(CHAIN, (f"deposit#{deposit_id}", _STATE))
    return _to_deposit(item) if item else None


def find_withdrawal(dynamo: Dynamo, withdrawal_id: str) -> Withdrawal | None:
    item = dynamo.get(CHAIN, (f"withdrawal#{withdrawal_id}", _STATE))
    return _to_withdrawal(item) if item else None


def find_deposits(dynamo: Dynamo, ids: Iterable[str]) -> list[Deposit]:
    """Those of them that are there."""
    items = dynamo.get_many(CHAIN, [(f"deposit#{each}", _STATE) for each in ids])
    return [_to_deposit(item) for item in items.values()]


def find_withdrawals(dynamo: Dynamo, ids: Iterable[str]) -> list[Withdrawal]:
    """Those of them that are there."""
    items = dynamo.get_many(CHAIN, [(f"withdrawal#{each}", _STATE) for each in ids])
    return [_to_withdrawal(item) for item in items.values()]


def find_blocks(dynamo: Dynamo, keys: Iterable[tuple[str, str]]) -> list[Block]:
    """Those of the (chain, hash) that are there."""
    items = dynamo.get_many(CHAIN, [(f"block#{chain}#{each}", _STATE) for chain, each in keys])
    return [_to_block(item) for item in items.values()]


def find_outputs(dynamo: Dynamo, keys: Iterable[tuple[str, str, int]]) -> list[Output]:
    """Those of the (chain, txid, index) that are there."""
    places = [(f"tx#{chain}#{txid}", f"output#{index:010}") for chain, txid, index in keys]
    return [_to_output(item) for item in dynamo.get_many(CHAIN, places).values()]


def history(dynamo: Dynamo, kind: str, custody_id: str) -> list[tuple[int, str]]:
    """(when, status) of every version of a `deposit` or `withdrawal`, oldest first."""
    items = dynamo.query_all(CHAIN, f"{kind}#{custody_id}", "line#", "line#~")
    return [(item["changed_at_ms"], item["status"]) for item in items]


def custody_of(
    dynamo: Dynamo, customer_id: int, cursor: str | None = None
) -> tuple[list[Deposit | Withdrawal], str | None]:
    """A page of a customer's deposits and withdrawals, newest first, and where the next starts."""
    span = Span(descending=True, limit=50, cursor=cursor)
    page = dynamo.query(CHAIN, str(customer_id), span, BY_CUSTOMER)
    found = [_to_withdrawal(i) if "fee_units" in i else _to_deposit(i) for i in page.items]
    return found, page.cursor


@dataclass(frozen=True)
class _Merging(Generic[_State]):
    """How states of one type are kept and joined."""

    key: Callable[[_State], Key]
    join: Callable[[_State, _State], _State]
    to_item: Callable[[_State], Item]
    from_item: Callable[[Item], _State]


def _merge(dynamo: Dynamo, states: Iterable[_State], how: _Merging[_State]) -> list[_State]:
    pending: dict[Key, _State] = {}
    for state in states:
        key = how.key(state)
        pending[key] = how.join(pending[key], state) if key in pending else state
    merged: dict[Key, _State] = {}
    while pending:  # Again for those that somebody else wrote between our read and our write.
        stored = {k: how.from_item(v) for k, v in dynamo.get_many(CHAIN, pending).items()}
        for key, state in pending.items():
            merged[key] = how.join(stored[key], state) if key in stored else state
        keys = [key for key in pending if merged[key] != stored.get(key)]
        taken = dynamo.put_if_unchanged(
            CHAIN,
            [
                (how.to_item(merged[k]), "version", stored[k].version if k in stored else None)
                for k in keys
            ],
        )
        pending = {k: pending[k] for k, ok in zip(keys, taken, strict=True) if not ok}
    return list(merged.values())


def scan(dynamo: Dynamo) -> Iterator[State]:
    """Everything as it stands, in no order; lines of histories and signposts left out."""
    for item in dynamo.scan(CHAIN):
        read = _READERS.get(item["pk"].split("#")[0])
        if read is not None and not item["sk"].startswith(_NO_STATES):
            yield read(item)


def _put_custody(dynamo: Dynamo, states: list[Item]) -> None:
    lines = [
        {
            "pk": state["pk"],
            "sk": f"line#{state['version']:020}",
            "changed_at_ms": state["changed_at_ms"],
            "status": state["status"],
        }
        for state in states
    ]
    dynamo.put_many(CHAIN, lines)
    dynamo.put_newer(CHAIN, states)


def _signpost(withdrawal: Withdrawal, txid: str) -> Item:
    """Of every transaction that was to pay it: only the newest state knows which one does."""
    return {
        "pk": f"tx#{withdrawal.chain}#{txid}",
        "sk": f"payee#{withdrawal.id}",
        "withdrawal_id": withdrawal.id,
    }


def _custody_item(kind: str, state: Deposit | Withdrawal) -> Item:
    return asdict(state) | {
        "pk": f"{kind}#{state.id}",
        "sk": _STATE,
        "units": str(state.units),
        "customer_pk": str(state.customer_id),
        "customer_sk": f"{state.at_ms:015}#{state.id}",
    }


def _block_item(block: Block) -> Item:
    pk, sk = _block_key(block)
    return asdict(block) | {
        "pk": pk,
        "sk": sk,
        "block_pk": _heights(block.chain),
        "block_sk": f"{block.height:015}#{block.hash}",
    }


def _heights(chain: str) -> str:
    """All blocks of a chain: a few a minute, so one partition bears them."""
    return f"heights#{chain}"


def _block_key(block: Block) -> Key:
    return f"block#{block.chain}#{block.hash}", _STATE


def _output_item(output: Output) -> Item:
    pk, sk = _output_key(output)
    item = asdict(output) | {"pk": pk, "sk": sk, "units": str(output.units)}
    if output.address:
        item["address_pk"] = _address_key(output.chain, output.address)
        item["address_sk"] = f"{output.at_ms:015}#{output.txid}#{output.index:010}"
    if output.block_hash:
        item["block_pk"] = f"block#{output.chain}#{output.block_hash}"
        item["block_sk"] = f"{output.txid}#{output.index:010}"
    return item


def _address_key(chain_name: str, address: str) -> str:
    return f"{chain_name}#{chain.findable(address)}"


def _output_key(output: Output) -> Key:
    return f"tx#{output.chain}#{output.txid}", f"output#{output.index:010}"


def _to_block(item: Item) -> Block:
    return Block(
        item["chain"],
        item["hash"],
        item["height"],
        item["is_canonical"],
        item["version"],
        item["at_ms"],
        item["parent_hash"],
    )


def _to_output(item: Item) -> Output:
    return Output(
        item["chain"],
        item["txid"],
        item["index"],
        OutputStatus(item["status"]),
        item["version"],
        item["at_ms"],
        item.get("height"),
        item.get("block_hash"),
        item["asset"],
        int(item["units"]),
        item["address"],
    )


def _to_deposit(item: Item) -> Deposit:
    return Deposit(
        item["id"],
        item["customer_id"],
        item["chain"],
        item["txid"],
        item["index"],
        item["asset"],
        int(item["units"]),
        item["address"],
        item["status"],
        item["at_ms"],
        item["changed_at_ms"],
        item["version"],
        item.get("height"),
        item.get("block_hash"),
    )


def _to_withdrawal(item: Item) -> Withdrawal:
    return Withdrawal(
        item["id"],
        item["customer_id"],
        item["chain"],
        item["asset"],
        int(item["units"]),
        int(item["fee_units"]),
        item["address"],
        item["status"],
        item["at_ms"],
        item["changed_at_ms"],
        item["version"],
        item.get("txid"),
    )


_BLOCKS = _Merging(_block_key, chain.merge_blocks, _block_item, _to_block)
_OUTPUTS = _Merging(_output_key, chain.merge_outputs, _output_item, _to_output)
_READERS: dict[str, Callable[[Item], State]] = {
    "block": _to_block,
    "tx": _to_output,
    "deposit": _to_deposit,
    "withdrawal": _to_withdrawal,
}
