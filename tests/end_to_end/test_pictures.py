"""Pictures are made smaller, and show what they showed."""

import struct
import zlib

from tests.end_to_end.pictures import COLOURS_MAX, indexed_png


def _colours(png: bytes) -> list[bytes]:
    """Of every pixel of a PNG as we write them, row by row."""
    chunks, at = {}, 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        chunks[png[at + 4 : at + 8]] = png[at + 8 : at + 8 + length]
        at += 12 + length
    width, height = struct.unpack_from(">II", chunks[b"IHDR"])
    rows, palette = zlib.decompress(chunks[b"IDAT"]), chunks[b"PLTE"]
    indices = [rows[y * (width + 1) + 1 + x] for y in range(height) for x in range(width)]
    return [palette[3 * each : 3 * each + 3] for each in indices]


def test_few_colours_stay_what_they_are_and_of_many_the_nearest_is_taken():
    few = [bytes((n, 2 * n, 255)) for n in range(6)]
    many = [bytes((n, 0, 0)) for n in range(200)] + [bytes((n, 0, 0)) for n in range(0, 200, 4)]

    kept = _colours(indexed_png(3, b"".join(each + b"\xff" for each in few)))
    reduced = _colours(indexed_png(50, b"".join(each + b"\xff" for each in many)))

    assert kept == few
    assert len(set(reduced)) <= COLOURS_MAX
    assert all(reduced[n] == many[n] for n in range(0, 200, 4)), "the most frequent ones are kept"
