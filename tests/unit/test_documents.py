"""Every command that a document shows is one that the command line takes, and every link leads somewhere."""

import re
import shlex
from pathlib import Path

import pytest
from parts.command_line import parsed

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)(?P<path>[^)#]+)(?:#[^)]*)?\)")
BLOCK = re.compile(r"^```(?:sh|console|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def shown_commands() -> list[tuple[str, str]]:
    """Return (document, command) of each tom-bridge command in a block of shell, continued lines joined."""
    found = []
    for document in DOCUMENTS:
        for block in BLOCK.findall(document.read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                command = re.split(r"[|>#]", line.removeprefix("$ "))
                found += [(document.name, part.strip()) for part in command if part.strip().startswith("tom-bridge ")]
    return found


def test_the_documents_show_commands() -> None:
    assert len(shown_commands()) > 10


@pytest.mark.parametrize(("document", "command"), shown_commands(), ids=lambda given: given)
def test_a_command_in_a_document_is_one_of_the_command_line(document: str, command: str) -> None:
    assert parsed(shlex.split(command)[1:]), document


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_link_in_a_document_leads_to_a_file(document: Path) -> None:
    missing = [path for path in LINK.findall(document.read_text()) if not (document.parent / path).exists()]
    assert not missing
