"""What the doctor finds in a ledger."""

from contextlib import closing
from pathlib import Path

from bridge.ledger.sqlite import SqliteLedger
from bridge.operations.doctor import Finding, examine_ledger
from bridge.origins import name_key
from bridge.settings import Settings


def findings_about_the_name(folder: Path, owner: str) -> list[Finding]:
    """Return what is found in a ledger in which the name of this TOM belongs to ``owner``."""
    tom = {"display_name": "Beta TOM", "base_url": "http://127.0.0.1:9/", "api_key": "x"}
    settings = Settings.from_mapping({"origin": "beta", "stream": {"url": "sqlite:///s.db"}, "tom": tom}, folder=folder)
    with closing(SqliteLedger(folder / "ledger.db")) as ledger:
        with ledger.unit() as unit:
            unit.claim_names({name_key("béta tom"): owner})
        return [one for one in examine_ledger(settings, ledger, "ledger.db") if one.about == "name"]


def test_it_says_that_another_had_our_name_here_first(tmp_path: Path) -> None:
    (found,) = findings_about_the_name(tmp_path, "other.org")
    assert (found.level, found.about) == ("warn", "name")
    assert found.what.startswith("other.org was called 'Beta TOM' here before this TOM was")
    assert "is called 'Beta TOM (other.org)' here" in found.mend


def test_it_says_nothing_where_the_name_is_ours(tmp_path: Path) -> None:
    assert findings_about_the_name(tmp_path, "beta") == []
