"""``tom-bridge topics``."""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

from typing import Annotated

import typer

from bridge.cli.common import Json, home_of, load_settings, print_json, print_table, progress, say, tell

app = typer.Typer(no_args_is_help=True, help="Topics: the named channels that TOMs agree on.")


@app.command("list")
def list_(context: typer.Context, *, as_json: Json = False) -> None:
    """List the topics of all streams.

    Example: tom-bridge topics list
    """
    from bridge.operations.opening import opened_stream
    from bridge.operations.topics import list_topics

    settings = load_settings(context)
    with opened_stream(settings) as stream:
        found, problems = list_topics(settings, stream)
    for problem in problems:
        tell(problem)
    if as_json:
        print_json(found)
        return
    rows = [(one.name, one.partitions, one.records, one.role, "yes" if one.subscribed else "") for one in found]
    print_table(
        ("topic", "partitions", "records", "holds", "subscribed"),
        rows,
        empty=home_of(context).named("No topics. Create one: tom-bridge topics create supernovae.public"),
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


@app.command()
def copy(
    context: typer.Context,
    *,
    topic: Annotated[str, typer.Argument(metavar="FROM", help="The topic that is copied.")],
    to: Annotated[str | None, typer.Argument(metavar="[TO]", help="The topic that is written; default: FROM.")] = None,
    from_stream: Annotated[
        str | None, typer.Option(metavar="URL", help="The stream that is read; default: those configured.")
    ] = None,
    to_stream: Annotated[
        str | None, typer.Option(metavar="URL", help="The stream that is written; default: those configured.")
    ] = None,
    partitions: Annotated[int, typer.Option(min=1, max=1000, help="Of TO where it is made anew; fixed for ever.")] = 1,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that the stream is given to take a part.")] = 60.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would be copied, copy nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Copy a topic's records and the schemas, byte for byte. Killed and run again, it goes on where it was.

    Example: tom-bridge topics copy supernovae.public --to-stream kafka://broker.example.org:9092
    """
    from bridge.operations.copying import copy_topic, opened_streams

    settings = load_settings(context)
    with opened_streams(settings, from_stream, to_stream) as (source, target):
        total = sum(held.next - held.first for held in source.ends(topic).values())
        with progress("Copying", total) as show:
            done = copy_topic(
                source,
                target,
                topic,
                to or topic,
                schema_topic=settings.stream.schema_topic if from_stream else settings.schema_topic_of(topic),
                to_schema_topic=settings.stream.schema_topic if to_stream else settings.schema_topic_of(to or topic),
                partitions=partitions,
                dry_run=dry_run,
                timeout_s=timeout,
                progress=show,
            )
    if as_json:
        print_json(done)
        return
    verb = "Would copy" if dry_run else "Copied"
    say(
        f"{verb} {done.copied} of {done.records} records of {done.topic} on {done.from_stream} to {done.to} on "
        f"{done.to_stream}; {done.there} were there, {done.schemas} schemas besides"
        + (f"; {done.left_out} left out that can't be read whole (see the log)" if done.left_out else "")
    )
