"""The generated clients are those of the API as it is."""

import json
from typing import Any

import pytest

from cli.clients.command import CLIENTS, files, openapi
from cli.clients.typescript import camel


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi()


def test_generating_again_changes_nothing() -> None:
    stale = [path.name for path, text in files().items() if path.read_text() != text]

    assert stale == [], "run `make api-clients` and commit what changed"


def test_every_operation_has_a_method_in_each_client(document: dict[str, Any]) -> None:
    ids = [
        operation["operationId"]
        for item in document["paths"].values()
        for operation in item.values()
    ]
    package = CLIENTS / "python" / "rialto_client"
    typescript = (CLIENTS / "typescript" / "src" / "operations.ts").read_text()

    assert len(set(ids)) == len(ids)
    for each in ids:
        assert f"def {each}(" in (package / "operations.py").read_text()
        assert f"async def {each}(" in (package / "async_operations.py").read_text()
        assert f" {camel(each)}(" in typescript


def test_the_document_refers_to_nothing_it_lacks(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    referred = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}

    assert referred <= set(document["components"]["schemas"])
