"""A real TOM with the app, served by gunicorn: for what a browser has to see."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from parts.tom_site import SITE, Pristine
from parts.toms import Tom

_SETTINGS = """
INSTALLED_APPS += ['bridge.tomtoolkit', 'bootstrap']
# The Bootstrap of django-bootstrap-static: the one that TOM Toolkit names is elsewhere on the network.
BOOTSTRAP5 = {
    'css_url': {'url': '/static/bootstrap/css/bootstrap.min.css'},
    'javascript_url': {'url': '/static/bootstrap/js/bootstrap.bundle.min.js'},
}
"""
_STATIC = """
from django.contrib.staticfiles.views import serve as serve_static
# Stands for the web server in front of a TOM, which serves the static files.
urlpatterns += [re_path(r'^static/(?P<path>.*)$', serve_static, {'insecure': True})]
"""
_MIGRATE = """
from django.core.management import call_command
call_command('migrate', verbosity=0, interactive=False)
"""
_DRAIN = """
from bridge.tomtoolkit.operating.assemble import open_bridge
with open_bridge() as bridge:
    bridge.consumer().run(until_end=True)
"""


class AppTom(Tom):
    """A TOM with the app, on a port of its own; ``bridge`` is its ``TOM_BRIDGE``."""

    def __init__(
        self, pristine: Pristine, folder: Path, *, bridge: Mapping[str, Any], settings: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(pristine, folder, settings={"TOM_BRIDGE": dict(bridge), **(settings or {})})
        with (folder / SITE / "settings.py").open("a") as file:
            file.write(_SETTINGS)
        with (folder / SITE / "urls.py").open("a") as file:
            file.write(_STATIC)
        self.shell(_MIGRATE)

    def drain(self) -> None:
        """Apply everything that is on the stream, as ``bridgeconsume --until-end`` does."""
        self.shell(_DRAIN)
