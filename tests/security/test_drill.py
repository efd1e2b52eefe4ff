"""The security drill finds what it is for, and finds nothing in this repository."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from devstack.security.dependencies import ACCEPTED, ADVISORIES, audit
from devstack.security.locks import packages
from devstack.security.sbom import bill
from devstack.security.secrets import RULES, scan, scan_text
from devstack.site import CHECKOUT

# In halves, so that this file itself holds nothing that looks like a secret.
BAIT = {
    "private key": "-----BEGIN EC " + "PRIVATE KEY-----",
    "AWS access key": "AKIA" + "Q" * 16,
    "GitHub token": "ghp_" + "a1B2" * 9,
    "Slack token": "xoxb-" + "1234567890-abcdefghij",
    "Stripe key": "sk_live_" + "a1B2c3D4e5F6g7H8i9J0",
    "Google key": "AIza" + "a1B2c3D" * 5,
    "package registry token": "npm_" + "a1B2c3" * 6,
    "JSON web token": ".".join(("eyJ" + "a1" * 12, "eyJ" + "b2" * 12, "c3" * 12)),
    "extended private key": "tprv" + "8ZgxMBicQK" * 11,
    "private key of a coin (WIF)": "L" + "1aW4aubDFB7" * 4 + "yfras2S",
    "password in an address": "postgres://app:" + "s3cr3tWord" + "@db.example.com/rialto",
    "assigned secret": 'api_key = "' + "q7Rk2ZpX9vLm4TtYw8Ns3BcD" + '"',
}


def test_there_is_bait_for_every_rule():
    assert set(BAIT) == set(RULES)


@pytest.mark.parametrize("rule", BAIT)
def test_a_secret_is_found_wherever_it_stands(rule: str):
    found = list(scan_text("deploy.sh", f"line one\nexport X={BAIT[rule]} # oops\n"))

    assert (rule, 2) in {(each.rule, each.line) for each in found}
    assert BAIT[rule] not in " ".join(map(str, found)), "the report repeats the secret"


@pytest.mark.parametrize(
    "innocent",
    [
        "http://127.0.0.1:20000/v1/orders",
        "postgresql+asyncpg://rialto_owner@127.0.0.1:5432/rialto",
        'token = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"',
        "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "sha256:065665c041c42a5938ed220bdcd7230f22527fbec085e1853d2402c8a3615d9d",
        "http://{user}:{password}@127.0.0.1",
        "http://USER:PASSWORD@node.example.com",
        "const TOKEN = 'a-token-of-sixteen-characters';",
    ],
)
def test_what_is_no_secret_is_left_alone(innocent: str):
    assert list(scan_text("a.py", innocent)) == []


def test_the_scan_reads_new_files_and_not_ignored_ones(tmp_path: Path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("ignored/\n")
    (tmp_path / "new.txt").write_text(BAIT["AWS access key"])
    (tmp_path / "ignored").mkdir()
    (tmp_path / "ignored" / "key.txt").write_text(BAIT["AWS access key"])

    assert [each.path for each in scan(tmp_path)] == ["new.txt"]


def test_this_repository_has_no_secret_and_no_finding():
    assert [str(each) for each in scan(CHECKOUT)] == []
    assert audit(CHECKOUT) == []


LOCK = "h11==0.16.0 \\\n    --hash=sha256:" + "ab" * 32 + "\n"
NPM = {"packages": {"": {}, "node_modules/ws": {"version": "8.18.0", "integrity": "sha512-AA=="}}}


def checkout(folder: Path, *, python: str = LOCK, asked: str = "h11\n", npm: str = "") -> Path:
    (folder / "requirements.in").write_text(asked)
    (folder / "requirements.lock").write_text(python)
    (folder / "web").mkdir()
    for place in (folder, folder / "web"):
        (place / "package-lock.json").write_text(npm or json.dumps(NPM))
    return folder


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"python": LOCK.replace("0.16.0", "0.14.0")}, "CVE-2025-43859"),
        ({"python": "h11==0.16.0\n"}, "no hash"),
        ({"python": LOCK + "evil @ git+https://example.com/evil\n"}, "where packages lie"),
        ({"asked": "h11\nhttpx\n"}, "asks for httpx"),
        ({"npm": json.dumps(NPM).replace("8.18.0", "8.0.0")}, "CVE-2024-37890"),
        ({"npm": json.dumps(NPM).replace("sha512-", "sha1-")}, "weak hash"),
        (
            {"npm": json.dumps(NPM).replace('"version"', '"resolved": "x", "version"')},
            "where packages lie",
        ),
    ],
)
def test_a_lock_file_that_went_wrong_is_found(tmp_path: Path, change: dict[str, str], finding: str):
    (tmp_path / "good").mkdir()
    assert audit(checkout(tmp_path / "good")) == []
    (tmp_path / "bad").mkdir()

    assert any(finding in each for each in audit(checkout(tmp_path / "bad", **change)))


def test_what_is_accepted_is_still_there_to_be_accepted():
    """An acceptance whose package is gone or mended must go, too."""
    known = {(each.name, each.id) for each in ADVISORIES}
    locked = {each.name for each in packages(CHECKOUT)}

    assert set(ACCEPTED) <= known
    assert {name for name, _ in ACCEPTED} <= locked


def test_the_bill_of_materials_names_every_locked_package_once():
    made = bill(CHECKOUT, "1.2.3")
    again = bill(CHECKOUT, "1.2.3")

    components = made["components"]
    refs = [each["bom-ref"] for each in components]
    assert made == again
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    assert len(refs) == len(set(refs))
    assert {each["purl"] for each in components} == {each.purl for each in packages(CHECKOUT)}
    assert all(each["hashes"] and each["version"] for each in components)
    assert made["dependencies"][0]["dependsOn"] == refs
    [fastapi] = [each for each in components if each["name"] == "fastapi"]
    assert fastapi["scope"] == "required"
    assert fastapi["purl"].startswith("pkg:pypi/fastapi@")
    lengths = {"SHA-256": 64, "SHA-512": 128}
    for each in components:
        for found in each["hashes"]:
            assert len(found["content"]) == lengths[found["alg"]], each["name"]
