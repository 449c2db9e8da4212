"""``tom-bridge topics``."""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

from typing import Annotated

import typer

from bridge.cli.common import Json, load_settings, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Topics: the named channels that TOMs agree on.")


@app.command("list")
def list_(context: typer.Context, *, as_json: Json = False) -> None:
    """List the topics of the stream.

    Example: tom-bridge topics list
    """
    from bridge.operations.opening import opened_stream
    from bridge.operations.topics import list_topics

    settings = load_settings(context)
    with opened_stream(settings) as stream:
        found = list_topics(settings, stream)
    if as_json:
        print_json(found)
        return
    rows = [(one.name, one.partitions, one.records, one.role, "yes" if one.subscribed else "") for one in found]
    print_table(
        ("topic", "partitions", "records", "holds", "subscribed"),
        rows,
        empty="No topics. Create one: tom-bridge topics create supernovae.public",
    )


@app.command()
def create(
    context: typer.Context,
    *,
    names: Annotated[list[str], typer.Argument(metavar="TOPIC...", help="Dotted lower case: supernovae.public.")],
    partitions: Annotated[int, typer.Option(min=1, max=1000, help="How many; fixed for ever.")] = 1,
    as_json: Json = False,
) -> None:
    """Create topics that keep their history, and the schema topic. What exists is left as it is.

    Example: tom-bridge topics create supernovae.public
    """
    from bridge.operations.opening import opened_stream
    from bridge.operations.topics import create_topics

    settings = load_settings(context)
    with opened_stream(settings) as stream:
        made = create_topics(settings, stream, names, partitions=partitions)
    if as_json:
        print_json(made)
        return
    rows = [(one.name, one.partitions, "was there" if one.existed else "created") for one in made]
    print_table(("topic", "partitions", ""), rows, empty="")
