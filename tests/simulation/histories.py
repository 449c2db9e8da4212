"""Histories by chance: the same seed makes the same history."""

import random
from collections.abc import Callable, Mapping

from simulation.apart import Apart
from simulation.faults import FOR_EVER, Kind
from simulation.people import Appear, Choose, Command, Erase, Permit, SetPosition, Split, Vanish
from simulation.steps import (
    Advance,
    Again,
    Freeze,
    Halt,
    Hole,
    Inject,
    Kill,
    Lose,
    Make,
    Mend,
    Publish,
    Rebalance,
    Remove,
    Run,
    SecondStream,
    Start,
    Step,
    Stop,
    StreamAway,
    Upgrade,
)
from simulation.universe import FAR, FAR_TOPICS, FLAWS, KINDS, NAMES, ORIGINS, TOPICS, US, alias

from bridge.names import simplify

ANY = (Kind.AWAY, Kind.HANG, Kind.CRASH)
AFTER = (Kind.AWAY_AFTER, Kind.CRASH_AFTER)
ITS_CODE = (Kind.REFUSE, Kind.ODD, Kind.EXIT)
PLACES: tuple[tuple[str, tuple[Kind, ...]], ...] = (
    ("stream.poll", ANY),
    ("stream.subscribe", ANY),
    ("stream.ends", ANY),
    ("stream.identity", ANY),
    ("stream.read", ANY),
    ("stream.", (Kind.CRASH,)),
    ("ledger.commit", ANY + AFTER),
    ("ledger.commit", AFTER),
    ("ledger.", ANY + AFTER),
    ("ledger.begin", ANY + AFTER),
    ("tom.write", ANY + AFTER + ITS_CODE),
    ("tom.create", ANY + AFTER + ITS_CODE),
    ("tom.join", ANY + AFTER + ITS_CODE),
    ("tom.add", ANY + AFTER + ITS_CODE),
    ("tom.store", ANY + AFTER + ITS_CODE),
    ("tom.find", (*ANY, Kind.ODD, Kind.EXIT)),
    ("tom.appeared", (*ANY, Kind.ODD)),
    ("tom.probe", (Kind.AWAY, Kind.CRASH)),
    ("tom.", ANY),
    ("decode", (Kind.AWAY, Kind.CRASH, Kind.ODD)),
)
"""Where what may go wrong."""
PARTS: tuple[tuple[str, tuple[Kind, ...]], ...] = (
    ("part.poll", ANY),
    ("part.open", ANY),
    ("part.subscribe", ANY),
    ("part.ends", ANY),
    ("part.identity", ANY),
    ("part.read", ANY),
    ("part.", (Kind.CRASH,)),
)
"""Where besides, at one of several streams."""
OF_KINDS: Mapping[str, frozenset[str]] = {
    "tom.write": frozenset({"photometry"}),
    "tom.store": frozenset({"product"}),
    "tom.create": frozenset({"target", "full list"}),
    "tom.add": frozenset({"target", "full list"}),
    "tom.join": frozenset({"target", "list", "full list"}),
}
"""What is asked for some kinds alone: of a history without them nothing would fail there."""


class Chance:
    """Draws steps."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._names = NAMES[: self._random.choice((1, 2, 3, len(NAMES)))]
        self._labels = ("", FAR) if self._random.random() < 0.25 else ("",)
        self._dense = self._random.choice((1, 2, 4))
        """How many faults there are."""
        self._kinds: list[str] = []
        """Of what was published, in order."""

    def history(self) -> list[Step]:
        """Return the steps of one history: things come, consumers run, and between it all goes wrong."""
        chance = self._random
        calm = chance.random() < 0.15
        steps: list[Step] = [SecondStream()] if self._far else []
        for _ in range(chance.choice((1, 2, 3, 4, 6, 8, 12, 20))):
            steps.append(self._publish())
            while chance.random() < (0.3 if calm else 0.65):
                steps.append(self._anything())
            if chance.random() < 0.6:
                steps.append(self._run())
        if chance.random() < 0.7:  # else what was to fail last never does
            steps += [Run(0, 100), Run(1, 100)]
        return steps

    def _publish(self) -> Step:
        chance = self._random
        if chance.random() < 0.15:
            return Again(chance.randrange(40), self._topic())
        flaw = chance.choice(FLAWS) if chance.random() < 0.2 else ""
        others = chance.random() < 0.03
        kind = chance.choice(KINDS)
        self._kinds.append(kind)
        many = chance.random() < 0.02 and kind == "full list"
        return Publish(
            kind,
            self._name(),
            self._topic(),
            US if others or chance.random() < 0.05 else chance.choice(ORIGINS[:2]),
            size=250 if many else chance.choice((1, 1, 2, 3, 5)),
            flaw="another's" if others else flaw,
            events=chance.choice((1, 1, 1, 2, 3)) if kind == "photometry" else 1,
            bare=kind == "photometry" and chance.random() < 0.2,
        )

    def _name(self) -> str:
        return self._random.choice(self._names)

    @property
    def _far(self) -> bool:
        """Whether there is a second stream."""
        return len(self._labels) > 1

    def _topic(self) -> str:
        if self._far and self._random.random() < 0.4:
            return self._random.choice(FAR_TOPICS)
        return TOPICS[self._random.random() < 0.4]

    def _consumer(self) -> int:
        return int(self._random.random() < 0.3)

    def _run(self) -> Step:
        return Run(self._consumer(), self._random.choice((1, 3, 8, 20, 50, 100)))

    def _anything(self) -> Step:
        chance = self._random
        drawn: tuple[tuple[int, Callable[[], Step]], ...] = (
            (30, self._run),
            (14 * self._dense, self._fault),
            (4 * self._dense, self._poison),
            (5, Mend),
            (4, lambda: Start(self._consumer())),
            (2, lambda: Kill(self._consumer())),
            (2, lambda: Stop(self._consumer())),
            (3, lambda: Freeze(self._consumer(), chance.random() < 0.5)),
            (3, Rebalance),
            (5, lambda: Advance(chance.choice((1, 10, 61, 700, 4000, -100, -100_000)))),
            (2, self._away),
            (2, lambda: Halt(chance.choice(self._labels), chance.random() < 0.6)),
            (8 * self._far, self._apart),
            (1, lambda: Remove(self._topic())),
            (3, lambda: Make(self._topic())),
            (1, lambda: Lose(self._topic(), chance.randrange(6))),
            (2, lambda: SetPosition(self._topic())),
            (1, lambda: Hole(self._topic())),
            (10, lambda: Appear(self._name(), chance.choice((0.0, 0.0, 0.0, 1.0)))),
            (3, lambda: Split(self._name())),
            (3, lambda: Vanish(self._name())),
            (2, lambda: Choose(self._name())),
            (4, lambda: Permit(self._name(), chance.random() < 0.4)),
            (2, lambda: Erase(self._name())),
            (1, Upgrade),
            (8, self._command),
        )
        return chance.choices([draw for _, draw in drawn], [weight for weight, _ in drawn])[0]()

    def _apart(self) -> Step:
        how = self._random.choice(("away", "refuses", "freezes"))
        return Apart(self._random.choice(self._labels), refuses=how == "refuses", freezes=how == "freezes")

    def _away(self) -> Step:
        topic = self._random.choice(("", self._topic()))
        return StreamAway(topic, self._random.random() < 0.6, self._random.choice(self._labels) if not topic else "")

    def _command(self) -> Step:
        words = ("dead retry", "parked retry", "parked drop", "dead drop", "replay", "replay --restore")
        return Command(self._random.choice(words), self._random.choice((5, 20, 80, 400)))

    def _fault(self) -> Step:
        chance = self._random
        where, kinds = chance.choice([one for one in PLACES + PARTS * self._far if self._is_asked(one[0])])
        return Inject(where, chance.choice(kinds), chance.choice((0, 0, 1, 3, 10)), chance.choice((1, 1, 2, 5, 30)))

    def _is_asked(self, where: str) -> bool:
        return where not in OF_KINDS or not OF_KINDS[where].isdisjoint(self._kinds)

    def _poison(self) -> Step:
        """Something about one name, or one record, that fails every time."""
        chance = self._random
        if chance.random() < 0.3:
            kind = chance.choice((Kind.CRASH, Kind.ODD))
            return Inject("decode", kind, 0, FOR_EVER, f"content {chance.randrange(len(self._kinds) + 1)}")
        name = simplify(chance.choice((str, alias))(self._name()))
        where = chance.choice(["tom.find", *(one for one in OF_KINDS if self._is_asked(one))])
        kinds = (*ANY, *AFTER, Kind.ODD, Kind.EXIT) + ((Kind.REFUSE,) if where != "tom.find" else ())
        return Inject(where, chance.choice(kinds), 0, FOR_EVER, name)


def history(seed: int) -> tuple[list[Step], bool]:
    """Return the steps of the history of a seed, and whether its TOM is written over REST."""
    return Chance(seed).history(), seed % 3 != 0
