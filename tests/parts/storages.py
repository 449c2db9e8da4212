"""Storages of files that fail, as an object store does: with errors of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.core.files.storage import FileSystemStorage


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
