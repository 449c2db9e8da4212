"""``tom-bridge init``."""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.common import say


def init(
    *,
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("tom-bridge.toml"),
    origin: Annotated[str, typer.Option(help="The permanent id of your TOM.")] = "my-tom",
    name: Annotated[str, typer.Option(help="Your TOM's name for people.")] = "My TOM",
    stream: Annotated[str, typer.Option(help="kafka://host:9092, or sqlite:///file.")] = "sqlite:///stream.db",
    tom_url: Annotated[str, typer.Option(help="The address of your TOM.")] = "https://tom.example.org/",
    username: Annotated[str | None, typer.Option(help="Of the account that writes; else an API token is used.")] = None,
    groups: Annotated[list[str] | None, typer.Option("--group", help="Who sees what arrives; may be repeated.")] = None,
    topics: Annotated[list[str] | None, typer.Option("--topic", help="What to receive; may be repeated.")] = None,
    start: Annotated[str, typer.Option(help="earliest (all history), now, or a time.")] = "earliest",
) -> None:
    """Write a commented configuration to fill in. An existing file is never changed.

    Example: tom-bridge init --origin my-tom --stream kafka://broker.example.org:9092 --topic supernovae.public
    """
    from bridge.operations.configuration import Answers, secret_variable, write_configuration

    answers = Answers(
        origin=origin,
        display_name=name,
        stream=stream,
        base_url=tom_url,
        username=username,
        groups=tuple(groups or ()),
        topics=tuple(topics or ["supernovae.public"]),
        start=start,
    )
    write_configuration(path, answers)
    say(f"Wrote {path}. Put the account's secret there or in {secret_variable(answers)}, then try: tom-bridge doctor")
