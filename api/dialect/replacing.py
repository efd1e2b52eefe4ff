"""Cancel-replace: cancel one order and place another, in one step of the engine where it can.

The new order needs its own hold beside the old one's. Orders with a trigger, an iceberg's display
size or a budget take two steps.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from api.dialect import errors
from api.dialect.call import Call
from api.dialect.errors import DialectError
from api.dialect.order_words import canceled, new_client_id, read_order
from api.dialect.orders import WAIT_SECONDS, answer_shape, end, find, placed, shaped
from api.exchange.order_desk import Accepted, Asked
from api.exchange.order_view import OrderView
from domain.errors import ExchangeError
from storage.order_rows import OrderStatus

Answer = dict[str, Any] | DialectError


@dataclass(frozen=True, slots=True)
class _Wanted:
    asked: Asked
    shape: str
    cancel_id: str
    goes_on: bool
    """Place the new order even when the old one could not be canceled."""


async def replace(call: Call) -> dict[str, Any]:
    """Raises -2021 when only one of the two succeeded, -2022 when neither did."""
    market, parameters = call.market(), call.parameters
    goes_on = parameters.choice("cancelReplaceMode", {"STOP_ON_FAILURE": 0, "ALLOW_FAILURE": 1})
    if goes_on is None:
        raise errors.missing("cancelReplaceMode")
    wanted = _Wanted(
        read_order(parameters, market),
        answer_shape(call),
        parameters.client_id("cancelNewClientOrderId") or new_client_id(),
        bool(goes_on),
    )
    try:
        old = await find(call, "cancelOrderId", "cancelOrigClientOrderId")
    except DialectError as refusal:
        if refusal.code != -2013:
            raise
        return await _without_old(call, wanted)
    if not old.is_open:
        return await _without_old(call, wanted)
    order = wanted.asked.order
    if order.stop_price or order.display_size or order.quote_size:
        return await _in_two_steps(call, wanted, old)
    return await _in_one_step(call, wanted, old)


async def _without_old(call: Call, wanted: _Wanted) -> dict[str, Any]:
    failure = errors.not_cancelable()
    if not wanted.goes_on:
        raise _both_failed("FAILURE", failure.body, "NOT_ATTEMPTED", None)
    return _joined(failure, await _place(call, wanted))


async def _in_two_steps(call: Call, wanted: _Wanted, old: OrderView) -> dict[str, Any]:
    await call.services.trading.desk.check(call.customer_id, wanted.asked)
    try:
        ended = await end(call, old, wanted.cancel_id)
    except DialectError as refusal:
        if refusal.code != -2011:
            raise
        return await _without_old(call, wanted)
    return _joined(canceled(ended, wanted.cancel_id), await _place(call, wanted))


async def _in_one_step(call: Call, wanted: _Wanted, old: OrderView) -> dict[str, Any]:
    desk = call.services.trading.desk
    call.parts.cancel_ids.put(old.id, wanted.cancel_id)
    placing = desk.replace(
        call.customer_id,
        old.id,
        wanted.asked,
        allow_failure=wanted.goes_on,
        wait_seconds=WAIT_SECONDS,
    )
    answer = await _answer(placing, wanted.shape)
    after = await desk.find(call.customer_id, old.id)
    if after.is_open:
        if not isinstance(answer, DialectError):
            raise errors.outcome_unknown()
        raise _both_failed("NOT_ATTEMPTED", None, "FAILURE", answer.body)
    if after.status is OrderStatus.CANCELED:
        return _joined(canceled(after, wanted.cancel_id), answer)
    failure = errors.not_cancelable()
    if isinstance(answer, DialectError) and not wanted.goes_on:
        raise _both_failed("FAILURE", failure.body, "NOT_ATTEMPTED", None)
    return _joined(failure, answer)


async def _place(call: Call, wanted: _Wanted) -> Answer:
    placing = call.services.trading.desk.place(
        call.customer_id, wanted.asked, wait_seconds=WAIT_SECONDS
    )
    return await _answer(placing, wanted.shape)


async def _answer(placing: Awaitable[Accepted], shape: str) -> Answer:
    try:
        return shaped(placed(await placing), shape)
    except DialectError as refusal:
        return refusal
    except ExchangeError as refusal:
        return errors.of_refusal(refusal)


def _joined(cancel: Answer, new: Answer) -> dict[str, Any]:
    cancel_result, cancel_body = _told(cancel)
    new_result, new_body = _told(new)
    if cancel_result == new_result == "FAILURE":
        raise _both_failed(cancel_result, cancel_body, new_result, new_body)
    data = _data(cancel_result, cancel_body, new_result, new_body)
    if "FAILURE" in (cancel_result, new_result):
        raise DialectError(
            -2021, "Order cancel-replace partially failed.", status=errors.CONFLICT, data=data
        )
    return data


def _told(answer: Answer) -> tuple[str, dict[str, Any]]:
    if isinstance(answer, DialectError):
        return "FAILURE", answer.body
    return "SUCCESS", answer


def _both_failed(cancel_result: str, cancel: Any, new_result: str, new: Any) -> DialectError:
    data = _data(cancel_result, cancel, new_result, new)
    return DialectError(-2022, "Order cancel-replace failed.", data=data)


def _data(cancel_result: str, cancel: Any, new_result: str, new: Any) -> dict[str, Any]:
    return {
        "cancelResult": cancel_result,
        "newOrderResult": new_result,
        "cancelResponse": cancel,
        "newOrderResponse": new,
    }
