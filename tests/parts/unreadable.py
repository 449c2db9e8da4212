"""Files of data products that can't be read, each in another way."""

from pathlib import Path
from typing import Any

UNREADABLE = ("outside of the media", "a way out", "gone", "a folder", "nameless", "refused by the storage")


def make_unreadable(row: Any, why: str, failing: set[str] | None = None) -> None:
    """Make the file of a data product unreadable; ``failing``: the names that the storage refuses."""
    named = {"outside of the media": "/srv/old/lc.csv", "a way out": "../../etc/passwd", "nameless": ""}
    if why in named:
        row._meta.model.objects.filter(pk=row.pk).update(data=named[why])
        return
    if why == "refused by the storage":
        assert failing is not None
        failing.add(row.data.name)
        return
    path = Path(row.data.path)
    path.unlink()
    if why == "a folder":
        path.mkdir()
