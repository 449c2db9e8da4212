"""Every management command that a document shows is one that there is, and every setting and command is documented."""

import ast
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from parts.django_tom import InProcess

DOCS = Path(__file__).parents[3] / "docs"
REFERENCE = (DOCS / "tomtoolkit.md").read_text()
BLOCK = re.compile(r"^```(?:sh|console|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def shown_commands() -> list[tuple[str, str]]:
    """Return (document, command) of each of the bridge's management commands in a block of shell."""
    found = []
    for document in sorted(DOCS.glob("*.md")):
        for block in BLOCK.findall(document.read_text()):
            lines = (line.split("#")[0].strip() for line in block.replace("\\\n", " ").splitlines())
            found += [(document.name, line) for line in lines if line.startswith("python manage.py bridge")]
    return found


def parsed(command: list[str]) -> str:
    """Return the path of the command; raise what the command line raises where it is wrong."""
    from bridge.tomtoolkit.operating.commands import command_line

    here: Any = command_line()
    context = here.make_context("manage.py", command)
    while hasattr(here, "resolve_command"):
        name, here, rest = here.resolve_command(context, [*context._protected_args, *context.args])
        context = here.make_context(name, rest, parent=context)
    return str(context.command_path)


def test_the_documents_show_management_commands() -> None:
    assert len(shown_commands()) > 10


@pytest.mark.parametrize(("document", "command"), shown_commands(), ids=lambda given: given)
def test_a_management_command_in_a_document_is_taken(document: str, command: str, in_process: InProcess) -> None:
    assert parsed(shlex.split(command)[2:]), document


def test_every_command_of_the_command_line_is_a_management_command_that_is_documented(in_process: InProcess) -> None:
    from django.core.management import get_commands

    from bridge.tomtoolkit.operating.commands import command_line

    there = {name for name, app in get_commands().items() if app == "bridge.tomtoolkit"}
    assert there == set(command_line().commands)
    assert [name for name in there if f"`{name}`" not in REFERENCE] == []


def test_every_setting_of_the_app_is_documented(in_process: InProcess) -> None:
    from bridge.settings import Settings
    from bridge.settings.errors import section
    from bridge.tomtoolkit import conf

    beside = {"tom", "state", "ledger", "gateway"}
    names = set(conf.AppSettings.model_fields) - beside
    for table in names - set(Settings.model_fields):
        own = section(conf.AppSettings, table)
        names |= set(own.model_fields) if own is not None else set()
    names |= set(conf.AppSubscriptionSettings.model_fields) | set(conf.AppPublishedTopicSettings.model_fields)
    assert set(Settings.model_fields) <= set(conf.AppSettings.model_fields)
    assert [name for name in sorted(names) if not re.search(rf"[`']{name.upper()}[`']", REFERENCE)] == []


@pytest.mark.parametrize("document", ["tomtoolkit.md", "administrators.md"])
def test_the_settings_that_a_document_shows_are_right(document: str, in_process: InProcess) -> None:
    from django.test.utils import override_settings

    from bridge.tomtoolkit import conf

    (shown,) = re.findall(r"^TOM_BRIDGE = (\{.*?^\})", (DOCS / document).read_text(), re.MULTILINE | re.DOTALL)
    with override_settings(TOM_BRIDGE=ast.literal_eval(shown)):
        assert conf.problems() == []
        assert conf.load().topics() == ["supernovae.public"]


def test_the_unit_runs_a_command_that_there_is_and_starts_again_what_may_be(in_process: InProcess) -> None:
    from bridge.cli.main import NEEDS_A_PERSON, WRONG

    unit = (DOCS / "tom-bridge-tom.service").read_text()
    (command,) = re.findall(r"^ExecStart=\S+ manage.py (.*)$", unit, re.MULTILINE)
    assert parsed(shlex.split(command)) == "manage.py bridgerun"
    assert f"RestartPreventExitStatus={WRONG} {NEEDS_A_PERSON}\n" in unit
