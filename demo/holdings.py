"""What a TOM holds, read back from the TOM: over its REST API, and what the API hides from its database."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests
from parts.toms import Tom

_FIELDS = (
    "bandpass",
    "brightness",
    "brightness_error",
    "limit",
    "unit",
    "exposure_time",
    "telescope",
    "instrument",
    "reduction_version",
)  # fmt: skip
Value = tuple[object, ...]


@dataclass(frozen=True)
class Holding:
    """All that one TOM holds."""

    targets: dict[str, frozenset[str]]
    """Aliases by name, as the API tells."""
    api_points: int
    """Photometric points, as the API tells."""
    points: tuple[Value, ...]
    """Every photometric point with every field, from the database: the API hides limits and exposure times."""
    lists: dict[str, frozenset[str]]
    """Names of members by name of the list, from the database: the API has no such page."""
    products: dict[str, str]
    """SHA-256 of the downloaded file by its name, from the API."""
    spectra: int
    """Spectra that the TOM's own processor read out of products."""

    @property
    def limits(self) -> int:
        """How many points are upper limits."""
        return sum(point[1 + _FIELDS.index("limit")] is not None for point in self.points)

    @property
    def exposure_times(self) -> int:
        """How many points have an exposure time."""
        return sum(point[1 + _FIELDS.index("exposure_time")] is not None for point in self.points)


def holding(tom: Tom) -> Holding:
    """Read back what ``tom`` holds."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Token {tom.pristine.tokens['admin']}"
        targets = _all(session, tom, "targets")
        datums = _all(session, tom, "reduceddatums")
        products = {
            str(product["data"]).rsplit("/", 1)[-1]: _sha256(session, tom, str(product["data"]))
            for product in _all(session, tom, "dataproducts")
        }
    return Holding(
        targets={each["name"]: frozenset(alias["name"] for alias in each["aliases"]) for each in targets},
        api_points=sum(datum["data_type"] == "photometry" for datum in datums),
        points=tuple(
            (datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC), *(row[field] for field in _FIELDS))
            for row in tom.photometry()
        ),
        lists={name: frozenset(members) for name, members in tom.lists().items()},
        products=products,
        spectra=len(tom.query("SELECT id FROM tom_dataproducts_spectroscopyreduceddatum")),
    )


def _all(session: requests.Session, tom: Tom, what: str) -> list[dict[str, Any]]:
    answer = session.get(f"{tom.base_url}/api/{what}/", params={"limit": 1000}, timeout=30)
    answer.raise_for_status()
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def _sha256(session: requests.Session, tom: Tom, address: str) -> str:
    path = address.split("/data/", 1)[-1]
    answer = session.get(f"{tom.base_url}/data/{path}", timeout=30)
    answer.raise_for_status()
    return hashlib.sha256(answer.content).hexdigest()
