"""File storages as TOMs have them beside the plain one: that rename, may not delete, or are away; and odd paths."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage
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


class ClientError(Exception):
    """What the client of an object store raises; it is no OSError."""


class FailingStorage(FileSystemStorage):
    """Reads no file whose name is in ``failing``."""

    failing: ClassVar[set[str]] = set()

    def _open(self, name: str, mode: str = "rb") -> Any:
        self._look(name)
        return super()._open(name, mode)

    def size(self, name: str) -> int:
        """Return the number of bytes of a file."""
        self._look(name)
        return int(super().size(name))

    def _look(self, name: str) -> None:
        if name in self.failing:
            raise ClientError("An error occurred (404) when calling the HeadObject operation: Not Found")


@contextmanager
def failing_storage() -> Iterator[set[str]]:
    """Keep the files of this process's TOM in a :class:`FailingStorage` for a block; yield the names that fail."""
    from django.conf import settings
    from django.test.utils import override_settings

    storages = settings.STORAGES | {"default": {"BACKEND": "parts.storages.FailingStorage"}}
    with override_settings(STORAGES=storages):
        try:
            yield FailingStorage.failing
        finally:
            FailingStorage.failing.clear()
