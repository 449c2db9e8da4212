"""The wheel, and the wheel made from the sdist, hold what they need and work in an empty environment."""

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

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
