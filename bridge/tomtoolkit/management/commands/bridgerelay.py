"""``manage.py bridgerelay``."""

from bridge.tomtoolkit.operating.commands import BridgeCommand


class Command(BridgeCommand):
    """See :func:`bridge.tomtoolkit.operating.running.relay`."""

    word = "relay"
