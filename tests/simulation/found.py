"""Histories in which something once went wrong, or would: each as short as it can be told."""

from collections.abc import Mapping, Sequence

from simulation.apart import Apart
from simulation.faults import FOR_EVER, Kind
from simulation.people import Appear, Command, SetPosition, Split, Vanish
from simulation.steps import (
    Advance,
    Again,
    Freeze,
    Halt,
    Hole,
    Inject,
    Kill,
    Lose,
    Publish,
    Rebalance,
    Remove,
    Run,
    SecondStream,
    Step,
    Stop,
)

FOUND: Mapping[str, Sequence[Step]] = {
    "a list that waited as a whole waits by its members alone once it is taken up": (
        Publish("full list", "SN 3", size=5, flaw="newer"),
        Appear("SN 3", away_deg=1.0),
    ),
    "a list that was dead as a whole is so no more once it is applied": (
        Publish("target"),
        Publish("list", size=2),
        Inject("tom.join", Kind.EXIT, skip=1),
        Run(calls=200),
    ),
    "a look that fails for events that all came before ends no process": (
        Publish("photometry", topic="two", size=2, events=3),
        Again(1, topic="two"),
        Run(),
        SetPosition("two"),
        Inject("tom.find", Kind.EXIT, skip=1),
        Run(calls=400),
    ),
    "all events of a record that could not be read are tried again": (
        Publish("photometry", size=2, events=3),
        Appear("SN 0"),
        Inject("decode", Kind.ODD),
        Run(calls=100),
    ),
    **{
        f"a replay that breaks off loses no event of a record that was unreadable ({word})": (
            Publish("photometry", size=2, events=3),
            Appear("SN 0"),
            Inject("decode", Kind.ODD),
            Run(calls=100),
            Inject("tom.write", Kind.CRASH, skip=2),
            Command(word),
        )
        for word in ("replay", "replay --restore")
    },
    **{
        f"what is given up of a record of which one event was applied is told{what}": (
            Publish("product", events=3),
            Appear("SN 0"),
            Inject("tom.store", Kind.CRASH, skip=1, times=4),
            *[Run(calls=200)] * 4,
            *then,
        )
        for what, then in (
            ("", ()),
            (", also unread", (Inject("decode", Kind.CRASH, times=FOR_EVER, name="content 0"),)),
        )
    },
    "a replay brings back what was dropped before it could be read": (
        Publish("photometry", size=2, events=3),
        Inject("decode", Kind.ODD),
        Run(calls=100),
        Command("dead drop"),
        Command("replay"),
    ),
    "all events of a record that was too new are applied after the upgrade": (
        Publish("photometry", size=2, events=3, flaw="newer"),
        Appear("SN 0"),
        Run(calls=100),
    ),
    **{
        f"what waits and can't be looked at ({kind}) ends no process": (
            Publish("photometry", "SN 1"),
            Publish("photometry", "SN 1", topic="two"),
            Publish("photometry", "SN 2"),
            Run(calls=200),
            Inject("tom.find", kind, times=FOR_EVER, name="sn1"),
            Inject("tom.appeared", kind, times=FOR_EVER, name="sn1"),
            Advance(61),
            Appear("SN 2"),
            Command("parked retry"),
            Run(calls=100),
        )
        for kind in (Kind.EXIT, Kind.ODD, Kind.AWAY)
    },
    **{
        f"what waits and kills the process when it is looked at ({where}) stops nothing behind it": (
            Publish("photometry", "SN 1"),
            Publish("photometry", "SN 2"),
            Run(calls=300),
            Inject(where, Kind.CRASH, times=FOR_EVER, name=name),
            Appear("SN 1"),
            Appear("SN 2"),
        )
        for where, name in (("decode", "content 0"), ("tom.find", "sn1"))
    },
    "what takes longer to fail than a look may last keeps nothing that waits for the same name": (
        Publish("photometry", topic="two", origin="south", size=5, bare=True),
        Publish("list", origin="south", size=3),
        Run(calls=150),
        Appear("SN 0"),
        Inject("tom.find", Kind.HANG, times=FOR_EVER, name="ztf0"),
    ),
    **{
        f"a member of a list that can't be done ({where}: {kind}) keeps no other member waiting": (
            Publish("list", size=5),
            Run(calls=100),
            Inject(where, kind, times=FOR_EVER, name="sn0"),
            *(Appear(f"SN {number}") for number in range(5)),
        )
        for where, kind in (
            ("tom.find", Kind.EXIT),
            ("tom.find", Kind.AWAY),
            ("tom.find", Kind.HANG),
            ("tom.join", Kind.AWAY),
            ("tom.join", Kind.HANG),
        )
    },
    **{
        f"what can't be read when another process has applied its members stays applied (left after {calls} calls)": (
            Publish("list", "SN 2"),
            Run(calls=100),
            Run(1, calls=100),
            Appear("SN 2"),
            Advance(61),
            Run(calls=calls),
            Run(1, calls=60),
            Inject("decode", Kind.ODD),
            Run(calls=30),
        )
        for calls in range(6, 11)
    },
    "what a command left in the middle of a look is looked at again when another process said": (
        Publish("photometry", "SN 2", size=5),
        Run(1, calls=100),
        Appear("SN 2", away_deg=1.0),
        Command("parked retry", 5),
        Run(),
        Vanish("SN 2"),
    ),
    "a list that can't be read any more after some of its members is dead, not applied": (
        Publish("full list", size=250),
        Run(calls=900),
        Kill(),
        Inject("decode", Kind.CRASH, times=FOR_EVER, name="content 0"),
    ),
    "a list that is given up after some of its members is dead, not applied": (
        Publish("full list", "SN 1", size=5),
        Inject("tom.join", Kind.AWAY, times=FOR_EVER, name="ztf2"),
        Inject("tom.find", Kind.EXIT, name="sn5"),
    ),
    "a try of which the answer is lost counts once": (
        Publish("photometry", "SN 1"),
        Inject("ledger.begin", Kind.AWAY_AFTER, times=5),
        Run(),
    ),
    "a look at what is parked of which the answer is lost counts once": (
        Publish("target", "SN 1", size=3),
        Appear("SN 1", away_deg=1.0),
        Run(calls=100),
        Inject("ledger.begin", Kind.AWAY_AFTER, times=30),
        Inject("stream.poll", Kind.HANG),
        Run(),
    ),
    "a member that is retried while its list is under way says nothing of the others": (
        Publish("full list", size=250),
        Inject("tom.create", Kind.ODD, times=2, name="ztf0"),
        Run(calls=900),
        Command("dead retry", 20_000),
        Remove(),
    ),
    "members of a list that two processes take up at once are written once": (
        Publish("list", "SN 5", origin="south", size=5),
        Publish("photometry", size=2),
        Publish("product"),
        Publish("product", origin="south"),
        Run(calls=100),
        Publish("full list", "SN 4", origin="south", size=5),
        Run(1, calls=100),
        Rebalance(),
        Publish("product", "SN 4"),
        Run(calls=50),
        Appear("SN 5"),
        Publish("target", "SN 1", origin="south"),
    ),
    "members of a list that can't be read any more are dead and not lost": (
        Split("SN 2"),
        Publish("full list", "SN 1", size=3),
        Run(calls=300),
        Inject("decode", Kind.ODD),
        Advance(61),
        Run(calls=100),
    ),
    "a list of which the name could not be remembered for long has it all the same": (
        Publish("list", size=3),
        Appear("SN 0"),
        Inject("ledger.commit", Kind.AWAY, skip=3, times=5),
        Run(calls=400),
    ),
    "two deliveries that both wait do not each leave it to the other": (
        Publish("photometry"),
        Again(0, topic="two"),
        Run(calls=300),
        Command("replay --restore"),
        Appear("SN 0"),
    ),
    "what is put off comes up also where the clock was set back": (
        Appear("SN 1", away_deg=1.0),
        Publish("product", "SN 1"),
        Run(calls=100),
        Split("SN 1"),
        Advance(-100_000),
    ),
    "a topic that goes away while its partitions are assigned ends no process": (
        Run(1, calls=4),
        Remove(),
        Run(1, calls=50),
    ),
    "what is unambiguous waits behind what is ambiguous": (
        Appear("SN 0"),
        Split("SN 0"),
        Publish("photometry"),
        Run(calls=200),
        Publish("photometry", bare=True),
        Run(calls=200),
        Vanish("SN 0 bis"),
    ),
    "what waits behind moves up when a person drops what is before it": (
        Publish("photometry"),
        Run(calls=200),
        Publish("photometry"),
        Run(calls=200),
        Command("parked drop"),
    ),
    "an event at fault is isolated from those that came with it": (
        Appear("SN 1"),
        Appear("SN 2"),
        Publish("photometry", "SN 1"),
        Publish("photometry", "SN 2"),
        Inject("tom.write", Kind.ODD, times=FOR_EVER, name="sn2"),
        Run(calls=300),
    ),
    "holes at the end of a partition are passed": (Publish("photometry"), Hole(), Run(calls=300)),
    "holes are passed also where that could not be written at first": (
        Publish("photometry"),
        Run(calls=300),
        Hole(),
        Inject("ledger.commit", Kind.AWAY, times=2),
        Run(calls=60),
    ),
    "what came of a held partition is not passed with its end": (
        Publish("full list", size=3),
        Publish("target", "SN 1", size=2, flaw="unreadable"),
        Publish("list", "SN 1", size=5),
        Publish("photometry", origin="south"),
        Inject("tom.create", Kind.AWAY_AFTER, name="ztf0"),
        Publish("target", "SN 1", origin="south", size=2),
        Publish("list", "SN 2", size=3),
    ),
    **{
        f"a {kind} that was begun is given to the target that has its alias by then": (
            Publish(kind),
            Inject("tom.create", Kind.AWAY),
            Run(calls=calls),
            Split("SN 0"),
        )
        for kind, calls in (("target", 40), ("full list", 50))
    },
    **{
        f"what the TOM refuses of an alias ({kind}) is at fault also where the event does not know the alias": (
            Publish("photometry", "SN 2", "two", origin="south", size=2, events=3, bare=True),
            Publish("full list", "SN 2", "one", size=2),
            Inject("tom.write", kind, times=times, name="ztf2"),
        )
        for kind, times in ((Kind.EXIT, 1), (Kind.REFUSE, FOR_EVER))
    },
    "a record of several events that all wait, and fail when it is read again, ends no process": (
        Publish("photometry", size=5),
        Inject("tom.write", Kind.ODD, times=FOR_EVER, name="sn0"),
        Publish("photometry", size=5, events=3),
        Run(calls=500),
        Appear("SN 0"),
        Run(),
        SetPosition(),
    ),
    "members of a list that kill the process when it is read are given up": (
        Publish("list", "SN 1", "two", origin="south", size=2),
        Run(),
        Split("SN 2"),
        Command("parked drop", calls=50),
        Inject("decode", Kind.CRASH, times=FOR_EVER, name="content 0"),
    ),
    **{
        f"what came twice and a restore left waiting twice ({what}) is put back once": (
            Publish("photometry", size=5),
            Again(0, topic="two"),
            *before,
            Command("replay --restore"),
            Appear("SN 0"),
            Advance(61),
            Run(calls=36),
            Vanish("SN 0"),
            Appear("SN 0"),
        )
        for what, before in (
            ("never done before", (Run(calls=200),)),
            ("done before", (Appear("SN 0"), Run(calls=200), Vanish("SN 0"))),
        )
    },
    **{
        f"an outage in which not even a try can be taken back costs nothing ({what})": (
            Publish("photometry"),
            *before,
            Inject("tom.write", Kind.AWAY, times=30),
            Inject("tom.probe", Kind.AWAY, times=30),
            Inject("ledger.end_try", Kind.AWAY, times=30),
            Inject("ledger.commit", Kind.AWAY, skip=skip, times=30),
            Run(calls=400),
        )
        for what, before, skip in (
            ("of what comes", (Appear("SN 0"),), 4),
            ("of what waits", (Run(calls=200), Appear("SN 0")), 0),
        )
    },
    "what waits is not given up because somebody writes for long beside it": (
        Publish("list", origin="south"),
        Publish("full list", "SN 2", origin="south", size=250),
        Run(1, calls=100),
        Stop(1),
    ),
    "a member at which the match manager ends the process again and again is given up": (
        Publish("target"),
        Run(1),
        Rebalance(),
        Publish("list"),
        Split("SN 0"),
        Run(),
        Inject("tom.find", Kind.EXIT, times=FOR_EVER, name="sn0"),
    ),
    "who gets a partition back is not yet asked why it stands while it takes it up": (
        Run(calls=40),
        Publish("photometry", topic="two"),
        Run(calls=1),
        Run(1, calls=2),
        Kill(1),
        Run(calls=142),
    ),
    "who has heard at last where to go on is not yet asked why it stood": (
        Inject("decode", Kind.CRASH),
        Publish("list", "SN 5", origin="south", size=3),
        Run(1, calls=100),
        Run(1),
        Run(),
        Kill(),
        Run(),
        Inject("stream.identity", Kind.AWAY, times=30),
        Kill(),
        Run(calls=1),
        Publish("target", topic="two", origin="south", size=2),
        Run(1),
        Run(),
        Run(1),
        Run(calls=100),
        Run(calls=100),
    ),
    "a list that is under way when its record goes comes in full from another delivery": (
        Appear("SN 0"),
        Split("SN 0"),
        Publish("full list", size=250),
        Again(0),
        Inject("tom.create", Kind.CRASH, skip=120),
        Run(calls=2000),
        Lose(before=1),
    ),
    **{
        f"what comes of a stream that refused to say where to start is taken once it is well again ({calls} calls)": (
            SecondStream(),
            Run(1, calls=20),
            Publish("photometry", topic="far:one"),
            Run(calls=calls),
            Apart("", refuses=True),
            SetPosition("far:one"),
            Run(calls=100),
            Publish("photometry", topic="two", origin="south"),
        )
        for calls in (60, 100, 200)
    },
    "a stream that is away when the others have come back keeps them from nothing": (
        SecondStream(),
        Apart(""),
        Rebalance(),
        Run(1),
        Apart(),
    ),
    "a stream that is frozen is not asked again and again where to go on": (
        SecondStream(),
        Run(calls=100),
        Run(consumer=1),
        Publish("product", topic="two", origin="south", size=2),
        Run(consumer=1),
        Apart("", freezes=True),
    ),
    **{
        f"what comes while the broker is frozen ({seconds} s) comes when it goes on": (
            Publish("photometry"),
            Appear("SN 0"),
            Run(calls=40),
            Run(1, calls=20),
            Halt(),
            Publish("photometry"),
            Rebalance(),
            Run(calls=100),
            Advance(seconds),
            Run(1, calls=30),
            Halt(frozen=False),
            Run(calls=60),
        )
        for seconds in (1, 100)
    },
    "who was frozen while another took over writes nothing": (
        Appear("SN 0"),
        Publish("photometry"),
        Publish("photometry"),
        Run(0, calls=24),
        Freeze(0),
        Advance(40),
        Publish("photometry"),
        Run(1, calls=200),
        Freeze(0, frozen=False),
        Run(0, calls=100),
    ),
}
