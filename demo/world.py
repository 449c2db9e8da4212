"""The three TOMs, the stream between them, and a bridge for each."""

import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from parts.managed_tom import ManagedTom
from parts.tom_site import GROUP, Pristine, Toolkit
from parts.toms import Tom, free_port

from demo.bridges import Beside, Bridge, Inside

TOPIC = "demo.supernovae"
SOUTH_KINDS = ("list", "photometry", "data-product")

# Shorter than usual, as people watch.
_LIMITS = {"batch_s": 0.5, "parked_retry_s": 1}
_LOOK_S = 1

_NORTH_SETTINGS = """
DATA_PRODUCT_TYPES['atlas_photometry'] = ('atlas_photometry', 'ATLAS photometry')
DATA_PROCESSORS['atlas_photometry'] = 'tom_dataproducts.processors.atlas_processor.AtlasProcessor'
"""
# For those who look at the pages: the style sheets are served by the TOM itself, also where no network is.
_STYLE = """
INSTALLED_APPS += ['bootstrap']
BOOTSTRAP5 = {
    'css_url': {'url': '/static/bootstrap/css/bootstrap.min.css'},
    'javascript_url': {'url': '/static/bootstrap/js/bootstrap.bundle.min.js'},
}
"""
# As the documents advise where web server and bridge share a SQLite file.
_PATIENT_DATABASE = "DATABASES['default']['OPTIONS'] = {'timeout': 20}\n"
_STATIC_FILES = """
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
urlpatterns += staticfiles_urlpatterns()
"""


class World:
    """Real TOMs on free ports, everything in one folder, every process ended at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # The very Python that runs this: the two TOMs with the app need TOM Bridge as well.
        self.toolkit = Toolkit.of(Path(sys.executable))
        self.stream = f"sqlite:///{self.folder / 'stream.db'}"
        self._ending = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.close()

    def build(self) -> None:
        """Make the TOMs: two whose settings have the app, still without its tables, and one without it."""
        pristine = Pristine.made(self.toolkit, self.folder / "pristine")
        publish = {"TOPICS": [{"TOPIC": TOPIC, "GROUPS": [GROUP]}], "LOOK_S": _LOOK_S}
        self.north = self._inside(pristine, "north", "North TOM", _NORTH_SETTINGS, PUBLISH=publish)
        self.east = self._inside(pristine, "east", "East TOM", "")
        self.south = self._beside(pristine, "south", "South TOM")

    def serve(self) -> None:
        """Start the web servers."""
        for bridge in self.bridges:
            self._ending.callback(bridge.tom.stop)
            bridge.tom.start()
            self._ending.callback(bridge.stop)

    @property
    def bridges(self) -> tuple[Bridge, ...]:
        """The bridges of all TOMs: the one that shares first."""
        return self.north, self.east, self.south

    def _inside(self, pristine: Pristine, origin: str, name: str, settings: str, **more: Any) -> Inside:
        entry = {
            "ORIGIN": origin,
            "STREAM": {"URL": self.stream},
            "SUBSCRIBE": [{"TOPIC": TOPIC, "GROUPS": [GROUP]}],
            **more,
            "LIMITS": {key.upper(): value for key, value in _LIMITS.items()},
        }
        folder = self.folder / origin
        tom = ManagedTom(pristine, folder / "tom", bridge=entry, settings=_STYLE + _PATIENT_DATABASE + settings)
        tom.set(**_for_people(origin, name))
        _serve_static_files(tom)
        return Inside(tom, origin, name, folder / "bridge")

    def _beside(self, pristine: Pristine, origin: str, name: str) -> Beside:
        folder = self.folder / origin
        tom = Tom(pristine, folder / "tom", settings=_for_people(origin, name))
        with (tom.site.folder / "tomsite" / "settings.py").open("a") as file:
            file.write(_STYLE)
        _serve_static_files(tom)
        settings: dict[str, dict[str, Any]] = {
            "stream": {"url": self.stream},
            "tom": {
                "display_name": name,
                "base_url": f"{tom.base_url}/",
                "api_key": pristine.tokens["bridge"],
                "groups": [GROUP],
            },
            "subscribe": {"topic": TOPIC, "kinds": SOUTH_KINDS},
            "publish": {"topic": TOPIC},
            "limits": _LIMITS,
            "gateway": {"listen": f"127.0.0.1:{free_port()}", "pause_s": 0.5},
        }
        return Beside(tom, origin, name, folder / "bridge", settings)


def _for_people(origin: str, name: str) -> dict[str, Any]:
    # DEBUG lets Django serve static files. To a browser the three TOMs are one host: each has cookies of its own, so
    # that one may be logged in to all at once.
    cookies = {"SESSION_COOKIE_NAME": f"{origin}-session", "CSRF_COOKIE_NAME": f"{origin}-csrf"}
    return {"TOM_NAME": name, "DEBUG": True, **cookies}


def _serve_static_files(tom: Tom) -> None:
    with (tom.site.folder / "tomsite" / "urls.py").open("a") as urls:
        urls.write(_STATIC_FILES)
