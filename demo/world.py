"""The three TOMs, the stream between them, and a bridge for each."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from parts.tom_site import GROUP, Pristine, Toolkit
from parts.toms import Tom

from demo.bridges import Bridge

TOPIC = "demo.supernovae"

_STATIC_FILES = """
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
urlpatterns += staticfiles_urlpatterns()
"""


class World:
    """Real TOMs on free ports, everything in one folder, every process ended at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.toolkit = Toolkit.wanted(3)
        self._ending = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.close()

    def build(self) -> None:
        """Make and serve the TOMs, and write the configuration of each one's bridge."""
        pristine = Pristine.made(self.toolkit, self.folder / "pristine")
        stream = f"sqlite:///{self.folder / 'stream.db'}"
        self.north = self._bridge(pristine, "north", "North TOM", stream, kinds=None)
        self.east = self._bridge(pristine, "east", "East TOM", stream, kinds=None)
        self.south = self._bridge(pristine, "south", "South TOM", stream, kinds=("list", "photometry", "data-product"))

    @property
    def bridges(self) -> tuple[Bridge, ...]:
        """The bridges of all TOMs: the one that shares first."""
        return self.north, self.east, self.south

    def _bridge(
        self, pristine: Pristine, origin: str, name: str, stream: str, *, kinds: tuple[str, ...] | None
    ) -> Bridge:
        folder = self.folder / origin
        # DEBUG lets Django serve the style sheets, for those who look at the pages.
        tom = Tom(pristine, folder / "tom", settings={"TOM_NAME": name, "DEBUG": True})
        with (tom.site.folder / "tomsite" / "urls.py").open("a") as urls:
            urls.write(_STATIC_FILES)
        self._ending.callback(tom.stop)
        tom.start()
        bridge = Bridge(
            tom=tom,
            origin=origin,
            name=name,
            folder=folder / "bridge",
            stream=stream,
            topic=TOPIC,
            groups=(GROUP,),
            kinds=kinds,
        )
        self._ending.callback(bridge.stop)
        return bridge
