"""The archives as terraform runs them: their platform, and all that is in them."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from devstack import lambdas

X86_64 = 62
"""The machine's number in the header of an ELF file; arm64 has 183."""

OURS = set(lambdas.PACKAGES)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("RIALTO_TEST_ALL"), reason="builds all archives anew: make test-all"
    ),
]


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, zipfile.ZipFile]:
    built = lambdas.build(tmp_path_factory.mktemp("archives"))
    return {archive.stem: zipfile.ZipFile(archive) for archive in built}


def test_terraform_runs_them_on_the_platform_they_are_built_for() -> None:
    folder = lambdas.CHECKOUT / "terraform" / "modules" / "lambdas"
    module = (folder / "main.tf").read_text()
    assert 'architectures                  = ["x86_64"]' in module
    assert f'"python{lambdas.PYTHON_VERSION}"' in (folder / "variables.tf").read_text()
    assert lambdas.PLATFORM.startswith("x86_64-manylinux")
    for name, handler in lambdas.FUNCTIONS.items():
        assert f"{name} " in module
        assert f'"{handler}.handler"' in module


def test_everything_compiled_is_for_it(archives: dict[str, zipfile.ZipFile]) -> None:
    for name, archive in archives.items():
        compiled = [
            each
            for each in archive.namelist()
            if ".so" in Path(each).suffixes and "/prebuilt/" not in each  # embit: one of each.
        ]
        assert compiled, name
        for each in compiled:
            header = archive.read(each)[:20]
            assert header[:4] == b"\x7fELF", each
            assert int.from_bytes(header[18:20], "little") == X86_64, (name, each)
            assert "aarch64" not in each, (name, each)


def test_each_holds_its_handler_and_all_that_it_imports(
    archives: dict[str, zipfile.ZipFile],
) -> None:
    assert archives.keys() == lambdas.FUNCTIONS.keys()
    for name, module in lambdas.FUNCTIONS.items():
        names = archives[name].namelist()
        tops = {each.partition("/")[0].partition(".")[0] for each in names}
        assert f"{module.replace('.', '/')}.py" in names
        assert tops >= OURS
        lacking = lambdas._imported(module) - tops - lambdas.sys.stdlib_module_names
        # Stubs are imported by type checkers alone.
        assert not {each for each in lacking if not each.startswith("types_")}, (name, lacking)


def test_each_is_small_enough_and_holds_nothing_of_the_workshop(
    archives: dict[str, zipfile.ZipFile],
) -> None:
    for name, archive in archives.items():
        size = sum(info.file_size for info in archive.infolist())
        assert size <= lambdas.UNZIPPED_BYTES_MAX, name
        for each in archive.namelist():
            assert each.partition("/")[0] not in {"bench", "devstack", "bin"}, each
            assert not each.endswith((".pyc", "/RECORD", "/INSTALLER")), each
