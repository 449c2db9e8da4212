"""The nursery of a test session: real child processes, each with the settings and databases that its test has."""

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bridge.tomtoolkit.children import Answer, Nursery


class NurseryOfTests(Nursery):
    """Children of the TOM in this process, whose settings are in no module; started once for all tests."""

    def __init__(self, site: Path) -> None:
        super().__init__(f"from parts.nursery import set_up; set_up({str(site)!r})")

    def each(self, function: Callable[[Any], Any], items: Sequence[Any], **given: Any) -> list[Answer]:
        """Call ``function`` in a child that has what this process has now."""
        return super().each(partial(_within, *_here(), function), items, **given)

    def close(self) -> None:
        """It serves other tests as well."""

    def end(self) -> None:
        """End it."""
        super().close()


def set_up(site: str) -> None:
    """Set Django up from a rendered site, as the tests' own process does."""
    import django
    from django.conf import settings

    sys.path.insert(0, site)
    module = importlib.import_module("tomsite.settings")
    settings.configure(**{name: value for name, value in vars(module).items() if name.isupper()})
    django.setup()


def point(databases: Mapping[str, Any]) -> None:
    """Point Django's connections at other databases, by alias; those that are open are closed."""
    from django.db import connections

    for alias in list(connections):
        connections[alias].close()
        del connections[alias]
    connections.settings = connections.configure_settings({alias: dict(one) for alias, one in databases.items()})


def _here() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings that are overridden now, and the databases."""
    from django.conf import UserSettingsHolder, settings
    from django.db import connections

    given: dict[str, Any] = {}
    holder: Any = settings._wrapped
    while isinstance(holder.default_settings, UserSettingsHolder):
        given = {name: value for name, value in vars(holder).items() if name.isupper()} | given
        holder = holder.default_settings
    return given, dict(connections.settings)


def _within(settings: dict[str, Any], databases: dict[str, Any], function: Callable[[Any], Any], item: Any) -> Any:
    from django.test.utils import override_settings

    point(databases)
    override_settings(**settings).enable()
    return function(item)
