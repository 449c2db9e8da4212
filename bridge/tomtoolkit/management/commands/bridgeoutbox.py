"""``manage.py bridgeoutbox``."""

from bridge.tomtoolkit.operating.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge outbox``, inside of the TOM."""

    word = "outbox"
