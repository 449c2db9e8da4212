"""What differs between versions of TOM Toolkit, as seen over REST.

How a datum is written and shown is in :mod:`bridge.tom.values`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class Toolkit:
    """The traits of one TOM's TOM Toolkit, by what it shows of itself."""

    typed_datums: bool
    """Datums are typed rows (3.0 and later)."""
    shared_from: bool
    """Targets have ``shared_from`` and ``shared_by`` (3.0 and later)."""

    @classmethod
    def seen(
        cls, target_fields: Mapping[str, Any], datum_fields: Mapping[str, Any], *, otherwise: str = "auto"
    ) -> "Toolkit":
        """Return the traits that the TOM's own description of its API shows (``actions.POST`` of two ``OPTIONS``).

        A typed datum needs no ``value``; before, ``value`` is all that there is, and required. Where the TOM describes
        no datum, the version that a setting names decides (``otherwise``).
        """
        value = datum_fields.get("value")
        if isinstance(value, Mapping):
            return cls(typed_datums=not value.get("required", True), shared_from="shared_from" in target_fields)
        if otherwise == "auto":
            raise ConfigurationError(
                "the TOM does not say what its datums are like, or the account may not add any",
                where="tom.toolkit",
                mend='Let the account write to the API, or write the TOM\'s version of TOM Toolkit, as "3.1"',
            )
        typed = int(otherwise.partition(".")[0]) >= 3
        return cls(typed_datums=typed, shared_from=typed)
