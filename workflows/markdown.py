"""Text for the pages that the Temporal UI shows to officers."""

from __future__ import annotations

_LENGTH_MAX = 500


def plain(text: str) -> str:
    """Text somebody typed, so that it cannot draw headings, links or code in an officer's page."""
    kept = "".join(character for character in text if character.isprintable())
    for mark in "\\`*_[]<>#|!":
        kept = kept.replace(mark, "\\" + mark)
    return kept[:_LENGTH_MAX]
