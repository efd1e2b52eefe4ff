"""`rialto break`: break the running exchange on purpose, and watch it heal."""

from cli.breaking.command import register

__all__ = ["register"]
