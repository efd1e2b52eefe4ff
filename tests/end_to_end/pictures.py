"""Pictures for the documentation, small enough to be kept beside it.

What a page draws has few colours; only the edges of its letters have many. So the most frequent
ones are kept, the others become the nearest of them, and a pixel is one byte.
"""

from __future__ import annotations

import base64
import os
import struct
import zlib
from collections import Counter
from pathlib import Path

from playwright.async_api import Locator, Page

COLOURS_MAX = 96
_Colour = tuple[int, int, int]

_PIXELS = """async (png) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const file = new FileReader();
  const read = new Promise((done) => (file.onload = () => done(file.result.split(',')[1])));
  file.readAsDataURL(new Blob([context.getImageData(0, 0, canvas.width, canvas.height).data]));
  return [canvas.width, await read];
}"""


def folder() -> Path | None:
    """Where pictures are wanted, by RIALTO_SCREENSHOTS; mostly they are not."""
    wanted = os.environ.get("RIALTO_SCREENSHOTS")
    return Path(wanted) if wanted else None


async def take_picture(page: Page, name: str, of: Locator | None = None) -> None:
    """Of the page's window, or of a part of it, as `name`.png."""
    kept = folder()
    if kept is None:
        return
    await page.wait_for_timeout(1_500)  # Nothing depends on it but the looks.
    png = await (of or page).screenshot()
    blank = await page.context.new_page()  # No policy of the pictured page forbids it anything.
    try:
        width, pixels = await blank.evaluate(_PIXELS, base64.b64encode(png).decode())
    finally:
        await blank.close()
    small = indexed_png(width, base64.b64decode(pixels))
    kept.mkdir(parents=True, exist_ok=True)
    (kept / f"{name}.png").write_bytes(small)


def indexed_png(width: int, rgba: bytes) -> bytes:
    """A PNG of at most `COLOURS_MAX` colours. `rgba`: four bytes a pixel, row by row, opaque."""
    colours = [(rgba[at], rgba[at + 1], rgba[at + 2]) for at in range(0, len(rgba), 4)]
    counted = Counter(colours)
    palette = [colour for colour, _ in counted.most_common(COLOURS_MAX)]
    nearest = {colour: _nearest(palette, colour) for colour in counted}
    indices = bytes(nearest[colour] for colour in colours)
    rows = [indices[at : at + width] for at in range(0, len(indices), width)]
    unfiltered = b"".join(b"\0" + row for row in rows)
    head = struct.pack(">IIBBBBB", width, len(rows), 8, 3, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", head),
            _chunk(b"PLTE", bytes(part for colour in palette for part in colour)),
            _chunk(b"IDAT", zlib.compress(unfiltered, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _nearest(palette: list[_Colour], colour: _Colour) -> int:
    def distance(index: int) -> int:
        return sum((a - b) ** 2 for a, b in zip(palette[index], colour, strict=True))

    return min(range(len(palette)), key=distance)


def _chunk(kind: bytes, body: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + checksum
