"""``manage.py bridgerun``."""

from bridge.tomtoolkit.commands import BridgeCommand


class Command(BridgeCommand):
    """See :func:`bridge.tomtoolkit.running.run`."""

    word = "run"
