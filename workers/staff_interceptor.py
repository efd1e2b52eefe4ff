"""Lets staff updates into workflows only with the portal's signature, whatever road they take.

Every worker that runs workflows carries it. The validator verifies; the handler, which also runs
when a history is replayed years later, only reads what the validator let through.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    HandleUpdateInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

with workflow.unsafe.imports_passed_through():
    from compliance.staff import Role, is_staff_update, may, roles_for
    from compliance.staff_token import StaffClaims, StaffTokenRefused, read_claims, verify_token
    from workflows.staff import STAFF_HEADER, StaffAction

STAFF_KEY_ALIAS = "alias/rialto-staff"


class StaffInterceptor(Interceptor):
    def __init__(self, keys: Sequence[ec.EllipticCurvePublicKey]) -> None:
        self._keys = tuple(keys)

    @classmethod
    def from_kms(cls, kms: Any, alias: str = STAFF_KEY_ALIAS) -> StaffInterceptor:
        """Reads the public key once: after a change of the key, restart the workers."""
        key = load_der_public_key(kms.get_public_key(KeyId=alias)["PublicKey"])
        assert isinstance(key, ec.EllipticCurvePublicKey)
        return cls([key])

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002, ARG002 - the SDK's name
    ) -> type[WorkflowInboundInterceptor]:
        keys = self._keys

        class StaffInbound(_StaffInbound):
            staff_keys = keys

        return StaffInbound


class _StaffInbound(WorkflowInboundInterceptor):
    staff_keys: tuple[ec.EllipticCurvePublicKey, ...] = ()

    def handle_update_validator(self, input: HandleUpdateInput) -> None:  # noqa: A002
        if _needs_staff(input):
            _stamp(input, self._verified(input))
        self.next.handle_update_validator(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002
        if _needs_staff(input):
            _stamp(input, read_claims(_token(input)))
        return await self.next.handle_update_handler(input)

    def _verified(self, update: HandleUpdateInput) -> StaffClaims:
        workflow_id = workflow.info().workflow_id
        if not is_staff_update(workflow_id, update.update):
            raise _refused(f"no role may send {update.update} here")
        expected = StaffClaims(
            officer="",
            role=Role.VIEWER,
            workflow_id=workflow_id,
            update=update.update,
            update_id=update.id,
            issued_at=int(workflow.now().timestamp()),
        )
        try:
            claims = verify_token(_token(update), self.staff_keys, expected)
        except StaffTokenRefused as refusal:
            raise _refused(refusal.message) from refusal
        if not may(claims.role, workflow_id, update.update):
            roles = " or ".join(roles_for(workflow_id, update.update)).replace("_", " ")
            raise _refused(f"{update.update} is for {roles}; you are {claims.role}")
        return claims


def _needs_staff(update: HandleUpdateInput) -> bool:
    """By name, or by argument: a staff update that the table forgot is refused, not let through."""
    return is_staff_update(workflow.info().workflow_id, update.update) or (
        bool(update.args) and isinstance(update.args[0], StaffAction)
    )


def _token(update: HandleUpdateInput) -> str:
    header: Payload | None = update.headers.get(STAFF_HEADER)
    if header is None:
        raise _refused("sign in through the staff portal to do this")
    try:
        return str(json.loads(header.data))
    except ValueError:
        raise _refused("the staff token cannot be read") from None


def _stamp(update: HandleUpdateInput, claims: StaffClaims) -> None:
    """Put the true officer and role where the client may have claimed others."""
    if not update.args or not isinstance(update.args[0], StaffAction):
        raise _refused(f"{update.update} takes one JSON object")
    update.args[0].officer = claims.officer
    update.args[0].role = str(claims.role)


def _refused(message: str) -> ApplicationError:
    return ApplicationError(message, type="NotAuthorized", non_retryable=True)
