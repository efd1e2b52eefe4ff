"""TypeScript from an OpenAPI document: one interface per schema, one method per operation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

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

HEAD = "// Generated from the OpenAPI document by `make api-clients`; do not edit.\n\n"
_SIMPLE = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


def schema_file(document: Document) -> str:
    parts = [HEAD + "/** The codes known when this was made; there may be more. */"]
    codes = "".join(f"\n  | {json.dumps(code)}" for code in known_error_codes(document))
    parts.append(f"export type ErrorCode ={codes}\n  | (string & {{}});\n")
    parts.extend(_declared(name, schema) for name, schema in schemas(document).items())
    return "\n".join(parts)


def operation_file(document: Document) -> str:
    methods = "\n".join(_method(each) for each in operations(document))
    used = sorted(name for name in schemas(document) if re.search(rf"\bschemas\.{name}\b", methods))
    assert used
    return (
        HEAD
        + 'import type * as schemas from "./schemas.js";\n'
        + 'import type { CallOptions, Transport } from "./transport.js";\n\n'
        + "/** Every operation of the API; refusals are thrown as `RialtoError`. */\n"
        + "export class Operations {\n"
        + "  constructor(protected readonly transport: Transport) {}\n\n"
        + methods
        + "}\n"
    )


def _declared(name: str, schema: Schema) -> str:
    comment = _comment(schema.get("description", ""), "")
    if is_enumeration(schema) or "properties" not in schema:
        return f"{comment}export type {name} = {_type(schema, '')};\n"
    return f"{comment}export interface {name} {{\n{''.join(_fields(name, schema))}}}\n"


def _fields(owner: str, schema: Schema) -> Iterator[str]:
    required = set(schema.get("required", ()))
    for name, field in schema["properties"].items():
        key = name if _NAME.match(name) else json.dumps(name)
        mark = "" if name in required else "?"
        is_code = (owner, name) == ("Problem", "code")
        kind = "ErrorCode" if is_code else _type(field, "")
        yield f"{_comment(field.get('description', ''), '  ')}  {key}{mark}: {kind};\n"


def _type(schema: Schema, prefix: str) -> str:
    name = reference(schema)
    if name is not None:
        return f"{prefix}{name}"
    if is_enumeration(schema):
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(each, prefix) for each in schema["anyOf"]))
    return _structure(schema, prefix)


def _structure(schema: Schema, prefix: str) -> str:
    if schema.get("type") == "array":
        return _array(schema, prefix)
    if schema.get("type") == "object":
        return _object(schema, prefix)
    if "contentMediaType" in schema or schema.get("format") == "binary":
        return "Blob"
    return _SIMPLE.get(schema.get("type", ""), "unknown")


def _array(schema: Schema, prefix: str) -> str:
    if "prefixItems" in schema:
        return f"[{', '.join(_type(each, prefix) for each in schema['prefixItems'])}]"
    item = _type(schema.get("items", {}), prefix)
    return f"{item}[]" if _is_plain(item) else f"({item})[]"


def _is_plain(kind: str) -> bool:
    return all(sign not in kind for sign in "| ")


def _object(schema: Schema, prefix: str) -> str:
    values = schema.get("additionalProperties", True)
    kind = _type(values, prefix) if isinstance(values, dict) and values else "unknown"
    key = schema.get("propertyNames")
    if key:
        return f"Partial<Record<{_type(key, prefix)}, {kind}>>"
    return f"Record<string, {kind}>"


def _method(operation: Operation) -> str:
    answer = "void" if operation.answer is None else _type(operation.answer, "schemas.")
    arguments = [*_arguments(operation), "options: CallOptions = {}"]
    names = ["query"] if operation.in_query else []
    names += ["body"] if operation.body is not None else []
    names += ["isForm: true"] if operation.is_form else []
    names += ["hasKey: true"] if operation.has_key else []
    request = ", ".join((f'method: "{operation.method}"', f"path: {_path(operation)}", *names))
    return (
        _comment(_words(operation), "  ")
        + f"  {camel(operation.id)}({', '.join(arguments)}): Promise<{answer}> {{\n"
        + f"    return this.transport.call<{answer}>({{ {request} }}, options);\n"
        + "  }\n"
    )


def _words(operation: Operation) -> str:
    text = f"{operation.summary}.\n`{operation.method} {operation.path}`"
    return f"{text}\n{operation.description}" if operation.description else text


def _arguments(operation: Operation) -> Iterator[str]:
    for each in operation.in_path:
        yield f"{camel(each.name)}: {_parameter_type(each.schema)}"
    if operation.body is not None:
        yield f"body: {_type(operation.body, 'schemas.')}"
    if operation.in_query:
        fields = "; ".join(
            f"{each.name}{'' if each.is_required else '?'}: {_parameter_type(each.schema)}"
            for each in operation.in_query
        )
        needed = any(each.is_required for each in operation.in_query)
        yield f"query: {{ {fields} }}{'' if needed else ' = {}'}"


def _parameter_type(schema: Schema) -> str:
    options = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    kinds = ["string | number" if is_wide(each) else _type(each, "schemas.") for each in options]
    return " | ".join(dict.fromkeys(kinds))


def _path(operation: Operation) -> str:
    path = re.sub(
        r"\{(\w+)(?::\w+)?\}",
        lambda match: f"${{encodeURIComponent({camel(match[1])})}}",
        operation.path,
    )
    return f"`{path}`" if "$" in path else f'"{path}"'


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _comment(text: str, indent: str) -> str:
    lines = [line.strip() for line in text.strip().replace("*/", "* /").splitlines()]
    if not lines:
        return ""
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    middle = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/**\n{middle}{indent} */\n"
