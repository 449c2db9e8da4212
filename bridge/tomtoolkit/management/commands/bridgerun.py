"""``manage.py bridgerun``."""

from bridge.tomtoolkit.operating.commands import BridgeCommand


class Command(BridgeCommand):
    """See :func:`bridge.tomtoolkit.operating.running.run`."""

    word = "run"
