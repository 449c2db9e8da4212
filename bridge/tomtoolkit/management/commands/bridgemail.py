"""``manage.py bridgemail``."""

from bridge.tomtoolkit.commands import BridgeCommand


class Command(BridgeCommand):
    """See :func:`bridge.tomtoolkit.running.mail`."""

    word = "mail"
