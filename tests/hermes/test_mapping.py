"""The table of fields: complete, and the one that docs/hermes.md shows."""

from pathlib import Path

import pytest

from bridge.events import Event, Point, Position, Spectrum, Target
from bridge.hermes import mapping

DOCUMENT = Path(__file__).parents[2] / "docs" / "hermes.md"


@pytest.mark.parametrize(
    ("model", "sections"),
    [
        (Event, ["The message"]),
        (Target, ["`targets`", "`orbital_elements` of a target"]),
        (Point, ["`photometry`"]),
        (Spectrum, ["`spectroscopy`"]),
        (Position, ["`astrometry`"]),
    ],
)
def test_the_table_says_of_every_field_what_becomes_of_it(model: type[Event], sections: list[str]) -> None:
    told = {name for each in sections for one in mapping.TABLE[each] for name in one.ours.split(", ")} - {""}
    fields = set(model.model_fields) - {"kind", "body"}
    assert told - {"target"} == fields


def test_every_row_of_the_table_has_its_source() -> None:
    assert all(one.source for fields in mapping.TABLE.values() for one in fields)


def test_the_document_shows_the_table() -> None:
    assert mapping.as_markdown() in DOCUMENT.read_text()
