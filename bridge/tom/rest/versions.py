"""What differs between versions of TOM Toolkit, as seen over REST.

How a datum is written and shown is in :mod:`bridge.tom.values`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class Toolkit:
    """The traits of one TOM's TOM Toolkit."""

    typed_datums: bool
    """Datums are typed rows (3.1 and later)."""
    shared_from: bool
    """Targets have ``shared_from`` and ``shared_by`` (3.1 and later)."""

    @classmethod
    def forced(cls, version: str) -> "Toolkit":
        """Return the traits of a version that a setting names, as ``3.1`` or ``2.32``."""
        try:
            number = tuple(int(part) for part in version.split("."))
        except ValueError:
            raise ConfigurationError(
                f"{version!r} is no version of TOM Toolkit", where="tom.toolkit", mend='Write "auto", "3.1" or "2.32"'
            ) from None
        return cls(typed_datums=number >= (3, 1), shared_from=number >= (3, 1))

    @classmethod
    def seen(cls, target_fields: Mapping[str, Any], datum_fields: Mapping[str, Any]) -> "Toolkit":
        """Return the traits that the TOM's own description of its API shows (``actions.POST`` of two ``OPTIONS``).

        A typed datum needs no ``value``; before, ``value`` is all that there is, and required.
        """
        value = datum_fields.get("value", {})
        return cls(typed_datums=not value.get("required", True), shared_from="shared_from" in target_fields)
