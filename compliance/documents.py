"""What may be uploaded: small, of a known kind, and really what it says it is."""

from __future__ import annotations

from domain.errors import InvalidInput

DOCUMENT_BYTES_MAX = 10 * 1024 * 1024
DOCUMENT_BYTES_MIN = 512
"""Nothing legible is smaller."""

_PDF_ACTIVE = (b"/JavaScript", b"/JS", b"/Launch", b"/EmbeddedFile", b"/OpenAction", b"/XFA")


class DocumentRefused(InvalidInput):
    code = "document_refused"


def check_document(content_type: str, content: bytes) -> None:
    """Raises DocumentRefused with a sentence for the customer; the claimed type must be true."""
    if len(content) > DOCUMENT_BYTES_MAX:
        raise DocumentRefused("the file is above 10 MB")
    if len(content) < DOCUMENT_BYTES_MIN:
        raise DocumentRefused("the file is too small to be a readable document")
    found = sniffed_type(content)
    if found is None:
        raise DocumentRefused("send a JPEG or PNG picture or a PDF")
    if found != content_type:
        raise DocumentRefused(f"the file says it is {content_type[:60]} but is {found}")
    if found == "application/pdf" and any(mark in content for mark in _PDF_ACTIVE):
        raise DocumentRefused("the PDF contains scripts or attachments; send a plain one")


def sniffed_type(content: bytes) -> str | None:
    """From the file's own marks at its beginning and end."""
    if content.startswith(b"\xff\xd8\xff") and b"\xff\xd9" in content[-1024:]:
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n") and b"IEND" in content[-1024:]:
        return "image/png"
    if content.startswith(b"%PDF-1.") and b"%%EOF" in content[-1024:]:
        return "application/pdf"
    return None
