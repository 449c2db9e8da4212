"""``manage.py bridgerelay``."""

from bridge.tomtoolkit.commands import BridgeCommand


class Command(BridgeCommand):
    """See :func:`bridge.tomtoolkit.running.relay`."""

    word = "relay"
