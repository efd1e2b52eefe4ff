"""`rialto chaos`: customers live on the exchange while it is being broken."""

from cli.chaos.command import register

__all__ = ["register"]
