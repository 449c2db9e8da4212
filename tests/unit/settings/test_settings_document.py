"""docs/configuration.md and what init writes name every setting, and what they show loads."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from bridge.operations.configuration import Answers, render
from bridge.settings import Settings
from bridge.settings.errors import section

DOCS = Path(__file__).parents[3] / "docs"
DOCUMENT = (DOCS / "configuration.md").read_text()


def keys(model: type[BaseModel]) -> list[str]:
    """Return the keys of all tables that hold values."""
    found: list[str] = []
    for name in model.model_fields:
        table = section(model, name)
        found += [name] if table is None else keys(table)
    return found


@pytest.mark.parametrize("key", sorted(set(keys(Settings))))
def test_every_setting_is_documented(key: str) -> None:
    assert f"`{key}`" in DOCUMENT or f"[{key}]" in DOCUMENT


def test_every_default_that_the_document_names_is_the_real_one() -> None:
    settings = Settings.from_mapping({"stream": {"url": "kafka://b"}})
    for key, told in re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", DOCUMENT, re.MULTILINE):
        tables = (settings.limits, settings.matching)
        value = next((getattr(table, key) for table in tables if hasattr(table, key)), None)
        if value is not None:
            assert float(told) == value, key


def test_the_configuration_that_the_document_shows_loads() -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    settings = Settings.from_mapping(tomllib.loads(shown))
    assert settings.require_origin() == "my-tom"
    assert settings.require_subscriptions()[0].topic == "supernovae.public"


def test_the_several_streams_that_the_document_shows_load() -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", (DOCS / "streams.md").read_text(), re.DOTALL)
    settings = Settings.from_mapping(tomllib.loads(shown))
    assert [one.start for one in settings.subscribe] == ["earliest", "now"]
    assert settings.schema_topic_of("hopskotch:hermes.test") is None


def test_what_init_comments_out_is_the_default() -> None:
    text = render(Answers())
    plain = Settings.from_mapping(tomllib.loads(text))
    numbers = re.sub(
        r"^# (\[?\w+\]? ?=? ?[\d.]*|\[\w+\]|kinds = .*|unmatched = .*|toolkit = .*)$", r"\1", text, flags=re.M
    )
    assert numbers.count("\n# ") < text.count("\n# ")
    assert Settings.from_mapping(tomllib.loads(numbers.replace("[data_product_types]", ""))) == plain
