"""``tom-bridge gateway``: the service by which unchanged TOMs publish, and who may."""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

import logging
import threading
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from bridge.cli.common import (
    LOOPBACK,
    Json,
    MetricsHost,
    MetricsPort,
    is_verbose,
    load_settings,
    metrics_at,
    print_json,
    print_table,
    say,
)
from bridge.cli.consume import stop_at_signals
from bridge.cli.logs import set_up_logs
from bridge.errors import ConfigurationError

app = typer.Typer(help="Let TOMs that stay as they are publish by their own Share buttons, over HTTP.")
accounts_app = typer.Typer(no_args_is_help=True, help="Which TOMs may publish by the gateway, and on which topics.")
app.add_typer(accounts_app, name="accounts")


@app.callback(invoke_without_command=True)
def gateway(
    context: typer.Context,
    *,
    listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where to listen; else as configured.")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="The TLS certificate, with its chain (PEM).")] = None,
    key: Annotated[Path | None, typer.Option(help="The key of the certificate (PEM).")] = None,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = LOOPBACK,
) -> None:
    """Run the gateway until told to stop.

    Example: tom-bridge gateway --listen 127.0.0.1:8480
    """
    if context.invoked_subcommand is not None:
        return
    settings = load_settings(context)
    set_up_logs(logging.DEBUG if is_verbose(context) else logging.INFO)
    try:
        from bridge.gateway.app import Gateway
        from bridge.gateway.serving import Place, serve
    except ImportError as error:
        raise ConfigurationError(
            f"the gateway needs {error.name}, which is not installed", mend="Run: pip install 'tom-bridge[gateway]'"
        ) from None
    from bridge.operations.gateway import opened_gateway, relay_until

    chosen = settings.gateway
    place = Place.at(listen or chosen.listen, certificate or chosen.certificate, key or chosen.key)
    stopped = threading.Event()
    with opened_gateway(settings) as parts, metrics_at(metrics_host, metrics_port) as metrics:
        if metrics is not None:
            metrics.follow_outbox(parts.queued)
        served = Gateway(
            parts.accepting, parts.messages, parts.who_is, parts.of_token, requests_a_minute=chosen.requests_a_minute
        )
        service = serve(served.application(), place, stopped)
        stop_at_signals(stopped)
        try:
            relay_until(parts, stopped, place.url)
        finally:
            service.end()


@accounts_app.command("add")
def accounts_add(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Argument(help="The user name that the TOM logs in with.")],
    topics: Annotated[list[str], typer.Option("--topic", help="A topic that it may publish on; may be repeated.")],
    origin: Annotated[str | None, typer.Option(help="The TOM's permanent id; else that of the configuration.")] = None,
    display_name: Annotated[str | None, typer.Option(help="The TOM's name for people.")] = None,
    installation: Annotated[
        UUID | None,
        typer.Option(help="Of the TOM's consumer elsewhere: 'tom-bridge identity show' says it there."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Let a TOM publish, and print its password, which is shown this once, and what belongs in the TOM's settings.

    Example: tom-bridge gateway accounts add north-tom --topic supernovae.public
    """
    from bridge.operations.gateway import add_account

    settings = load_settings(context)
    secret = add_account(
        settings, name, topics=topics, origin=origin, display_name=display_name, installation=installation
    )
    scheme = "http" if settings.gateway.certificate is None else "https"
    address = (settings.gateway.url or f"{scheme}://{settings.gateway.listen}").rstrip("/")
    entries = {
        f"bridge{number or ''}": {
            "DISPLAY_NAME": f"Bridge: {topic}",
            "BASE_URL": f"{address}/{topic}/",
            "USERNAME": name,
            "PASSWORD": secret,
        }
        for number, topic in enumerate(topics)
    }
    if as_json:
        print_json({"name": name, "password": secret, "data_sharing": entries})
        return
    say(f"The password of {name}, which is not shown again: {secret}")
    say("In the TOM's settings:")
    say("DATA_SHARING = {")
    for label, entry in entries.items():
        say(f"    {label!r}: {entry!r},")
    say("}")
    hermes = {"DISPLAY_NAME": "TOM Bridge", "BASE_URL": f"{address}/", "HERMES_API_KEY": secret}
    say("Or for a TOM of 2.32, which shows the topics by name and shares in one request:")
    say(f"DATA_SHARING['hermes'] = {hermes!r}")


@accounts_app.command("list")
def accounts_list(context: typer.Context, *, as_json: Json = False) -> None:
    """Show which TOMs may publish.

    Example: tom-bridge gateway accounts list
    """
    from bridge.gateway import accounts
    from bridge.operations.gateway import opened_store

    with opened_store(load_settings(context)) as store:
        found = accounts.every(store)
    rows = [(one.name, one.origin, one.display_name, ", ".join(one.topics)) for one in found]
    if as_json:
        print_json([dict(zip(("name", "origin", "display_name", "topics"), row, strict=True)) for row in rows])
    else:
        print_table(("account", "origin", "name", "topics"), rows, empty="No account: see 'gateway accounts add'.")


@accounts_app.command("remove")
def accounts_remove(
    context: typer.Context, *, name: Annotated[str, typer.Argument(help="The account.")], as_json: Json = False
) -> None:
    """Let a TOM publish no more. What it shared stays published; what was taken from it is sent.

    Example: tom-bridge gateway accounts remove north-tom
    """
    from bridge.gateway import accounts
    from bridge.operations.gateway import opened_store

    with opened_store(load_settings(context)) as store:
        removed = accounts.remove(store, name)
    if not removed:
        raise ConfigurationError(f"there is no account {name!r}", mend="'tom-bridge gateway accounts list' shows all")
    if as_json:
        print_json({"removed": name})
    else:
        say(f"Removed {name}")
