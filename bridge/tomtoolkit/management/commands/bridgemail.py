"""``manage.py bridgemail``."""

from bridge.tomtoolkit.operating.commands import BridgeCommand


class Command(BridgeCommand):
    """See :func:`bridge.tomtoolkit.operating.running.mail`."""

    word = "mail"
