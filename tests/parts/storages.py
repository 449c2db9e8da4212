"""File storages as TOMs have them beside the plain one: that rename, may not delete, or are away; and odd paths."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.utils.crypto import get_random_string


def storing(name: str) -> dict[str, Any]:
    """Return the settings of a TOM with the storage ``name`` of this module."""
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    return {"STORAGES": {"default": {"BACKEND": f"parts.storages.{name}"}, "staticfiles": static}}


class ObjectStore(Storage):
    """Keeps files by their names alone, as S3 does: no paths, no folders, errors that are no OSError."""

    def _file(self, name: str) -> Path:
        return Path(settings.MEDIA_ROOT) / name.replace("/", "%2F")

    def _open(self, name: str, mode: str = "rb") -> Any:
        return ContentFile(self._file(name).read_bytes(), name)

    def _save(self, name: str, content: Any) -> str:
        self._file(name).write_bytes(content.read())
        return name

    def exists(self, name: str) -> bool:
        return self._file(name).exists()

    def delete(self, name: str) -> None:
        self._file(name).unlink()

    def url(self, name: str | None) -> str:
        return f"/store/{name}"


class Renaming(ObjectStore):
    """Gives each file a name of its own."""

    def _save(self, name: str, content: Any) -> str:
        return super()._save(f"{get_random_string(8)}/{Path(name).name}", content)


class Keeping(ObjectStore):
    """May not delete, and says so only when asked to."""

    def delete(self, name: str) -> None:
        raise RuntimeError("AccessDenied: DeleteObject")


class Away(ObjectStore):
    """Can't be reached while there is a file ``away`` beside the files."""

    def _save(self, name: str, content: Any) -> str:
        if Path(settings.MEDIA_ROOT).with_name("away").exists():
            raise RuntimeError("EndpointConnectionError")
        return super()._save(name, content)


class Picky(ObjectStore):
    """Takes no name with an x."""

    def _save(self, name: str, content: Any) -> str:
        if "x" in Path(name).stem:
            raise RuntimeError("InvalidObjectName")
        return super()._save(name, content)


def outside(instance: Any, filename: str) -> str:
    """Return a path (``DATA_PRODUCT_PATH``) that leads out of the folder of files."""
    return f"../../{filename}"


def ending(instance: Any, filename: str) -> str:
    """End the process instead."""
    raise SystemExit(0)
