"""``manage.py bridgeparked``."""

from bridge.tomtoolkit.operating.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge parked``, inside of the TOM."""

    word = "parked"
