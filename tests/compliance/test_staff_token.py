from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from compliance.staff import PERMISSIONS, Role, is_staff_update, may, may_read, roles_for
from compliance.staff_token import (
    StaffClaims,
    StaffTokenRefused,
    join_token,
    token_body,
    verify_token,
)

KEY, STRANGER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
CLAIMS = StaffClaims("alice", Role.COMPLIANCE, "kyc/1001", "approve", "u-1", 1_800_000_000)


def sign(claims: StaffClaims, key: ec.EllipticCurvePrivateKey = KEY) -> str:
    body = token_body(claims)
    return join_token(body, key.sign(body.encode(), ec.ECDSA(hashes.SHA256())))


def verify(token: str, **expected: object) -> StaffClaims:
    return verify_token(token, [KEY.public_key()], replace(CLAIMS, **expected))


def test_officer_and_role_come_from_the_token():
    claims = verify(sign(CLAIMS), officer="eve", role=Role.ENGINEER)

    assert (claims.officer, claims.role) == ("alice", Role.COMPLIANCE)


@pytest.mark.parametrize(
    "other",
    [{"workflow_id": "kyc/1002"}, {"update": "reject"}, {"update_id": "u-2"}],
)
def test_a_token_for_one_action_is_refused_for_another(other):
    with pytest.raises(StaffTokenRefused, match="another action"):
        verify(sign(CLAIMS), **other)


@pytest.mark.parametrize(("later", "good"), [(120, True), (121, False), (-60, True), (-61, False)])
def test_a_token_lives_two_minutes(later, good):
    if good:
        verify(sign(CLAIMS), issued_at=CLAIMS.issued_at + later)
    else:
        with pytest.raises(StaffTokenRefused, match="expired"):
            verify(sign(CLAIMS), issued_at=CLAIMS.issued_at + later)


def test_a_strangers_signature_is_refused():
    with pytest.raises(StaffTokenRefused, match="not signed"):
        verify(sign(CLAIMS, STRANGER))


def test_a_raised_role_breaks_the_signature():
    _, _, signature = sign(CLAIMS).partition(".")

    with pytest.raises(StaffTokenRefused):
        verify(f"{token_body(replace(CLAIMS, role=Role.SENIOR_COMPLIANCE))}.{signature}")


@pytest.mark.parametrize("token", ["", ".", "a.b", "ü.ü", "e30.e30", "x" * 9999])
def test_nonsense_is_refused(token):
    with pytest.raises(StaffTokenRefused):
        verify(token)


def test_only_officers_decide_about_people():
    for role in (Role.VIEWER, Role.OPERATIONS, Role.ENGINEER):
        for update in ("approve", "reject", "request_info", "freeze", "unfreeze", "escalate"):
            assert not may(role, "kyc/1001", update)
            assert not may(role, "case/1", update)


def test_unfreezing_is_for_seniors():
    assert roles_for("kyc/1001", "unfreeze") == ["senior_compliance"]


def test_an_unknown_kind_or_update_is_for_nobody():
    assert not is_staff_update("treasure/1", "approve")
    assert not any(may(role, "kyc/1001", "submit") for role in Role)


def test_a_viewer_sends_nothing_at_all():
    assert not any(Role.VIEWER in roles for kind in PERMISSIONS.values() for roles in kind.values())


@pytest.mark.parametrize(
    ("role", "kind", "reads"),
    [
        (Role.COMPLIANCE, "kyc", True),
        (Role.OPERATIONS, "kyc", False),
        (Role.OPERATIONS, "withdrawal", True),
        (Role.OPERATIONS, "", False),
        (Role.ENGINEER, "case", False),
        (Role.VIEWER, "settlement", False),
    ],
)
def test_personal_data_is_for_officers(role, kind, reads):
    assert may_read(role, kind) is reads
