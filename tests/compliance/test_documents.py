import pytest

from compliance.documents import DOCUMENT_BYTES_MAX, DocumentRefused, check_document

PNG = b"\x89PNG\r\n\x1a\n" + bytes(1000) + b"IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff\xe0" + bytes(1000) + b"\xff\xd9"
PDF = b"%PDF-1.7\n" + bytes(1000) + b"%%EOF\n"


@pytest.mark.parametrize(
    ("content_type", "content"),
    [("image/png", PNG), ("image/jpeg", JPEG), ("application/pdf", PDF)],
)
def test_pictures_and_plain_pdfs_are_taken(content_type, content):
    check_document(content_type, content)


@pytest.mark.parametrize(
    ("content_type", "content", "why"),
    [
        ("image/png", b"", "too small"),
        ("image/png", b"\x89PNG\r\n\x1a\nIEND", "too small"),
        ("image/png", PNG + bytes(DOCUMENT_BYTES_MAX), "above 10 MB"),
        ("image/png", JPEG, "but is image/jpeg"),
        ("text/html", PNG, "but is image/png"),
        ("image/svg+xml", b"<svg onload='x()'/>" + bytes(1000), "JPEG or PNG"),
        ("image/png", b"MZ" + bytes(1000), "JPEG or PNG"),
        ("image/png", PNG[:-8], "JPEG or PNG"),
        ("application/pdf", PDF[:500] + b"/JavaScript (app.alert(1))" + PDF[500:], "scripts"),
        ("application/pdf", PDF[:500] + b"/EmbeddedFile" + PDF[500:], "scripts"),
    ],
)
def test_everything_else_is_refused_with_a_reason(content_type, content, why):
    with pytest.raises(DocumentRefused, match=why):
        check_document(content_type, content)
