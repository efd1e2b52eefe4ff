"""`rialto demo`: several customers and market makers live through the exchange's whole story."""

from cli.demo.command import register

__all__ = ["register"]
