"""A browser, and a TOM with the app for it. Both end with the module: Playwright's loop bears no Django beside it."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from parts.app_tom import AppTom
from parts.bridges import TOPIC, Publishing
from parts.tom_fixtures import pristine
from parts.tom_site import ADMIN_PASSWORD, Toolkit, ToolkitMissingError

PROGRAM = os.environ.get("BRIDGE_TEST_CHROMIUM") or "/usr/bin/chromium"
"""Debian's Chromium; Playwright's own browsers need a download that is not in its package."""
_ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SCREENSHOTS = os.environ.get("BRIDGE_SCREENSHOTS", "")
"""The folder into which pictures for the documents are written; none are where it is empty."""
THEME = os.environ.get("BRIDGE_SCREENSHOTS_THEME", "")
"""TOM Toolkit's CSS theme (``Dark``) to look at."""


def _missing(what: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"in CI these tests are not skipped: {what}")
    pytest.skip(what)


@pytest.fixture(scope="module")
def stream_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('stream')}/stream.db"


@pytest.fixture(scope="module")
def alpha(stream_url: str) -> Iterator[Publishing]:
    publishing = Publishing(stream_url)
    yield publishing
    publishing.close()


@pytest.fixture(scope="module")
def beta(
    tmp_path_factory: pytest.TempPathFactory, shared_folder: Path, stream_url: str, alpha: Publishing
) -> Iterator[AppTom]:
    folder = tmp_path_factory.mktemp("browser")
    if any(importlib.util.find_spec(name) is None for name in ("tom_targets", "gunicorn")):
        _missing("a TOM with the app needs tomtoolkit and gunicorn in this Python")
    try:
        toolkit = Toolkit.of(Path(sys.executable))
    except ToolkitMissingError as error:
        _missing(str(error))
    bridge = {
        "ORIGIN": "beta",
        "STREAM": {"URL": stream_url},
        "SUBSCRIBE": [{"TOPIC": TOPIC, "GROUPS": ["Observers"]}],
        "PUBLISH": {"TOPICS": [{"TOPIC": TOPIC}]},
    }
    theme = {"CSS_THEME": THEME, "PLOTLY_THEME": "plotly_dark"} if THEME else {}
    tom = AppTom(
        pristine(toolkit, shared_folder), folder / "beta", bridge=bridge, settings={"TOM_NAME": "Beta TOM", **theme}
    )
    yield tom.start()
    tom.stop()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless Chromium with an empty profile."""
    if shutil.which(PROGRAM) is None:
        _missing(f"there is no {PROGRAM}; BRIDGE_TEST_CHROMIUM may name a Chromium")
    if importlib.util.find_spec("playwright") is None or importlib.util.find_spec("bootstrap") is None:
        _missing("playwright and django-bootstrap-static (the dev extra) are not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=PROGRAM,
            args=_ARGUMENTS,
            viewport={"width": 1200, "height": 800},
        )
        yield context
        context.close()


@pytest.fixture
def page(chromium: Any, beta: AppTom) -> Iterator[Any]:
    """A page of the TOM, logged in as its administrator; an error of a script fails the test."""
    # A test has no network; what TOM Toolkit loads from elsewhere (a sky atlas, a script) is not there.
    chromium.route(lambda url: urlsplit(url).port != beta.port, lambda route: route.abort())
    page = chromium.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)) if "/bridge/" in page.url else None)
    page.goto(f"{beta.base_url}/accounts/login/")
    if page.locator("input[name=login]").count():
        page.fill("input[name=login]", "admin")
        page.fill("input[name=password]", ADMIN_PASSWORD)
        page.locator("form:has(input[name=password]) button").first.click()
    page.wait_for_selector("text=admin")
    yield page
    page.close()
    chromium.unroute_all()
    assert errors == []


@pytest.fixture
def shot(page: Any) -> Any:
    """Return ``shot(name, height=...)``: a picture for the documents, where such are asked for."""

    def take(name: str, height: int = 800) -> None:
        if SCREENSHOTS:
            Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
            page.set_viewport_size({"width": 1200, "height": height})
            page.evaluate("window.scrollTo(0, 0)")
            page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png")

    return take
