"""Python from an OpenAPI document: one TypedDict per schema, one method per operation, twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import indent, wrap

from cli.clients.reading import (
    Document,
    Operation,
    Schema,
    is_enumeration,
    is_wide,
    known_error_codes,
    operations,
    reference,
    schemas,
)

HEAD = '"""Generated from the OpenAPI document by `make api-clients`; do not edit."""\n\n'
_WIDTH = 96
_SIMPLE = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}


def schema_file(document: Document) -> str:
    found = schemas(document)
    aliases = [
        f"{name} = {_type(schema, '')}\n"
        for name, schema in found.items()
        if "properties" not in schema
    ]
    codes = "".join(f'        "{code}",\n' for code in known_error_codes(document))
    return (
        HEAD
        + "from __future__ import annotations\n\n"
        + "from typing import Any, Literal, NotRequired, TypedDict\n\n"
        + f"ERROR_CODES = frozenset(\n    {{\n{codes}    }}\n)\n"
        + '"""Those known when this was made; there may be more."""\n\n'
        + "".join(aliases)
        + "".join(_class(name, each) for name, each in found.items() if "properties" in each)
    )


def operation_file(document: Document, *, is_async: bool) -> str:
    transport = "AsyncTransport" if is_async else "Transport"
    name = "AsyncOperations" if is_async else "Operations"
    methods = "\n".join(_method(each, is_async=is_async) for each in operations(document))
    return (
        HEAD
        + "from __future__ import annotations\n\n"
        + "from typing import Any, Literal\n\n"
        + "from rialto_client import schemas\n"
        + f"from rialto_client.transport import {transport}, path_of\n\n\n"
        + f"class {name}:\n"
        + '    """Every operation of the API; refusals are raised as `RialtoError`."""\n\n'
        + f"    def __init__(self, transport: {transport}) -> None:\n"
        + "        self.transport = transport\n\n"
        + methods
    )


def _class(name: str, schema: Schema) -> str:
    fields = "".join(_fields(schema))
    return (
        f"\n\nclass {name}(TypedDict):\n{_docstring(schema.get('description', ''), '    ')}{fields}"
    )


def _fields(schema: Schema) -> Iterator[str]:
    required = set(schema.get("required", ()))
    for name, field in schema["properties"].items():
        kind = _type(field, "")
        shown = kind if name in required else f"NotRequired[{kind}]"
        yield f"    {name}: {shown}\n"
        yield _docstring(field.get("description", ""), "    ").removesuffix("\n")


def _type(schema: Schema, prefix: str) -> str:
    name = reference(schema)
    if name is not None:
        return f"{prefix}{name}"
    if is_enumeration(schema):
        return f"Literal[{', '.join(_quoted(value) for value in schema['enum'])}]"
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(each, prefix) for each in schema["anyOf"]))
    return _structure(schema, prefix)


def _structure(schema: Schema, prefix: str) -> str:
    if schema.get("type") == "array":
        return _array(schema, prefix)
    if schema.get("type") == "object":
        values = schema.get("additionalProperties", True)
        kind = _type(values, prefix) if isinstance(values, dict) and values else "Any"
        return f"dict[str, {kind}]"
    if "contentMediaType" in schema or schema.get("format") == "binary":
        return "tuple[str, bytes, str]"
    return _SIMPLE.get(schema.get("type", ""), "Any")


def _array(schema: Schema, prefix: str) -> str:
    if "prefixItems" in schema:
        return f"tuple[{', '.join(_type(each, prefix) for each in schema['prefixItems'])}]"
    return f"list[{_type(schema.get('items', {}), prefix)}]"


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _method(operation: Operation, *, is_async: bool) -> str:
    answer = "None" if operation.answer is None else _type(operation.answer, "schemas.")
    arguments = ["self", *_arguments(operation)]
    names = ["query=query"] if operation.in_query else []
    names += ["body=body"] if operation.body is not None else []
    names += ["is_form=True"] if operation.is_form else []
    names += ["key=idempotency_key, has_key=True"] if operation.has_key else []
    call = ", ".join((f'"{operation.method}"', _path(operation), *names))
    lines = []
    if operation.in_query:
        pairs = ", ".join(f'"{each.name}": {each.name}' for each in operation.in_query)
        lines.append(f"query = {{{pairs}}}")
    head, wait = ("async def", "await ") if is_async else ("def", "")
    send = f"{wait}self.transport.call({call})"
    if operation.answer is None:
        lines.append(send)
    else:
        lines += [f"answer: {answer} = {send}", "return answer"]
    body = "".join(f"{line}\n" for line in lines)
    return (
        f"    {head} {operation.id}({', '.join(arguments)}) -> {answer}:\n"
        + _docstring(_words(operation), "        ")
        + indent(body, "        ")
    )


def _words(operation: Operation) -> str:
    text = f"{operation.summary}: `{operation.method} {operation.path}`."
    return f"{text}\n\n{operation.description}" if operation.description else text


def _arguments(operation: Operation) -> Iterator[str]:
    for each in operation.in_path:
        yield f"{each.name}: {_parameter_type(each.schema)}"
    if operation.body is not None:
        yield f"body: {_type(operation.body, 'schemas.')}"
    named = [
        f"{each.name}: {_parameter_type(each.schema)}"
        + ("" if each.is_required else " | None = None")
        for each in operation.in_query
    ]
    if operation.has_key:
        named.append("idempotency_key: str | None = None")
    if named:
        yield "*"
        yield from named


def _parameter_type(schema: Schema) -> str:
    options = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    kinds = ["str | int" if is_wide(each) else _type(each, "schemas.") for each in options]
    return " | ".join(dict.fromkeys(kinds))


def _path(operation: Operation) -> str:
    if not operation.in_path:
        return f'"{operation.path}"'
    names = ", ".join(f"{each.name}={each.name}" for each in operation.in_path)
    path = re.sub(r"\{(\w+):\w+\}", r"{\1}", operation.path)
    return f'path_of("{path}", {names})'


def _docstring(text: str, margin: str) -> str:
    paragraphs = [part for part in text.strip().split("\n\n") if part]
    if not paragraphs:
        return ""
    wrapped = ["\n".join(wrap(" ".join(part.split()), _WIDTH - len(margin))) for part in paragraphs]
    body = "\n\n".join(wrapped)
    end = "\n" if "\n" in body else ""
    return indent(f'"""{body}{end}"""\n', margin) + ("\n" if margin == "    " else "")
