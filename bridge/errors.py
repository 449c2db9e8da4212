"""What can go wrong: each error says what was wrong, where, and what would be right.

Three families decide what the caller does: an :class:`AwayError` is waited for, an :class:`EventError` belongs
to one event (which is parked or becomes a dead letter), a :class:`StopError` needs a person.
"""

from collections.abc import Sequence


class BridgeError(Exception):
    """The base of all errors of TOM Bridge; its text is one line for people.

    ``what`` is what was wrong, ``where`` the place (topic, partition, offset, event, field, line, column, key),
    ``mend`` what would be right.
    """

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        self.what = what
        self.where = where
        self.mend = mend
        super().__init__(what, where, mend)

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self}"

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        # What another program said (a TOM, a broker) may end with a full stop of its own.
        return f"{text.removesuffix('.')}. {self.mend}" if self.mend else text


# -- a person has to do something -------------------------------------------------------------------------------


class StopError(BridgeError):
    """A person has to do something before work can go on; a daemon stops with this."""


class ConfigurationError(StopError):
    """A setting is wrong; ``where`` names the key. Exit code 2."""


class DeniedError(ConfigurationError):
    """The account lacks a right, or may not do this to a topic."""


class TopicMissingError(StopError):
    """A topic that does not exist on the stream."""


class TopicReplacedError(StopError):
    """A topic was removed and made again since the position in it was recorded."""


class HistoryGoneError(StopError):
    """The stream no longer holds what comes next after the recorded position."""


class IdentityError(StopError):
    """Two TOMs use one origin, or a ledger belongs to another TOM."""


class NewerFileError(StopError):
    """A ledger or stream file was written by a newer release."""


class QuotaError(StopError):
    """Parked events have reached their quota of bytes."""


class TooManyDeadError(StopError):
    """So many events die of the TOM, or of this software, that the fault is hardly theirs."""


# -- the other side is away: wait, skip nothing --------------------------------------------------------------------


class AwayError(BridgeError):
    """The other side can't be reached or can't work now; the same call may succeed later.

    ``retry_after_s`` is what the other side asked for, in seconds, where it did.
    """

    def __init__(self, what: str, *, where: str = "", mend: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(what, where=where, mend=mend)
        self.retry_after_s = retry_after_s


class TomAwayError(AwayError):
    """No connection, a time-out, 429, 502 to 504, a locked or lost database, a 500 that a good request gets too."""


class LedgerAwayError(TomAwayError):
    """The ledger's own file, beside a TOM that may be well, is locked, gone, or its disk is full or failing.

    No record is at fault, whatever the TOM answers meanwhile.
    """


class StreamAwayError(AwayError):
    """The broker can't be reached, or the stream's file is locked."""


class NotDeliveredError(AwayError):
    """``flush`` ended before all was durable; ``undelivered`` names what is not (topic and key of each).

    ``refused`` are those of them that the stream has refused for good: no later ``flush`` tries or names them again.
    """

    def __init__(
        self,
        what: str,
        *,
        undelivered: Sequence[tuple[str, bytes | None]],
        refused: Sequence[tuple[str, bytes | None]] = (),
        mend: str = "",
    ) -> None:
        super().__init__(what, mend=mend)
        self.undelivered = tuple(undelivered)
        self.refused = tuple(refused)


# -- one event is at fault ------------------------------------------------------------------------------------------


class EventError(BridgeError):
    """One event can't be used; it becomes a dead letter and everything around it goes on."""


class InvalidEventError(EventError):
    """An event breaks a rule of :mod:`bridge.events`; ``where`` names event and field."""


class TooLargeError(EventError):
    """An event is larger than its topic takes and can't be split."""


class UndecodableError(EventError):
    """Bytes that are no event: wrong magic, truncated, a header that contradicts the payload."""


class UnknownSchemaError(EventError):
    """The writer's schema is neither in this release nor on the schema topic."""


class NewerVersionError(BridgeError):
    """An event of a kind or major version that this release doesn't know: parked until the upgrade.

    Not an :class:`EventError`: nothing is wrong with the event.
    """


class RejectedError(EventError):
    """The TOM refuses an event for a reason that lies in the event or in the account's permissions."""


class TookTooMuchMemoryError(RejectedError):
    """What an event asked of the TOM took more memory than it may; another try would take as much again."""


class UnclearError(BridgeError):
    """What was sent may have been taken, or not, and a second try would be a second message: to be looked up.

    Neither a refusal nor an :class:`AwayError`, after which the same call may be made again.
    """


class BudgetSpentError(BridgeError):
    """What was under way ended before it was done: its time is over, or a stop was asked for.

    Nobody is at fault and nothing is lost: what is done is recorded or will be found, the rest is taken up again.
    """


# -- another process took over ----------------------------------------------------------------------------------------


class PositionLostError(BridgeError):
    """The position in a partition is not where this process left it: another one owns the partition now."""


class OutcomeLostError(PositionLostError):
    """What is recorded of an event is not what this process read before: another one wrote of it meanwhile."""
