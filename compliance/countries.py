"""Countries that need a closer look. Policy, not geography: review when the sources change."""

from __future__ import annotations

HIGH_RISK = frozenset({"KP", "IR", "MM"})
"""FATF, high-risk jurisdictions subject to a call for action."""

ICAO_TO_ISO = {
    "D": "DE",
    "DEU": "DE",
    "GBD": "GB",
    "GBN": "GB",
    "GBO": "GB",
    "GBP": "GB",
    "GBS": "GB",
}
"""Doc 9303 part 3, section 5: where travel documents differ from ISO 3166-1."""
