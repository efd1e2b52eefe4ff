"""Which commands were done: the engine's own memory, so that a repeated one does nothing.

Command ids come from one sequence in blocks, so they arrive nearly in order and leave few gaps. The
memory is exact for the last `PAGES_MAX * PAGE_IDS` numbers; older ones are answered as stale, never
guessed.
"""

from __future__ import annotations

from typing import Final

PAGE_BITS: Final = 12
PAGE_IDS: Final = 1 << PAGE_BITS
PAGE_MASK: Final = PAGE_IDS - 1
PAGES_MAX: Final = 4_096
"""Sixteen million ids: hours of a busy exchange, and far more than any queue holds back."""

JUMP_MAX: Final = 1 << 40
"""A command id so far above all others was never handed out."""

FULL: Final = bytearray(b"\x01") * PAGE_IDS
"""Shared by all pages whose every id was seen; never written to."""

NEW: Final = 0
SEEN: Final = 1
STALE: Final = 2
ABSURD: Final = 3


class CommandMemory:
    __slots__ = ("newest", "pages")

    def __init__(self) -> None:
        self.pages: dict[int, bytearray] = {}
        """By id // PAGE_IDS; one byte for each id, 1 when it was seen."""
        self.newest = -1
        """Largest page number; the oldest remembered is `PAGES_MAX - 1` below."""

    def note(self, command_id: int) -> int:
        """NEW the first time, and SEEN ever after; STALE or ABSURD when that cannot be told."""
        number = command_id >> PAGE_BITS
        page = self.pages.get(number)
        if page is None:
            page = self._open(number)
            if page is None:
                return STALE if number < self.newest else ABSURD
        at = command_id & PAGE_MASK
        if page[at]:
            return SEEN
        page[at] = 1
        return NEW

    def _open(self, number: int) -> bytearray | None:
        """Make the page of ids never seen; None if they may have been, or cannot be."""
        if number <= self.newest - PAGES_MAX:
            return None
        if number > self.newest:
            if self.newest >= 0 and number - self.newest > JUMP_MAX >> PAGE_BITS:
                return None
            self.newest = number
            self._tidy()
        page = self.pages[number] = bytearray(PAGE_IDS)
        return page

    def _tidy(self) -> None:
        """Forget pages out of reach, and let full ones share their memory."""
        oldest = self.newest - PAGES_MAX + 1
        pages = self.pages
        for number in [number for number in pages if number < oldest]:
            del pages[number]
        for number in range(self.newest - 4, self.newest):
            if number in pages and pages[number].count(1) == PAGE_IDS:
                pages[number] = FULL

    def dump(self) -> tuple[int, list[tuple[int, bytes]]]:
        """Everything remembered, in one form only: a bit for each id, nothing for full pages."""
        return self.newest, [(number, _pack(self.pages[number])) for number in sorted(self.pages)]

    @staticmethod
    def load(newest: int, pages: list[tuple[int, bytes]]) -> CommandMemory:
        memory = CommandMemory()
        memory.newest = newest
        memory.pages = {number: _unpack(packed) for number, packed in pages}
        return memory


_TO_DIGITS: Final = bytes.maketrans(b"\x00\x01", b"01")
_FROM_DIGITS: Final = bytes.maketrans(b"01", b"\x00\x01")


def _pack(page: bytearray) -> bytes:
    if page == FULL:
        return b""
    return int(page.translate(_TO_DIGITS), 2).to_bytes(PAGE_IDS // 8, "big")


def _unpack(packed: bytes) -> bytearray:
    if not packed:
        return FULL
    digits = f"{int.from_bytes(packed, 'big'):0{PAGE_IDS}b}"
    return bytearray(digits.encode("ascii").translate(_FROM_DIGITS))
