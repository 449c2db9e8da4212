"""The errors of a spectrum's fluxes: as they are, in another unit, or as (inverse) variances, which surveys write."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bridge.publishing.sources.tables.elements import units
from bridge.publishing.sources.tables.elements.names import Name
from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.elements.words import words

_POWERS = {
    **dict.fromkeys(words("ivar invvar inversevariance fluxivar ivarflux"), -0.5),
    **dict.fromkeys(words("variance fluxvariance"), 0.5),
}
"""By the name of a column, the power of its values that is an error."""


@dataclass(frozen=True, kw_only=True)
class Uncertainty:
    """A column that tells the errors."""

    index: int
    power: float = 1.0
    """Of its values, that makes errors of them."""
    factor: float = 1.0
    """What makes the errors those in the flux's unit."""

    @property
    def told(self) -> str:
        """What the column was taken for."""
        return {1.0: "error", 0.5: "error, from the variance"}.get(self.power, "error, from the inverse variance")

    def errors(self, values: Sequence[float | None]) -> list[float | None]:
        """Return the errors of ``values``, None where there is none: an inverse variance of 0 is an unknown flux."""
        if self.power == 1.0:
            return [value if value is None or self.factor == 1.0 else value * self.factor for value in values]
        return [None if value is None or value <= 0 else math.pow(value, self.power) * self.factor for value in values]


def find(
    table: Table,
    parsed: Sequence[Name],
    named: int | None,
    *,
    flux_unit: str,
    error_unit: str,
    said: Collection[str],
) -> Uncertainty | None:
    """Return the column of errors: ``named``, else one of variances that the person said nothing of (``said``).

    Raises ValueError where its unit can't be made the flux's.
    """
    if named is not None:
        return Uncertainty(index=named, factor=_factor(error_unit, flux_unit, 1.0))
    found = [index for index, name in enumerate(parsed) if name.flat in _POWERS and table.names[index] not in said]
    if len(found) > 1:
        raise ValueError(
            f"columns {table.names[found[0]]!r} and {table.names[found[1]]!r} may both tell the errors; say --columns "
            f"extra={table.names[found[1]]}"
        )
    if not found:
        return None
    power = _POWERS[parsed[found[0]].flat]
    return Uncertainty(index=found[0], power=power, factor=_factor(table.columns[found[0]].unit, flux_unit, power))


def _factor(unit: str, flux_unit: str, power: float) -> float:
    if not unit or unit == flux_unit:
        if unit and power != 1.0:
            raise ValueError(f"the variances are in the unit of the flux, {unit}; mend their unit, or leave them out")
        return 1.0
    own, flux = units.unit_of(unit), units.unit_of(flux_unit)
    own = None if own is None else own**power
    if own is None or flux is None or not own.is_equivalent(flux):
        raise ValueError(f"the error is in {unit}, the flux in {flux_unit or 'no unit'}; write both alike")
    return float(own.to(flux))
