"""Django's system checks: every wrong or missing setting of the bridge, with a hint.

Whether topics exist is not asked here, for a check must not wait for a broker: ``bridgedoctor`` looks.
"""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.checks import ERROR, CheckMessage, Error, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, router
from tom_targets.models import Target

from bridge.errors import ConfigurationError
from bridge.tomtoolkit import conf
from bridge.tomtoolkit.ledger import applied

_DATABASES = ("sqlite", "postgresql")
_APPS = ("tom_bridge", "tom_targets", "tom_dataproducts", "auth", "contenttypes", "guardian")
"""What the bridge reads and writes."""


@register()
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """Find what is wrong in ``TOM_BRIDGE`` and in the settings that it builds on."""
    found: list[CheckMessage] = [
        Error(f"{one.where} {one.what}.", hint=one.mend or None, id="tom_bridge.E001") for one in conf.problems()
    ]
    if not settings.USE_TZ:
        found.append(Error("USE_TZ is off; times would be ambiguous.", hint="Set USE_TZ = True", id="tom_bridge.E002"))
    vendor = connections[DEFAULT_DB_ALIAS].vendor
    if vendor not in _DATABASES:
        found.append(
            Error(
                f"The bridge keeps its promises on SQLite and PostgreSQL; this database is {vendor}.",
                hint="Move the TOM to PostgreSQL",
                id="tom_bridge.E003",
            )
        )
    found += [*_deferred(), *_routed()]
    if wrong := applied.problem():
        found.append(
            Error(
                f"HOOKS: {applied.HOOK}: {wrong}.",
                hint="Name a function of two arguments, the entry and its target: 'custom_code.hooks.event_applied'",
                id="tom_bridge.E006",
            )
        )
    if not any(one.level >= ERROR for one in found):
        loaded = conf.load()
        found += [*_account_in_address(loaded), *_product_types(loaded), *_unseen(loaded)]
    return found


@register(Tags.database)
def check_groups(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Find groups that the settings name and the TOM doesn't have. Runs with ``migrate`` and ``check --database``."""
    if not databases or DEFAULT_DB_ALIAS not in databases:
        return []
    try:
        loaded = conf.load()
        known = set(Group.objects.values_list("name", flat=True))
    except (ConfigurationError, DatabaseError):
        return []  # told by the other check; or the TOM isn't migrated yet
    named = [(f"subscribe: {one.topic}", one.groups) for one in loaded.subscribe]
    named += [(f"publish: {one.topic}", one.groups) for one in loaded.publish.topics]
    return [
        Error(
            f"{conf.SETTING}: {where}: there is no group {name!r}.",
            hint=f"Make it, or name one of: {', '.join(sorted(known)) or '(this TOM has none)'}",
            id="tom_bridge.E004",
        )
        for where, groups in named
        for name in groups
        if name not in known
    ]


def _deferred() -> list[CheckMessage]:
    """Warn of transactions that read before they write, which SQLite refuses where another one wrote in between.

    The bridge's own don't do so; those of the TOM in which its code shares do.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    mode = str(connection.settings_dict.get("OPTIONS", {}).get("transaction_mode") or "DEFERRED").upper()
    if connection.vendor != "sqlite" or mode in {"IMMEDIATE", "EXCLUSIVE"}:
        return []
    return [
        Warning(
            f"DATABASES: {DEFAULT_DB_ALIAS}: transactions of the TOM's own fail with 'database is locked' where they "
            "read before they write and something else, such as the bridge, writes meanwhile.",
            hint="Set 'OPTIONS': {'transaction_mode': 'IMMEDIATE', 'timeout': 20}",
            id="tom_bridge.W002",
        )
    ]


def _routed() -> list[CheckMessage]:
    """Refuse routers by which the bridge would not read what it has just written."""
    wanted = {*_APPS, Target._meta.app_label}
    elsewhere: dict[str, set[str]] = {}
    for model in apps.get_models(include_auto_created=True):
        if model._meta.app_label in wanted:
            for alias in {router.db_for_read(model), router.db_for_write(model)} - {DEFAULT_DB_ALIAS}:
                elsewhere.setdefault(alias, set()).add(model._meta.app_label)
    return [
        Error(
            f"DATABASE_ROUTERS: models of {', '.join(sorted(labels))} are read from or written to the database "
            f"{alias!r}. The bridge has to find at once what it has written, and all of it in one transaction.",
            hint=f"Let the routers name {DEFAULT_DB_ALIAS!r}, both to read and to write, for these apps",
            id="tom_bridge.E007",
        )
        for alias, labels in sorted(elsewhere.items())
    ]


def _account_in_address(loaded: conf.AppSettings) -> list[CheckMessage]:
    if "@" not in loaded.stream.url or not loaded.stream.url.startswith("kafka://"):
        return []
    return [
        Error(
            f"{conf.SETTING}: stream.url: an address of Kafka takes no user and password.",
            hint='Put them into the options, "KAFKA": {"sasl.username": ..., "sasl.password": ...}, or into the '
            "environment: TOM_BRIDGE_STREAM__KAFKA__SASL_PASSWORD",
            id="tom_bridge.E008",
        )
    ]


def _product_types(loaded: conf.AppSettings) -> list[CheckMessage]:
    types = {kind for kind, _ in getattr(settings, "DATA_PRODUCT_TYPES", {}).values()}
    return [
        Error(
            f"{conf.SETTING}: data_product_types: {ours!r}, for {theirs!r}, is no data product type of this TOM.",
            hint=f"Name one of: {', '.join(sorted(types))}",
            id="tom_bridge.E005",
        )
        for theirs, ours in loaded.data_product_types.items()
        if types and ours not in types
    ]


def _unseen(loaded: conf.AppSettings) -> list[CheckMessage]:
    if getattr(settings, "TARGET_DEFAULT_PERMISSION", "PRIVATE") != "PRIVATE":
        return []
    return [
        Warning(
            f"{conf.SETTING}: subscribe: {one.topic}: targets that arrive will be seen by superusers alone.",
            hint='Name the groups that see them: "GROUPS": ["Observers"]',
            id="tom_bridge.W001",
        )
        for one in loaded.subscribe
        if not one.groups
    ]
