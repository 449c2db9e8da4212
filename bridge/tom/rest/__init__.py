"""A TOM over REST: any TOM Toolkit from 2.32 on, without a change to it."""

from bridge.tom.rest.session import RestAccount
from bridge.tom.rest.tom import RestTom

__all__ = ["RestAccount", "RestTom"]
