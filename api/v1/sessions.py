"""Registration, login and sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import OriginOf, Person, ServicesOf
from api.exchange.identity import Login
from api.fields import Moment
from api.pages import CursorQuery, LimitQuery, next_cursor, read_cursor
from api.v1.documented import refusals
from api.v1.second_factors import CODE_PATTERN
from storage.sessions import Session

router = APIRouter(prefix="/v1", tags=["Sessions"])

Email = Annotated[str, Field(min_length=3, max_length=320, examples=["ada@example.com"])]
SessionNumber = Annotated[int, Path(ge=1, le=2**63 - 1)]
Password = Annotated[str, Field(min_length=1, max_length=1024, examples=["correct horse battery"])]


class Credentials(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: Email
    password: Password


class LoginBody(Credentials):
    code: Annotated[
        str | None,
        Field(
            pattern=CODE_PATTERN,
            description="Of the authenticator app, or a recovery code: needed once one is set up.",
            examples=["123456"],
        ),
    ] = None


class RegistrationAnswer(BaseModel):
    email: str = Field(examples=["ada@example.com"], description="As we write it.")


class SessionAnswer(BaseModel):
    id: str = Field(examples=["17"])
    created_at: Moment
    last_seen_at: Moment
    expires_at: Moment
    ip: str
    user_agent: str
    is_current: bool


class OpenedSession(BaseModel):
    token: str = Field(description="Send it as `Authorization: Bearer TOKEN`. Shown only once.")
    customer_id: str
    session: SessionAnswer


class SessionList(BaseModel):
    data: list[SessionAnswer]
    next_cursor: str | None


@router.post(
    "/registrations",
    status_code=202,
    summary="Register",
    responses=refusals("malformed_json", "invalid_input", "weak_password"),
)
async def register(body: Credentials, origin: OriginOf, services: ServicesOf) -> RegistrationAnswer:
    """A new customer. Log in afterwards with the same e-mail address and password.

    A registered address gives the same answer and changes nothing, so it may be repeated; its owner
    finds the attempt in `GET /v1/account/actions`.
    """
    email = await services.people.identity.register(body.email, body.password, origin)
    return RegistrationAnswer(email=email)


@router.post(
    "/sessions",
    status_code=201,
    summary="Log in",
    responses=refusals(
        "malformed_json",
        "invalid_input",
        "not_authenticated",
        "second_factor_required",
        "rate_limited",
    ),
)
async def log_in(body: LoginBody, origin: OriginOf, services: ServicesOf) -> OpenedSession:
    """With an authenticator app set up, its code is asked for once the password was right."""
    customer = await services.people.identity.log_in(body.email, body.password, origin)
    proved = await services.people.second_factor.check_login(customer.id, body.code)
    login = await services.people.identity.open_session(customer, origin, stepped_up=proved)
    return opened_session(login)


@router.get(
    "/sessions",
    summary="Your sessions, newest first",
    responses=refusals("invalid_input", "not_authenticated"),
)
async def list_sessions(
    caller: Person, services: ServicesOf, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> SessionList:
    current = caller.require_session().id
    found = await services.people.sessions.of_customer(
        caller.customer_id, before=read_cursor(cursor), limit=limit
    )
    return SessionList(
        data=[_answer(session, current) for session in found],
        next_cursor=next_cursor([session.id for session in found], limit),
    )


@router.delete(
    "/sessions/current",
    status_code=204,
    summary="Log out",
    responses=refusals("not_authenticated"),
)
async def log_out(caller: Person, services: ServicesOf) -> Response:
    await _end(caller, services, caller.require_session().id)
    return Response(status_code=204)


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    summary="End one of your sessions",
    responses=refusals("invalid_input", "not_authenticated", "unknown_session"),
)
async def end_session(session_id: SessionNumber, caller: Person, services: ServicesOf) -> Response:
    await _end(caller, services, session_id)
    return Response(status_code=204)


async def _end(caller: Person, services: ServicesOf, session_id: int) -> None:
    await services.people.sessions.revoke(caller.customer_id, session_id)
    services.people.identity.forget()
    await services.people.customers.record(caller.action("session_ended", session_id=session_id))


def opened_session(login: Login) -> OpenedSession:
    return OpenedSession(
        token=login.token,
        customer_id=str(login.customer.id),
        session=_answer(login.session, login.session.id),
    )


def _answer(session: Session, current_id: int) -> SessionAnswer:
    return SessionAnswer(
        id=str(session.id),
        created_at=session.created_at,
        last_seen_at=session.last_seen_at,
        expires_at=session.expires_at,
        ip=session.ip,
        user_agent=session.user_agent,
        is_current=session.id == current_id,
    )
