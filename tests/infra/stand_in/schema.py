"""From the rebuilt schema documents to the messages of Terraform's plugin protocol 6."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgpack
from tf.gen import tfplugin_pb2 as pb

Block = dict[str, Any]
UNKNOWN = msgpack.ExtType(0, b"\x00")
_NESTING = {"single": 1, "list": 2, "set": 3, "map": 4}

Visit = Callable[[str, dict[str, Any], Any], Any]
"""Called with an attribute's name, its schema and its value; returns the value to put there."""


def response(document: dict[str, Any]) -> Any:
    answer = pb.GetProviderSchema.Response(
        provider=pb.Schema(block=_block(document["provider_block"])),
        resource_schemas={name: _schema(each) for name, each in document["resources"].items()},
        data_source_schemas={
            name: _schema(each) for name, each in document["data_sources"].items()
        },
    )
    answer.server_capabilities.get_provider_schema_optional = False
    return answer


def decode(value: Any) -> Any:
    if value.msgpack:
        return msgpack.unpackb(value.msgpack, raw=False, strict_map_key=False)
    return json.loads(value.json) if value.json else None


def encode(value: Any) -> Any:
    return pb.DynamicValue(msgpack=msgpack.packb(value))


def is_unknown(value: Any) -> bool:
    return isinstance(value, msgpack.ExtType)


def rewrite(block: Block, value: Any, visit: Visit) -> Any:
    """`value` with `visit` applied to every attribute, through nested blocks and objects."""
    if value is None or is_unknown(value):
        return value
    result = dict(value)
    for name, attribute in block["attributes"].items():
        inner = visit(name, attribute, result.get(name))
        nested = attribute.get("nested_type")
        if nested is not None:
            inner = _each(
                {"attributes": nested["attributes"]}, inner, nested["nesting_mode"], visit
            )
        result[name] = inner
    for name, nested in block.get("block_types", {}).items():
        result[name] = _each(nested["block"], result.get(name), nested["nesting_mode"], visit)
    return result


def type_of(attribute: dict[str, Any]) -> Any:
    """The attribute's type as Terraform writes types."""
    if "type" in attribute:
        return attribute["type"]
    nested = attribute["nested_type"]
    members = ["object", {name: type_of(each) for name, each in nested["attributes"].items()}]
    return members if nested["nesting_mode"] == "single" else [nested["nesting_mode"], members]


def _each(block: Block, value: Any, mode: str, visit: Visit) -> Any:
    if value is None or is_unknown(value):
        return value
    if mode == "single":
        return rewrite(block, value, visit)
    if mode == "map":
        return {key: rewrite(block, each, visit) for key, each in value.items()}
    return [rewrite(block, each, visit) for each in value]


def _schema(schema: dict[str, Any]) -> Any:
    return pb.Schema(version=schema.get("version", 0), block=_block(schema["block"]))


def _block(block: Block) -> Any:
    return pb.Schema.Block(
        attributes=[_attribute(name, each) for name, each in sorted(block["attributes"].items())],
        block_types=[
            pb.Schema.NestedBlock(
                type_name=name,
                block=_block(nested["block"]),
                nesting=_NESTING[nested["nesting_mode"]],
                min_items=nested.get("min_items", 0),
                max_items=nested.get("max_items", 0),
            )
            for name, nested in sorted(block.get("block_types", {}).items())
        ],
    )


def _attribute(name: str, attribute: dict[str, Any]) -> Any:
    flags = {key: bool(attribute.get(key)) for key in ("required", "optional", "computed")}
    nested = attribute.get("nested_type")
    if nested is None:
        kind = json.dumps(attribute["type"], separators=(",", ":")).encode()
        return pb.Schema.Attribute(name=name, type=kind, **flags)
    members = pb.Schema.Object(
        nesting=_NESTING[nested["nesting_mode"]],
        attributes=[_attribute(key, each) for key, each in sorted(nested["attributes"].items())],
    )
    return pb.Schema.Attribute(name=name, nested_type=members, **flags)
