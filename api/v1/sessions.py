"""Registration, login and sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import OriginOf, Person, ServicesOf
from api.exchange.identity import Login
from api.fields import Moment
from api.v1.documented import refusals
from api.v1.second_factors import CODE_PATTERN
from storage.customers import Customer
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


class CustomerAnswer(BaseModel):
    customer_id: str = Field(examples=["1001"])
    email: str
    created_at: Moment


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


@router.post(
    "/registrations",
    status_code=201,
    summary="Register",
    responses=refusals("malformed_json", "invalid_input", "email_taken", "weak_password"),
)
async def register(body: Credentials, origin: OriginOf, services: ServicesOf) -> CustomerAnswer:
    """A new customer. Log in afterwards with the same e-mail address and password."""
    return customer_answer(
        await services.people.identity.register(body.email, body.password, origin)
    )


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


@router.get("/sessions", summary="Your sessions", responses=refusals("not_authenticated"))
async def list_sessions(caller: Person, services: ServicesOf) -> SessionList:
    current = caller.require_session().id
    found = await services.people.sessions.of_customer(caller.customer_id)
    return SessionList(data=[_answer(session, current) for session in found])


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


def customer_answer(customer: Customer) -> CustomerAnswer:
    return CustomerAnswer(
        customer_id=str(customer.id), email=customer.email, created_at=customer.created_at
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
