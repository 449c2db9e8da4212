"""The wheel, and the wheel made from the sdist, hold what they need and work in an empty environment."""

import ast
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SCHEMAS = {f"bridge/schemas/{path.relative_to(ROOT / 'schemas')}" for path in (ROOT / "schemas").rglob("*.avsc")}


def run(command: list[str], **options: Any) -> str:
    """Return what ``command`` printed; fail with all of it where it failed."""
    told = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, the wheel made from it (``python -m build`` makes the wheel of the sdist)."""
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)])
    return folder


def the_only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def test_the_wheel_made_from_the_sdist_holds_every_schema(built: Path) -> None:
    with zipfile.ZipFile(the_only(built, "*.whl")) as wheel:
        names = set(wheel.namelist())
    assert SCHEMAS
    assert names >= SCHEMAS
    assert "bridge/py.typed" in names


def test_the_wheel_holds_nothing_but_the_package(built: Path) -> None:
    with zipfile.ZipFile(the_only(built, "*.whl")) as wheel:
        folders = {name.split("/")[0] for name in wheel.namelist()}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == {"bridge"}


def test_the_sdist_holds_the_tests_and_the_licence(built: Path) -> None:
    with tarfile.open(the_only(built, "*.tar.gz")) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "Makefile", "tests/unit/test_package.py"} <= names


def test_the_installed_wheel_runs_without_the_checkout(built: Path, tmp_path: Path) -> None:
    """The package comes from the wheel alone; its dependencies are borrowed from this environment."""
    environment = tmp_path / "environment"
    venv.create(environment)
    python = environment / "bin" / "python"
    install = ["install", "--quiet", "--no-deps", "--no-index", str(the_only(built, "*.whl"))]
    run([sys.executable, "-m", "pip", "--python", str(python), *install])
    borrowed = {**os.environ, "PYTHONPATH": str(Path(pytest.__file__).parents[1])}
    where = run([str(python), "-c", "import bridge.events; print(bridge.events.__file__)"], env=borrowed, cwd=tmp_path)
    assert where.startswith(str(environment))
    told = run([str(environment / "bin" / "tom-bridge"), "--help"], env=borrowed, cwd=tmp_path)
    assert "consume" in told


def installed_with_it() -> set[str]:
    """Return the distributions that come with tom-bridge without extras, its dependencies' dependencies too."""
    found: set[str] = set()
    ahead = ["tom-bridge"]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            wanted = [Requirement(each) for each in requires(name) or ()]
            ahead += [
                canonicalize_name(each.name)
                for each in wanted
                if each.marker is None or each.marker.evaluate({"extra": ""})
            ]
    return found


_COMES_WITH_AN_EXTRA = {
    "astropy": ["bridge/publishing/sources/tables"],  # files
    "prometheus_client": ["bridge/operations/metrics.py"],  # metrics
    "starlette": ["bridge/gateway"],  # gateway
    "uvicorn": ["bridge/gateway"],
}
"""Packages that only these folders may import."""


def test_the_core_imports_nothing_that_does_not_come_with_it() -> None:
    """Other packages of a development environment would hide a dependency that is not declared.

    Django and TOM Toolkit come with the extra ``tomtoolkit``, for ``bridge.tomtoolkit`` alone.
    """
    ours = installed_with_it()
    distributions = packages_distributions()
    undeclared = set()
    core = set((ROOT / "bridge").rglob("*.py")) - set((ROOT / "bridge" / "tomtoolkit").rglob("*.py"))
    for path in sorted(core):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for top in {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"bridge"}:
                if any(path.is_relative_to(ROOT / folder) for folder in _COMES_WITH_AN_EXTRA.get(top, ())):
                    continue
                if not {canonicalize_name(each) for each in distributions.get(top, ())} & ours:
                    undeclared.add(f"{path.relative_to(ROOT)} imports {top}")
    assert not undeclared
