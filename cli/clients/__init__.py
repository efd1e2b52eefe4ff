"""`rialto clients`: writes the OpenAPI document and the clients generated from it."""

from cli.clients.command import register

__all__ = ["register"]
