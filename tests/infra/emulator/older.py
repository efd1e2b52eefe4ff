"""The modules of terraform/ as the genuine AWS provider 3.39 can read them.

No newer build of the provider can be had offline. So copies of the very same files lose what this
version does not know yet, mechanically: its own schema says what that is, and every loss is
listed. A test holds the list, so that nothing goes missing unseen. The files are in the format of
`terraform fmt` (another test checks that), which is why lines are enough to tell their parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

RENAMED = {
    "data.aws_region.current.region": "data.aws_region.current.name",
    '"~> 6.0"': '">= 3.39"',
}
FORMERLY = {
    ("aws_db_instance", "db_name"): "name",
}
META = {"for_each", "count", "provider", "depends_on", "lifecycle"}
NOT_MADE = '"not-made-here"'
"""What an output says whose resource this provider cannot make."""

_BLOCK = re.compile(r'^(\w+)((?: "[^"]+")*) \{(\})?$')
_REFERENCE = re.compile(r"(?<![\w.])(data\.)?(aws_\w+)\.(\w+)(?:\[[^\]]*\])?(?:\.(\w+))?")


@dataclass
class Block:
    """A top-level block: its lines, and what they declare."""

    lines: list[str]
    kind: str
    labels: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return ".".join(self.labels if self.kind == "resource" else [self.kind, *self.labels])


@dataclass
class Older:
    """Rewrites folders of .tf files. `lost` says what is not in the copies, by module."""

    resources: Schema
    data_sources: Schema
    left_out: frozenset[str] = frozenset()
    """Types that are known, and not wanted."""
    lost: set[str] = field(default_factory=set)

    def rewrite(self, modules: Path) -> None:
        """Change every module below `modules` in place."""
        for folder in sorted(path for path in modules.iterdir() if path.is_dir()):
            self._module(folder)

    def _module(self, folder: Path) -> None:
        files = {path: list(blocks(_renamed(path.read_text()))) for path in folder.glob("*.tf")}
        everything = [block for each in files.values() for block in each]
        for block in everything:
            block.lines = _named_as_before(block)
        gone: set[str] = set()
        while True:  # Until nothing refers to what is gone.
            before = len(gone)
            for block in everything:
                if block.lines and self._is_gone(block, gone):
                    gone.add(block.name)
                    block.lines = self._replacement(block)
                    self.lost.add(f"{folder.name}: {block.name}")
            if len(gone) == before:
                break
        for path, each in files.items():
            for block in each:
                block.lines = list(self._known_lines(block, folder.name, gone))
            path.write_text("\n\n".join("\n".join(block.lines) for block in each) + "\n")

    def _is_gone(self, block: Block, gone: set[str]) -> bool:
        if block.kind == "output":
            return NOT_MADE not in block.lines[1] and bool(self._unknown(block.lines, gone))
        if block.kind not in {"resource", "data"} or not block.labels[0].startswith("aws_"):
            return False
        schema = self._schema_of(block)
        if schema is None:
            return True
        given = dict(members(block.lines))
        return any(
            name not in given or self._unknown(given[name], gone) for name in required(schema)
        )

    def _schema_of(self, block: Block) -> Schema | None:
        known = self.resources if block.kind == "resource" else self.data_sources
        found = None if block.labels[0] in self.left_out else known.get(block.labels[0])
        return with_defaults(found["block"]) if found else None

    def _replacement(self, block: Block) -> list[str]:
        if block.kind == "output":
            return [block.lines[0], f"  value = {NOT_MADE}", "}"]
        return []

    def _unknown(self, lines: list[str], gone: set[str]) -> list[str]:
        """References in `lines` to what this provider does not know."""
        found = []
        for data, kind, name, attribute in _REFERENCE.findall("\n".join(lines)):
            schema = (self.data_sources if data else self.resources).get(kind)
            block = with_defaults(schema["block"]) if schema else None
            known = block and {"", "id", *block["attributes"], *block["block_types"]}
            if f"{data}{kind}.{name}" in gone or known is None or attribute not in known:
                found.append(f"{data}{kind}.{name}.{attribute}")
        return found

    def _known_lines(self, block: Block, module: str, gone: set[str]) -> Iterator[str]:
        is_ours = block.kind in {"resource", "data"} and bool(block.lines)
        schema = self._schema_of(block) if is_ours and "aws_" in block.lines[0] else None
        if schema is None:
            yield from block.lines
            return
        yield from self._filtered(block.lines, schema, f"{module}: {block.name}", gone)

    def _filtered(
        self, lines: list[str], schema: Schema, path: str, gone: set[str]
    ) -> Iterator[str]:
        if len(lines) < 2:
            yield from lines
            return
        yield lines[0]
        for name, member in members(lines):
            nested = schema["block_types"].get(name)
            if name in META or not name:
                yield from member
            elif not is_settable(schema["attributes"].get(name)) and nested is None:
                self.lost.add(f"{path}.{name}")
            elif nested is None or not _BLOCK.match(member[0].strip()):
                if self._unknown(member, gone):
                    self.lost.add(f"{path}.{name}")
                else:
                    yield from member
            elif self._unknown(member, gone):
                self.lost.add(f"{path}.{name}")
            else:
                yield from self._nested(member, with_defaults(nested["block"]), path, name, gone)
        yield lines[-1]

    def _nested(
        self, lines: list[str], schema: Schema, path: str, name: str, gone: set[str]
    ) -> Iterator[str]:
        if not lines[0].strip().startswith("dynamic "):
            yield from self._filtered(lines, schema, f"{path}.{name}", gone)
            return
        yield lines[0]
        for inner, member in members(lines):
            if inner == "content":
                yield from self._filtered(member, schema, f"{path}.{name}", gone)
            else:
                yield from member
        yield lines[-1]


def with_defaults(block: Schema) -> Schema:
    return {
        "attributes": block.get("attributes") or {},
        "block_types": block.get("block_types") or {},
    }


def required(block: Schema) -> set[str]:
    attributes = {name for name, each in block["attributes"].items() if each.get("required")}
    nested = {name for name, each in block["block_types"].items() if each.get("min_items")}
    return attributes | nested


def is_settable(attribute: Schema | None) -> bool:
    return attribute is not None and bool(attribute.get("required") or attribute.get("optional"))


def blocks(text: str) -> Iterator[Block]:
    """Top-level blocks of a formatted file; comments between them are left out."""
    lines: list[str] = []
    for line in text.splitlines():
        if not lines and (not line or line.startswith("#")):
            continue
        lines.append(line)
        if line == "}" or (len(lines) == 1 and line.endswith("{}")):
            head = _BLOCK.match(lines[0])
            assert head, lines[0]
            yield Block(lines, head[1], re.findall(r'"([^"]+)"', head[2]))
            lines = []


def members(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """What stands directly inside a block, name and lines; comments and gaps have no name."""
    if len(lines) < 3:
        return
    depth = len(lines[1]) - len(lines[1].lstrip()) if lines[1].strip() else 2
    depth = len(lines[0]) - len(lines[0].lstrip()) + 2
    margin, member = " " * depth, list[str]()
    for line in lines[1:-1]:
        begins = line.startswith(margin) and line[depth : depth + 1] not in {" ", "}", "]", ")"}
        if member and (begins or not line.strip()):
            yield _name(member), member
            member = []
        member.append(line)
    if member:
        yield _name(member), member


def _name(member: list[str]) -> str:
    first = member[0].strip()
    if first.startswith("dynamic "):
        return first.split('"')[1]
    return "" if not first or first.startswith("#") else re.split(r"[ {=]", first)[0]


def _named_as_before(block: Block) -> list[str]:
    lines = block.lines
    for (kind, name), formerly in FORMERLY.items():
        if block.kind == "resource" and block.labels[0] == kind:
            lines = [re.sub(rf"^  {name}( *)=", rf"  {formerly}\1=", line) for line in lines]
    return lines


def _renamed(text: str) -> str:
    for new, old in RENAMED.items():
        text = text.replace(new, old)
    return text
