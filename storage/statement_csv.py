"""Lines of "explain my balance" as rows of a CSV file, amounts as exact decimals."""

from __future__ import annotations

from domain.money import format_units
from storage.statements import Line

CSV_COLUMNS = (
    "time", "purpose", "cause", "entry", "hold", "other",
    "available_change", "held_change", "available", "held", "proof",
)  # fmt: skip


def csv_row(line: Line, scale: int) -> tuple[str, ...]:
    """`scale` is the asset's. The columns are CSV_COLUMNS."""
    return (
        line.at.isoformat(),
        line.purpose,
        line.cause,
        line.entry_id,
        line.hold_id or "",
        line.other,
        format_units(line.available_change_units, scale),
        format_units(line.held_change_units, scale),
        format_units(line.available_units, scale),
        format_units(line.held_units, scale),
        line.proof,
    )
