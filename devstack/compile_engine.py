"""Compiles the matching core with mypyc, from the same source: `python -m devstack.compile_engine`.

The result is a copy of the package `engine` in a folder of its own (`.tools/fast`, or the one that
is named); a process that has this folder in PYTHONPATH runs the compiled core, every other the
plain one. So an edited source is never hidden behind an old build. Needs a C compiler, and mypy:
`pip install .[fast]`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parent.parent
TARGET = ROOT / ".tools/fast"
STAMP = "source.sha256"

MODULES = (
    "auction", "book", "checking", "commands", "ending", "events", "ladder", "memory", "numbers",
    "order", "ownership", "placing", "requests", "state", "taking", "triggers",
)  # fmt: skip
"""The core. What is around it (exchange, journal, snapshot) spends its time in C already."""

SETUP = """
from setuptools import setup
from mypyc.build import mypycify
setup(name="rialto-engine", ext_modules=mypycify({arguments!r}, opt_level="2", debug_level="0"))
"""


class NoCompiler(Exception):
    """There is no C compiler here, or none that mypyc can use. The plain core works as well."""


def fingerprint() -> str:
    """Of the sources and of the Python they are compiled for."""
    digest = sha256(sys.version.encode())
    for path in sorted((ROOT / "engine").glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def is_current(target: Path) -> bool:
    stamp = target / STAMP
    return stamp.exists() and stamp.read_text() == fingerprint()


def compile_engine(target: Path = TARGET) -> Path:
    """Build, unless what is there comes from these sources. Raises NoCompiler."""
    if is_current(target):
        return target
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        raise NoCompiler("no C compiler: apt-get install gcc python3-dev")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        shutil.copytree(
            ROOT / "engine", work / "engine", ignore=shutil.ignore_patterns("__pycache__")
        )
        arguments = ["--ignore-missing-imports", *(f"engine/{name}.py" for name in MODULES)]
        (work / "setup.py").write_text(SETUP.format(arguments=arguments))
        done = subprocess.run(
            [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
            cwd=work,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise NoCompiler(
                f"mypyc did not compile the core:\n{(done.stdout + done.stderr)[-2000:]}"
            )
        shutil.rmtree(work / "build")
        (work / STAMP).write_text(fingerprint())
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(work, target)
    return target


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    try:
        print(f"compiled core in {compile_engine(target)}; put it into PYTHONPATH to run it")
    except NoCompiler as fault:
        print(fault, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
