"""Both verifiers of proofs of reserves: the one-file program, and the one of the web site."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rialto_client import verify_reserves

from devstack.site import CHECKOUT
from devstack.web import node

Json = dict[str, Any]
PROGRAM = Path(verify_reserves.__file__)
_WEB = CHECKOUT / "web" / "src" / "lib" / "reserves" / "verify.ts"
_ESBUILD = CHECKOUT / "web" / "node_modules" / ".bin" / "esbuild"
_DRIVER = """
import { readFileSync } from 'node:fs';
import { BadProof, verifyBundle, verifyLeaf, verifyTree } from './verify.mjs';
const answers = [];
for (const each of JSON.parse(readFileSync(process.argv[2], 'utf8'))) {
  try {
    await verifyBundle(each.bundle);
    const known = { customer: each.customer, earlier: each.earlier };
    if (each.leaf) await verifyLeaf(each.leaf, each.bundle, known);
    if (each.leaves) await verifyTree(each.leaves, each.bundle);
    answers.push('');
  } catch (fault) {
    if (!(fault instanceof BadProof)) throw fault;
    answers.push(fault.message);
  }
}
console.log(JSON.stringify(answers));
"""


@dataclass
class Case:
    """A proof as somebody gets it, and what they know besides."""

    bundle: Json
    leaf: Json | None = None
    leaves: list[Json] | None = None
    customer: str | None = None
    earlier: list[Json] = field(default_factory=list)


def by_program(case: Case, folder: Path) -> tuple[int, str]:
    """Exit status and output of the program, run alone: no packages, no site, one file."""
    command = ["python3", "-I", "-S", str(PROGRAM), _written(folder / "bundle.json", case.bundle)]
    if case.leaf is not None:
        command += ["--leaf", _written(folder / "leaf.json", case.leaf)]
    if case.leaves is not None:
        command += ["--leaves", _written(folder / "leaves.json", case.leaves)]
    if case.customer is not None:
        command += ["--customer", case.customer]
    if case.earlier:
        paths = [
            _written(folder / f"old{number}.json", old) for number, old in enumerate(case.earlier)
        ]
        command += ["--earlier", *paths]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def by_browser(cases: list[Case], folder: Path) -> list[str]:
    """What the web site's verifier says of each; empty where it accepts."""
    subprocess.run(
        [_ESBUILD, _WEB, "--bundle", "--format=esm", f"--outfile={folder / 'verify.mjs'}"],
        check=True,
        capture_output=True,
    )
    (folder / "driver.mjs").write_text(_DRIVER)
    told = [
        {key: value for key, value in vars(case).items() if value is not None} for case in cases
    ]
    path = _written(folder / "cases.json", told)
    done = subprocess.run(
        [node(), folder / "driver.mjs", path], capture_output=True, text=True, check=True
    )
    answers: list[str] = json.loads(done.stdout)
    return answers


def _written(path: Path, what: object) -> str:
    path.write_text(json.dumps(what))
    return str(path)
