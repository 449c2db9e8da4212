"""``manage.py bridgedoctor``."""

from bridge.tomtoolkit.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge doctor``, inside of the TOM."""

    word = "doctor"
