"""What each captured record of Hermes becomes in a TOM: the table of docs/hermes.md."""

import re
from pathlib import Path

from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_fixtures import MakeOrmTom
from parts.hermes import RECORDS, TOPIC, captured

from bridge.ledger.port import Entry

DOCUMENT = Path(__file__).parents[2] / "docs" / "hermes.md"
ANOTHER_PLACE = "hermes-rest-from-tom-2.32-spectrum"
"""Its target has the name of another record's, and lies elsewhere: each is to be told alone."""


def test_the_document_tells_what_each_captured_record_becomes(
    hermes: Publishing, make_orm_tom: MakeOrmTom, url: str, tmp_path: Path
) -> None:
    how = {"format": "hermes", "create_targets": True}
    beta = SubscribedInProcess(make_orm_tom("sqlite"), url, tmp_path, topic=TOPIC, subscription=how)
    names = sorted(path.stem for path in RECORDS.glob("*.json"))
    drained: list[str] = []
    for batch in ([name for name in names if name != ANOTHER_PLACE], [ANOTHER_PLACE]):
        for name in batch:
            hermes.publish_bytes(captured(name).value, headers=captured(name).headers)
        beta.drain()
        drained += batch
        beta.tom.shell("from tom_targets.models import Target\nTarget.objects.all().delete()")
    became: dict[str, list[str]] = {name: [] for name in names}
    for one in sorted(beta.entries(), key=lambda one: (one.offset, one.number)):
        became[drained[one.offset]].append(in_words(one))
    lines = [f"| `{name}` | {'<br>'.join(items)} |" for name, items in became.items()]
    table = "\n".join(["| record | what becomes of it |", "|---|---|", *lines])
    assert table in DOCUMENT.read_text(), f"docs/hermes.md has another table than this:\n{table}"


def in_words(entry: Entry) -> str:
    """Return what became of one item, without places and addresses."""
    outcome = f"*{entry.outcome}{f': {entry.reason}' if entry.reason else ''}*"
    new = entry.detail.get("datums", {}).get("new", 0)
    said = [str(entry.detail.get("message", "")).split("[0]@")[-1], *entry.detail.get("notes", [])]
    why = "; ".join(re.split(r" \(|: \[|: Hermes", re.sub(r"^\d+: ", "", one))[0] for one in said if one)
    whose = f"{entry.kind} {entry.subject}: " if entry.kind else ""
    return whose + outcome + (f", {new} new" if new else "") + (f" ({why})" if why else "")
