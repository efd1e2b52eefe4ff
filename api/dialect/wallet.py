"""The wallet endpoints (sapi): coins, deposit addresses, deposits, withdrawals."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Row

from api.dialect import errors
from api.dialect.call import Call
from api.dialect.errors import DialectError
from api.dialect.market_data import now_ms
from api.dialect.numbers import ZERO, amount, fixed, milliseconds
from api.exchange.funds import Wanted
from domain.deposit import DepositStatus as Deposit
from domain.errors import (
    AssetPaused,
    IdempotencyBodyDiffers,
    InsufficientAvailable,
    InvalidAmount,
    LimitExceeded,
)
from domain.money import Asset, format_units
from domain.withdrawal import WithdrawalStatus as Withdrawal
from storage.custody_policy import AssetPolicy
from storage.ledger import Balance
from storage.paging import Place

T = TypeVar("T")

ROWS_MAX = 1000
_PAGES_MAX = 10
_DAYS_90_MS = 90 * 86_400_000
_KEY_PREFIX = "dialect:"
NETWORKS = {"bitcoin": "BTC", "ethereum": "ETH"}
_NETWORK_NAMES = {"bitcoin": "Bitcoin", "ethereum": "Ethereum (ERC20)"}
_ADDRESSES = {
    "bitcoin": "^([13mn2][a-km-zA-HJ-NP-Z1-9]{25,34}|(bc|tb|bcrt)1[ac-hj-np-z02-9]{11,87})$",
    "ethereum": "^(0x)[0-9A-Fa-f]{40}$",
}
_NAMES = {"BTC": "Bitcoin", "ETH": "Ethereum", "USDT": "Tether"}
_ORDER_ID = re.compile(r"^[A-Za-z0-9\-_:./]{1,64}$")

_DEPOSIT_STATUSES = {
    Deposit.DETECTED: 0,
    Deposit.CONFIRMING: 0,
    Deposit.BELOW_MINIMUM: 0,
    Deposit.HELD: 0,
    Deposit.CREDITED: 6,
    Deposit.WITHDRAWABLE: 1,
    Deposit.SUSPENDED: 7,
    Deposit.RETURNED: 7,
    Deposit.ORPHANED: 7,
    Deposit.REVERSED: 7,
}
_WITHDRAWAL_STATUSES = {
    Withdrawal.HELD: 2,
    Withdrawal.REVIEW: 2,
    Withdrawal.APPROVED: 4,
    Withdrawal.RESERVED: 4,
    Withdrawal.BROADCAST: 4,
    Withdrawal.SEEN: 4,
    Withdrawal.DONE: 6,
    Withdrawal.CANCELLED: 1,
    Withdrawal.REJECTED: 3,
}


async def system_status(call: Call) -> dict[str, Any]:
    """0: at least one market is trading. 1: maintenance."""
    state = call.services.trading.market_data.state
    is_open = any(state(each) == "trading" for each in call.services.catalog.markets)
    return {"status": 0, "msg": "normal"} if is_open else {"status": 1, "msg": "system_maintenance"}


async def coins(call: Call) -> list[dict[str, Any]]:
    balances = {each.asset: each for each in await call.services.ledger.balances(call.customer_id)}
    return [
        _coin(call.services.catalog.asset(each.asset), each, balances.get(each.asset))
        for each in await call.services.funds.policies()
    ]


def _coin(asset: Asset, policy: AssetPolicy, balance: Balance | None) -> dict[str, Any]:
    name = _NAMES.get(asset.code, asset.code)
    return {
        "coin": asset.code,
        "name": name,
        "depositAllEnable": policy.deposit_enabled,
        "withdrawAllEnable": policy.withdraw_enabled,
        **_shares(asset, balance),
        "isLegalMoney": False,
        "trading": True,
        "networkList": [_network(asset, policy)],
    }


def _shares(asset: Asset, balance: Balance | None) -> dict[str, str]:
    free = balance.available_units if balance is not None else 0
    locked = balance.held_units if balance is not None else 0
    return {
        "free": amount(asset, free),
        "locked": amount(asset, locked),
        "freeze": "0",
        "withdrawing": "0",
        "ipoing": "0",
        "ipoable": "0",
        "storage": "0",
    }


def _network(asset: Asset, policy: AssetPolicy) -> dict[str, Any]:
    fee = policy.withdrawal_fee_units
    return {
        "network": NETWORKS[policy.chain],
        "coin": asset.code,
        "name": _NETWORK_NAMES[policy.chain],
        "isDefault": True,
        "depositEnable": policy.deposit_enabled,
        "withdrawEnable": policy.withdraw_enabled,
        "withdrawFee": format_units(fee, asset.scale),
        "withdrawMin": format_units(policy.withdrawal_min_units + fee, asset.scale),
        "withdrawMax": format_units(policy.hourly_units_max, asset.scale),
        "withdrawInternalMin": format_units(1, asset.scale),
        "withdrawIntegerMultiple": format_units(1, asset.scale),
        "depositDust": format_units(policy.deposit_min_units, asset.scale),
        "minConfirm": 1,
        "unLockConfirm": 1,
        "addressRegex": _ADDRESSES[policy.chain],
        "memoRegex": "",
        "sameAddress": False,
        "withdrawTag": policy.memo_required,
        "estimatedArrivalTime": 10,
        "busy": False,
        "resetAddressStatus": False,
        "depositDesc": policy.pause_reason,
        "withdrawDesc": policy.pause_reason,
        "specialTips": "",
        "specialWithdrawTips": "",
        "contractAddressUrl": "",
        "contractAddress": policy.contract or "",
    }


async def deposit_address(call: Call) -> dict[str, str]:
    asset = _asked_coin(call)
    found = await call.services.funds.deposit_address(call.customer_id, asset.code)
    return {"coin": asset.code, "address": found.address, "tag": "", "url": ""}


async def deposits(call: Call) -> list[dict[str, Any]]:
    txid = call.parameters.get("txId")
    rows = await _pages(
        lambda before: call.services.funds.deposits(
            call.customer_id, before=before, limit=ROWS_MAX
        ),
        lambda row: (row["first_seen_at"], row["id"]),
    )
    shown = [_deposit(call, row) for row in rows if txid in (None, row["txid"])]
    return _filtered(call, shown, "insertTime")


async def withdrawals(call: Call) -> list[dict[str, Any]]:
    name = call.parameters.get("withdrawOrderId")
    rows = await _pages(
        lambda before: call.services.funds.withdrawals(
            call.customer_id, before=before, limit=ROWS_MAX
        ),
        lambda found: (found[0].created_at, found[0].id),
    )
    shown = [_withdrawal(call, row) for row, _ in rows if name in (None, _order_id_of(row))]
    found = _filtered(call, shown, "_time")
    for each in found:
        del each["_time"]
    return found


async def withdraw(call: Call) -> dict[str, str]:
    """`amount` is gross: the fee is taken out of it. The same withdrawOrderId pays once."""
    asset = _asked_coin(call)
    key = call.parameters.get("withdrawOrderId") or secrets.token_hex(16)
    if not _ORDER_ID.match(key):
        raise errors.illegal("withdrawOrderId", _ORDER_ID.pattern)
    wanted = await _wanted(call, asset)
    try:
        requested = await call.services.funds.withdraw(
            call.customer_id, f"{_KEY_PREFIX}{key}", wanted
        )
    except InsufficientAvailable:
        raise DialectError(-4026, errors.INSUFFICIENT) from None
    except IdempotencyBodyDiffers:
        raise errors.invalid("withdrawOrderId") from None
    except AssetPaused:
        raise DialectError(-4019, "Withdrawals of this coin are closed.") from None
    except LimitExceeded as refusal:
        raise DialectError(-4023, f"Withdrawal limit: {refusal.message}") from None
    assert call.caller is not None
    if not requested.replayed:
        await call.services.people.customers.record(
            call.caller.action("withdrawal_requested", withdrawal_id=requested.row.id)
        )
    return {"id": requested.row.id}


async def _wanted(call: Call, asset: Asset) -> Wanted:
    """What the payee is to get. Raises -1102, -1100, -1130 or -4022."""
    address, gross = call.parameters.required("address"), call.parameters.required("amount")
    memo = call.parameters.get("addressTag", "")
    if not memo.isprintable():
        raise errors.invalid("addressTag")
    policy = await call.services.funds.policy(asset.code)
    units = _gross_units(asset, gross) - policy.withdrawal_fee_units
    if units < policy.withdrawal_min_units or units <= 0:
        raise DialectError(-4022, "The amount is below the smallest withdrawal.")
    return Wanted(asset.code, format_units(units, asset.scale), address, memo[:120])


def _gross_units(asset: Asset, text: str) -> int:
    try:
        return asset.parse(text).units
    except InvalidAmount:
        raise errors.illegal("amount", r"^([0-9]{1,20})(\.[0-9]{1,20})?$") from None


async def fiat_orders(_: Call) -> dict[str, Any]:
    """There is no legal money here."""
    return {"code": "000000", "message": "success", "data": [], "total": 0, "success": True}


async def api_restrictions(call: Call) -> dict[str, Any]:
    assert call.caller is not None
    key = call.caller.api_key
    assert key is not None
    never = (
        "enableInternalTransfer",
        "permitsUniversalTransfer",
        "enableMargin",
        "enableFutures",
        "enableVanillaOptions",
        "enablePortfolioMarginTrading",
        "enableFixApiTrade",
        "enableFixReadOnly",
    )
    return {
        "ipRestrict": bool(key.ip_allow_list),
        "createTime": milliseconds(key.created_at),
        "enableReading": "read" in key.scopes,
        "enableSpotAndMarginTrading": "trade" in key.scopes,
        "enableWithdrawals": "withdraw" in key.scopes,
        **dict.fromkeys(never, False),
    }


async def account_status(call: Call) -> dict[str, str]:
    assert call.caller is not None
    return {"data": "Normal" if call.caller.customer.status == "active" else "Locked"}


async def trading_status(call: Call) -> dict[str, Any]:
    assert call.caller is not None
    locked = call.caller.customer.status != "active"
    return {"data": {"isLocked": locked, "plannedRecoverTime": 0, "updateTime": now_ms()}}


async def account_info(_: Call) -> dict[str, Any]:
    never = (
        "isMarginEnabled",
        "isFutureEnabled",
        "isOptionsEnabled",
        "isPortfolioMarginRetailEnabled",
    )
    return {"vipLevel": 0, **dict.fromkeys(never, False)}


async def user_assets(call: Call) -> list[dict[str, str]]:
    """Those the caller owns something of."""
    wanted = call.parameters.get("asset")
    rows = []
    for balance in await call.services.ledger.balances(call.customer_id):
        asset = call.services.catalog.asset(balance.asset)
        if wanted in (None, asset.code) and (balance.available_units or balance.held_units):
            shares = _shares(asset, balance)
            rows.append({"asset": asset.code, **shares, "btcValuation": ZERO})
    return rows


def _asked_coin(call: Call) -> Asset:
    """Of `coin`, and on the one network we have for it. Raises UnknownAsset or -4xxx."""
    asset = call.services.catalog.asset(call.parameters.required("coin"))
    network = call.parameters.get("network")
    if network not in (None, NETWORKS[call.services.catalog.chains[asset.code]]):
        raise DialectError(-4018, "The coin is not supported on this network.")
    return asset


async def _pages(
    read: Callable[[Place | None], Awaitable[Sequence[T]]], place_of: Callable[[T], Place]
) -> list[T]:
    """Newest first; as many as ten thousand."""
    before: Place | None = None
    rows: list[T] = []
    for _ in range(_PAGES_MAX):
        page = await read(before)
        rows += page
        if len(page) < ROWS_MAX:
            break
        before = place_of(page[-1])
    return rows


def _filtered(call: Call, rows: list[dict[str, Any]], time: str) -> list[dict[str, Any]]:
    """By coin, status and time; then the page of it."""
    parameters = call.parameters
    coin, status = parameters.get("coin"), parameters.whole("status")
    start, end = call.milliseconds("startTime"), call.milliseconds("endTime")
    if start is not None and end is not None and end - start > _DAYS_90_MS:
        raise DialectError(-4047, "The time between startTime and endTime is above 90 days.")
    found = [
        row
        for row in rows
        if coin in (None, row["coin"])
        and status in (None, row["status"])
        and (start is None or row[time] >= start)
        and (end is None or row[time] <= end)
    ]
    offset = parameters.whole("offset") or 0
    return found[offset : offset + parameters.limit(ROWS_MAX, ROWS_MAX)]


def _deposit(call: Call, row: Mapping[str, Any]) -> dict[str, Any]:
    asset = call.services.catalog.asset(row["asset"])
    confirmed, needed = row["confirmations"], row["credit_confirmations"]
    credited = row["credited_at"]
    return {
        "id": row["id"],
        "amount": fixed(int(row["units"]), asset.scale),
        "coin": asset.code,
        "network": NETWORKS[row["chain"]],
        "status": _DEPOSIT_STATUSES[Deposit(row["status"])],
        "address": row["address"],
        "addressTag": "",
        "txId": row["txid"],
        "insertTime": milliseconds(row["first_seen_at"]),
        "completeTime": None if credited is None else milliseconds(credited),
        "transferType": 0,
        "confirmTimes": f"{min(confirmed, needed)}/{needed}",
        "unlockConfirm": row["withdrawable_confirmations"],
        "walletType": 0,
    }


def _withdrawal(call: Call, row: Row[Any]) -> dict[str, Any]:
    asset = call.services.catalog.asset(row.asset)
    done = row.confirmed_at
    shown = {
        "id": row.id,
        "amount": fixed(int(row.units), asset.scale),
        "transactionFee": fixed(int(row.fee_units), asset.scale),
        "coin": asset.code,
        "status": _WITHDRAWAL_STATUSES[Withdrawal(row.status)],
        "address": row.address,
        "addressTag": row.memo,
        "txId": row.txid or "",
        "applyTime": _clock(row.created_at),
        "network": NETWORKS[row.chain],
        "transferType": 1 if row.kind == "internal" else 0,
        "withdrawOrderId": _order_id_of(row),
        "info": row.reason,
        "confirmNo": 0,
        "walletType": 0,
        "txKey": "",
        "_time": milliseconds(row.created_at),
    }
    return shown if done is None else {**shown, "completeTime": _clock(done)}


def _order_id_of(row: Row[Any]) -> str:
    key = str(row.idempotency_key)
    return key.removeprefix(_KEY_PREFIX) if key.startswith(_KEY_PREFIX) else ""


def _clock(moment: datetime) -> str:
    """Text in UTC: the one place where the dialect writes times so."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
