"""`python -m devstack.security`: the drill. Writes dist/sbom.cdx.json; exit 1 for a finding."""

from __future__ import annotations

import json
import sys
import tomllib

from devstack.security.dependencies import audit
from devstack.security.sbom import bill
from devstack.security.secrets import scan
from devstack.site import CHECKOUT


def main() -> int:
    secrets = scan(CHECKOUT)
    for each in secrets:
        print(f"secret?    {each}")
    findings = audit(CHECKOUT)
    for finding in findings:
        print(f"dependency {finding}")
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    made = bill(CHECKOUT, project["version"])
    path = CHECKOUT / "dist" / "sbom.cdx.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(made, indent=1) + "\n")
    print(
        f"{len(secrets)} secrets, {len(findings)} findings in {len(made['components'])} "
        f"dependencies; bill of materials in {path.relative_to(CHECKOUT)}"
    )
    return 1 if secrets or findings else 0


if __name__ == "__main__":
    sys.exit(main())
