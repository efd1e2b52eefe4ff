"""Machine-readable zones of travel documents after ICAO Doc 9303: TD1, TD2, TD3 and the two visas.

Check digits are verified, not merely split off. Part numbers in comments are those of Doc 9303.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.errors import InvalidInput

_WEIGHTS = (7, 3, 1)  # Part 3, 4.9.
_ALPHABET = re.compile(r"[A-Z0-9<]*")


class InvalidMrz(InvalidInput):
    code = "invalid_mrz"


@dataclass(frozen=True, slots=True)
class MrzField:
    """Where a field lies: line and half-open column range."""

    line: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class MrzCheck:
    """One check digit and what it covers."""

    name: str
    digit: MrzField
    covers: tuple[MrzField, ...]
    may_be_blank: bool = False
    """An unused optional field may carry `<` instead of 0 (Part 4, 4.2.2)."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One document format."""

    name: str
    line_count: int
    length: int
    names: MrzField
    number: MrzField
    nationality: MrzField
    birth_date: MrzField
    sex: MrzField
    expiry_date: MrzField
    optional: tuple[MrzField, ...]
    checks: tuple[MrzCheck, ...]


def _field(line: int, start: int, end: int) -> MrzField:
    """Columns as Doc 9303 counts them: from 1, both ends included."""
    return MrzField(line, start - 1, end)


def _two_line(name: str, length: int, *, optional: MrzField, final: bool) -> Layout:
    number, birth, expiry = _field(1, 1, 9), _field(1, 14, 19), _field(1, 22, 27)
    checks = [
        MrzCheck("document_number", _field(1, 10, 10), (number,)),
        MrzCheck("birth_date", _field(1, 20, 20), (birth,)),
        MrzCheck("expiry_date", _field(1, 28, 28), (expiry,)),
    ]
    if length == 44 and final:  # Part 4, 4.2.2: only passports check the personal number.
        checks.append(
            MrzCheck("personal_number", _field(1, 43, 43), (optional,), may_be_blank=True)
        )
    if final:
        covers = (_field(1, 1, 10), _field(1, 14, 20), _field(1, 22, length - 1))
        checks.append(MrzCheck("composite", _field(1, length, length), covers))
    return Layout(
        name=name,
        line_count=2,
        length=length,
        names=_field(0, 6, length),
        number=number,
        nationality=_field(1, 11, 13),
        birth_date=birth,
        sex=_field(1, 21, 21),
        expiry_date=expiry,
        optional=(optional,),
        checks=tuple(checks),
    )


TD3 = _two_line("TD3", 44, optional=_field(1, 29, 42), final=True)  # Part 4: passports.
TD2 = _two_line("TD2", 36, optional=_field(1, 29, 35), final=True)  # Part 6.
MRV_A = _two_line("MRV-A", 44, optional=_field(1, 29, 44), final=False)  # Part 7: visas.
MRV_B = _two_line("MRV-B", 36, optional=_field(1, 29, 36), final=False)
TD1 = Layout(  # Part 5: cards.
    name="TD1",
    line_count=3,
    length=30,
    names=_field(2, 1, 30),
    number=_field(0, 6, 14),
    nationality=_field(1, 16, 18),
    birth_date=_field(1, 1, 6),
    sex=_field(1, 8, 8),
    expiry_date=_field(1, 9, 14),
    optional=(_field(0, 16, 30), _field(1, 19, 29)),
    checks=(
        MrzCheck("document_number", _field(0, 15, 15), (_field(0, 6, 14),)),
        MrzCheck("birth_date", _field(1, 7, 7), (_field(1, 1, 6),)),
        MrzCheck("expiry_date", _field(1, 15, 15), (_field(1, 9, 14),)),
        MrzCheck(
            "composite",
            _field(1, 30, 30),
            (_field(0, 6, 30), _field(1, 1, 7), _field(1, 9, 15), _field(1, 19, 29)),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Mrz:
    """What the zone says. `wrong_checks` names the check digits that do not fit."""

    layout: str
    document_code: str
    issuer: str
    document_number: str
    family_name: str
    given_names: str
    nationality: str
    """ICAO three letters, or D for Germany: Part 3, section 5."""
    birth_date: dt.date | None
    """None when the zone leaves parts of it open."""
    sex: str
    expiry_date: dt.date | None
    optional: tuple[str, ...]
    wrong_checks: tuple[str, ...]

    @property
    def is_valid(self) -> bool:
        return not self.wrong_checks


def parse_mrz(text: str, today: dt.date) -> Mrz:
    """Read the zone; two-digit years are resolved around `today`.

    Raises InvalidMrz for no known layout. A wrong check digit does not raise: it is a finding.
    """
    lines = [line.strip().upper().replace(" ", "") for line in text.strip().splitlines()]
    lines = [line for line in lines if line]
    layout = _layout(lines)
    number, overflow = _document_number(layout, lines)
    family, given = _names(_read(lines, layout.names))
    return Mrz(
        layout=layout.name,
        document_code=lines[0][0:2].rstrip("<"),
        issuer=lines[0][2:5].rstrip("<"),
        document_number=number,
        family_name=family,
        given_names=given,
        nationality=_read(lines, layout.nationality).rstrip("<"),
        birth_date=_date(_read(lines, layout.birth_date), today, is_birth=True),
        sex=_read(lines, layout.sex).replace("<", "X"),
        expiry_date=_date(_read(lines, layout.expiry_date), today, is_birth=False),
        optional=tuple(_read(lines, field).rstrip("<") for field in layout.optional),
        wrong_checks=_wrong_checks(layout, lines, overflow=overflow),
    )


def check_digit(text: str) -> int:
    """Part 3, 4.9: weights 7 3 1, letters 10 to 35, filler 0, modulo 10."""
    values = (_value(character) for character in text)
    return sum(value * _WEIGHTS[place % 3] for place, value in enumerate(values)) % 10


def _value(character: str) -> int:
    if character == "<":
        return 0
    return int(character) if character.isdigit() else ord(character) - ord("A") + 10


def _layout(lines: Sequence[str]) -> Layout:
    if any(not _ALPHABET.fullmatch(line) for line in lines):
        raise InvalidMrz("only capital letters, digits and < belong into a machine-readable zone")
    shape = (len(lines), *{len(line) for line in lines})
    is_visa = bool(lines) and lines[0].startswith("V")
    layouts = {
        (3, 30): TD1,
        (2, 44): MRV_A if is_visa else TD3,
        (2, 36): MRV_B if is_visa else TD2,
    }
    if len(shape) != 2 or shape not in layouts:
        raise InvalidMrz("a zone has 3 lines of 30 characters, 2 of 36 or 2 of 44")
    return layouts[shape]


def _read(lines: Sequence[str], field: MrzField) -> str:
    return lines[field.line][field.start : field.end]


def _document_number(layout: Layout, lines: Sequence[str]) -> tuple[str, str]:
    """The number, and what of it overflowed into the optional field with its check digit.

    Part 5, 4.2.2 note j: a number of more than nine characters puts `<` where its check digit would
    be and goes on in the optional field, check digit last.
    """
    number = _read(lines, layout.number)
    digit = _read(lines, layout.checks[0].digit)
    rest = _read(lines, layout.optional[0]).split("<")[0]
    if layout.name in {"TD1", "TD2"} and digit == "<" and len(rest) > 1:
        return number + rest[:-1], rest
    return number.rstrip("<"), ""


def _names(field: str) -> tuple[str, str]:
    family, _, given = field.rstrip("<").partition("<<")
    return family.replace("<", " ").strip(), " ".join(given.replace("<", " ").split())


def _wrong_checks(layout: Layout, lines: Sequence[str], *, overflow: str) -> tuple[str, ...]:
    return tuple(
        check.name for check in layout.checks if not _is_right(check, lines, overflow=overflow)
    )


def _is_right(check: MrzCheck, lines: Sequence[str], *, overflow: str) -> bool:
    covered = "".join(_read(lines, field) for field in check.covers)
    digit = _read(lines, check.digit)
    if check.name == "document_number" and overflow:
        return overflow[-1] == str(check_digit(covered + overflow[:-1]))
    if digit == "<":
        return check.may_be_blank and not covered.strip("<")
    return digit == str(check_digit(covered))


def _date(text: str, today: dt.date, *, is_birth: bool) -> dt.date | None:
    """Births lie in the past; documents expire within the next ten years or have expired."""
    if not text.isdigit():
        return None
    year, year_max = 2000 + int(text[:2]), today.year + (0 if is_birth else 50)
    if year > year_max:
        year -= 100
    try:
        date = dt.date(year, int(text[2:4]), int(text[4:6]))
    except ValueError:
        return None
    if is_birth and date > today:
        return None if date.month == 2 and date.day == 29 else date.replace(year=year - 100)
    return date
