"""A target as its TOM has it now: a TOM sends it in full only once, and nothing but its lists afterwards."""

from dataclasses import replace

from bridge.errors import RejectedError
from bridge.events import Target
from bridge.gateway.store import Known
from bridge.names import simplify_all
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.local_tom import target_body
from bridge.tom.rest.session import RestAccount, RestSession
from bridge.tom.rest.shown import TARGETS, UnexpectedError, names_of, target_of

_TIMEOUT_S = 3.0


class Fetching:
    """Reads targets of one TOM. Not thread-safe."""

    def __init__(self, account: RestAccount) -> None:
        self._session = RestSession(replace(account, timeout_s=_TIMEOUT_S, connections=1))

    def target(self, known: Known) -> Target | None:
        """Return the target as it is now; None where the TOM shows no such target. Raises AwayError and the like."""
        if known.toms_key is None:
            return None
        try:
            shown = target_of(self._session.get(f"{TARGETS}{known.toms_key}/"))
            same = simplify_all(names_of(shown)) & simplify_all(known.body.names)
            return target_body(shown) if same else None
        except (RejectedError, SourceError, UnexpectedError):
            return None

    def close(self) -> None:
        """Release the connection."""
        self._session.close()
