"""Builds the archives of the Lambdas: `make lambdas`. The same sources give the same bytes.

An archive holds our packages and, of what requirements.lock pins, only what the handler's imports
lead to, as wheels for the Lambda's platform. Terraform reads them from the bucket of releases.
"""

from __future__ import annotations

import argparse
import ast
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).resolve().parents[1]
UV = CHECKOUT / ".tools" / "uv" / "bin" / "uv"
LOCK = CHECKOUT / "requirements.lock"
PYTHON_VERSION = "3.11"

FUNCTIONS = {
    "data-processor": "workers.projection_lambda",
    "event-listener": "workers.event_listener",
    "wallet-service": "api.wallet_service.main",
}
"""Modules with a `handler`, by the function's name in terraform/modules/lambdas."""

PACKAGES = (
    "domain", "ledger", "compliance", "engine", "chains", "projections", "storage", "streams",
    "activities", "workflows", "api", "workers",
)  # fmt: skip
PLATFORM = "x86_64-manylinux_2_28"
"""Not arm64: fastecdsa has no wheel for it, so an archive with it could not be built."""

UNZIPPED_BYTES_MAX = 250 * 1024 * 1024
"""AWS refuses a function that is larger."""

_UNDECLARED = {"opensearch-py": ("aiohttp",)}
"""What a distribution imports without requiring it: extras that it only hints at."""

_NO_WHEEL = ("embit",)
"""Published as source alone; pure Python."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can say: when it was built must not matter."""


def build(out: Path, *, platform: str = PLATFORM, names: Iterable[str] = FUNCTIONS) -> list[Path]:
    """Write `{name}.zip` of each function to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    archives = []
    for name in names:
        with TemporaryDirectory() as folder:
            tree = Path(folder)
            _install(pinned(FUNCTIONS[name]), tree, platform)
            for package in PACKAGES:
                shutil.copytree(CHECKOUT / package, tree / package)
            archives.append(_pack(tree, out / f"{name}.zip"))
    return archives


def pinned(module: str) -> set[str]:
    """Distributions that the module's imports lead to, as far as requirements.lock pins them."""
    locked = _locked()
    of_module = packages_distributions()
    imported = _imported(module) - sys.stdlib_module_names
    unknown = imported - of_module.keys()
    assert not unknown, f"not installed here: {', '.join(sorted(unknown))}; make install"
    waiting = [
        str(canonicalize_name(distribution))
        for name in imported
        for distribution in of_module[name]
    ]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found or name not in locked:
            continue
        found.add(name)
        waiting += _required(name)
    return found


def _required(name: str) -> Iterator[str]:
    yield from _UNDECLARED.get(name, ())
    extras = _extras().get(name, frozenset()) | {""}
    for each in map(Requirement, requires(name) or ()):
        if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in extras):
            yield canonicalize_name(each.name)


def _extras() -> Mapping[str, frozenset[str]]:
    lines = (line.partition("#")[0].strip() for line in _text("requirements.in").splitlines())
    wanted = [Requirement(line) for line in lines if line]
    return {canonicalize_name(each.name): frozenset(each.extras) for each in wanted}


def _imported(module: str) -> set[str]:
    """Top-level names of others' packages that the module and ours behind it import."""
    others: set[str] = set()
    seen: set[Path] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name.partition(".")[0] not in PACKAGES:
            others.add(name.partition(".")[0])
            continue
        file = _file(name)
        if file is not None and file not in seen:
            seen.add(file)
            waiting += _imports(ast.parse(file.read_text()))
    return others


def _file(module: str) -> Path | None:
    path = CHECKOUT.joinpath(*module.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.exists():
            return file
    return None  # A name inside a module.


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _locked() -> dict[str, str]:
    """Each distribution's lines in the lock file."""
    blocks: dict[str, str] = {}
    name = ""
    for line in LOCK.read_text().splitlines():
        if line and not line.startswith((" ", "#")):
            name = canonicalize_name(line.partition("==")[0])
            blocks[name] = ""
        if name and not line.lstrip().startswith("#"):
            blocks[name] += line + "\n"
    return blocks


def _install(names: Iterable[str], tree: Path, platform: str) -> None:
    locked = _locked()
    wanted = "".join(locked[name] for name in sorted(names))
    command = [
        str(UV), "pip", "install", "-q", "--target", str(tree), "--python-version", PYTHON_VERSION,
        "--python-platform", platform, "--only-binary", ":all:", "--require-hashes", "--no-deps",
        *(part for name in _NO_WHEEL for part in ("--no-binary", name)), "-r", "-",
    ]  # fmt: skip
    subprocess.run(command, input=wanted.encode(), check=True)


def _pack(tree: Path, archive: Path) -> Path:
    files = sorted(
        (file.relative_to(tree).as_posix(), file)
        for file in tree.rglob("*")
        if file.is_file() and _belongs(file.relative_to(tree))
    )
    size = sum(file.stat().st_size for _, file in files)
    assert size <= UNZIPPED_BYTES_MAX, f"{archive.name} has {size} bytes"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        for name, file in files:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(info, file.read_bytes())
    return archive


def _belongs(path: Path) -> bool:
    """Not what is run from a shell, compiled here, or notes of the installer."""
    if path.parts[0] in {"bin", ".lock"} or "__pycache__" in path.parts:
        return False
    is_note = path.parts[0].endswith(".dist-info") and path.name in {
        "RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json",
    }  # fmt: skip
    return not is_note and path.suffix != ".pyc"


def _text(name: str) -> str:
    return (CHECKOUT / name).read_text()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=CHECKOUT / "dist" / "lambdas")
    parser.add_argument("--platform", default=PLATFORM, help="as uv names it")
    chosen = parser.parse_args()
    for archive in build(chosen.out, platform=chosen.platform):
        content = archive.read_bytes()
        line = f"{sha256(content).hexdigest()}  {len(content) / 1e6:5.1f} MB  {archive}"
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
