"""The Rialto exchange's API: `Rialto` and `AsyncRialto` for REST, `Socket` for `/v1/ws`."""

from rialto_client.book import Book, OutOfStep
from rialto_client.client import AsyncRialto, Rialto
from rialto_client.signing import ApiKey
from rialto_client.socket import ConnectionLost, Socket
from rialto_client.transport import RialtoError, Unreachable

__all__ = [
    "ApiKey",
    "AsyncRialto",
    "Book",
    "ConnectionLost",
    "OutOfStep",
    "Rialto",
    "RialtoError",
    "Socket",
    "Unreachable",
]
