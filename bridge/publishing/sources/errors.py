"""What is wrong with something that is to be published."""

from collections.abc import Sequence

from bridge.errors import BridgeError

MOST_TOLD = 20
"""How many problems of one source are told."""


class SourceError(BridgeError):
    """What is to be published can't be read; nothing of it has been published.

    ``problems`` holds each thing that is wrong, in the order of the source, the first :data:`MOST_TOLD` of them;
    ``preview`` says in lines what was understood of a table.
    """

    def __init__(
        self, what: str, *, where: str = "", mend: str = "", problems: Sequence[str] = (), preview: Sequence[str] = ()
    ) -> None:
        super().__init__(what, where=where, mend=mend)
        self.problems = tuple(problems)
        self.preview = tuple(preview)

    @classmethod
    def of(cls, source: str, problems: Sequence[str], *, preview: Sequence[str] = ()) -> "SourceError":
        """Return one error for all ``problems`` of ``source``; each begins with its place in the source."""
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        more = "" if len(problems) <= MOST_TOLD else f", the first {MOST_TOLD} are told"
        return cls(
            f"{count}{more}; nothing was published",
            where=source,
            problems=[f"{source}: {problem}" for problem in problems[:MOST_TOLD]],
            preview=preview,
        )
