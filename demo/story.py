"""What is shown, act by act; each ends with checks of what the TOMs then hold."""

import hashlib
import json
import signal
from functools import partial

from parts.tom_pages import Person
from parts.tom_site import GROUP
from parts.wait import wait_until

from bridge.events import Point
from bridge.publishing.sources.tables.photometry import read_photometry
from demo import inside, show
from demo.bridges import Bridge, Inside
from demo.holdings import Holding, holding
from demo.show import ASTRONOMER, ASTRONOMERS_PASSWORD, check
from demo.world import TOPIC, World

TARGET = "AT 2024dmo"
ALIASES = ("ZTF24aademo", "ATLAS24dmo")
COMPANION = "AT 2024cmp"
LIST = "Young supernovae"
EAST_NAME, EAST_ALIAS = "East follow-up 7", "ztf-24 (AADEMO)"
SOUTH_NAME = "at_2024DMO"
PLACE = {"ra": 65.00165, "dec": -54.93795}
COMPANION_PLACE = {"ra": 65.10210, "dec": -54.90533}
EVENTS = 4
SOUTH_PARKED = 4
DELETED_POINTS = 5

_OUTBOX = """
SELECT e.kind, e.subject, e.items, s.title, s.shared_by, e.state
FROM tom_bridge_outboxevent e JOIN tom_bridge_outboxshare s ON s.share_id = e.share_id ORDER BY e.id
"""


def play(world: World) -> None:
    """Play all acts; raise NotSoError where something is not so."""
    Play(world).play()


class Play:
    """The acts, and what they have in common: the real files that are shared."""

    def __init__(self, world: World) -> None:
        self.world = world
        files = world.toolkit.packages / "tom_dataproducts" / "tests" / "test_data"
        self.photometry = files / "test_atlas_fp.csv"
        self.spectrum = files / "test_spectrum.fits"

    def play(self) -> None:
        """Play all acts."""
        self.three_toms()
        self.north_shares()
        self.what_arrived()
        self.south_meets_the_target()
        self.everything_again()
        self.deleted_and_restored()
        self.by_itself()
        self.south_shares_back()

    # -- 1 ----------------------------------------------------------------------------------------------------------

    def three_toms(self) -> None:
        """Build the TOMs, install the app in two, and say who knows what."""
        world = self.world
        show.act(
            1,
            "Three TOMs",
            "Real ones: TOM Toolkit from PyPI, each with its own database and web server. Between them: one SQLite "
            "file as stream. Two get TOM Bridge as a Django app; the third stays as it is, and is served over REST.",
        )
        world.build()
        show.say(f"What the {world.north.name}'s administrator adds to settings.py (here also shorter waits):\n")
        show.output(_told_settings(world.north))
        show.say("")
        for bridge in (world.north, world.east):
            applied = [line.strip() for line in bridge.migrate().splitlines() if "Applying tom_bridge" in line]
            show.output("\n".join(applied))
        world.serve()
        north, east = world.north.tom, world.east.tom
        north.make_target(TARGET, aliases=ALIASES, extras={"redshift": "0.0231"}, groups=[GROUP], lists=[LIST], **PLACE)
        north.make_target(COMPANION, groups=[GROUP], lists=[LIST], **COMPANION_PLACE)
        east.make_target(EAST_NAME, aliases=[EAST_ALIAS], groups=[GROUP], **PLACE)
        east.make_target(COMPANION, groups=[GROUP], **COMPANION_PLACE)
        app = "inside: the Django app"
        show.say("")
        show.table(
            "Who knows the target",
            ("TOM", "its bridge", "the target there", "receives"),
            [
                (world.north.name, app, f"{TARGET}, also {', '.join(ALIASES)}", "everything"),
                (world.east.name, app, f"{EAST_NAME}, also {EAST_ALIAS}", "everything"),
                (world.south.name, "beside: over REST", "unknown", "lists and data, makes no targets"),
            ],
        )

    # -- 2 ----------------------------------------------------------------------------------------------------------

    def north_shares(self) -> None:
        """Import a light curve and a spectrum at North, share them from within, then start the daemons."""
        world = self.world
        show.act(
            2,
            "North shares",
            "ATLAS forced photometry, read by TOM Toolkit's own data processor, and the file of a spectrum; both come "
            f"with TOM Toolkit. {ASTRONOMER.capitalize()} may share, and does so from within the TOM.",
        )
        world.north.tom.shell(
            inside.ACCOUNT, name=ASTRONOMER, password=ASTRONOMERS_PASSWORD, group=GROUP, list_name=LIST
        )
        world.north.tom.shell(inside.IMPORT, name=TARGET, photometry=str(self.photometry), spectrum=str(self.spectrum))
        self.check_import()
        world.north.run("topics", "create", TOPIC, shown=True)
        took_ms = self.shell(world.north, inside.SHARE, inside.SHARE_TOOK, list_name=LIST)
        show.say("")
        self.show_outbox("In North's own database, committed with the rest of the transaction:")
        check(self.outbox_states() == {"queued": EVENTS}, f"accepted in {took_ms:.0f} ms, and nothing is sent yet")
        show.say("")
        for bridge in world.bridges:
            show.show_command(bridge.origin, f"{bridge.command}{bridge.daemon}")
            bridge.start()
        show.say("")
        self.wait_until_sent(EVENTS)
        self.show_outbox("When the stream has confirmed it:")
        check(self.outbox_states() == {"sent": EVENTS}, "all of it is sent")

    def check_import(self) -> None:
        """Check that North holds what the table says, and remember it: that is what the others must hold."""
        table = [point for point in read_photometry(self.photometry).datums if isinstance(point, Point)]
        self.shared = holding(self.world.north.tom)
        self.limits = sum(point.limit is not None for point in table)
        check(
            (len(self.shared.points), self.shared.limits) == (len(table), self.limits) and self.limits > 0,
            f"North holds {len(table)} points, {self.limits} of them upper limits",
        )

    # -- 3 ----------------------------------------------------------------------------------------------------------

    def what_arrived(self) -> None:
        """East has all of it; at South it is parked."""
        show.act(
            3,
            "What arrived",
            "Read back from the TOMs: over REST, and what the API hides (limits, lists) from their databases.",
        )
        self.wait_for_outcomes(self.world.east, parked=0)
        self.wait_for_outcomes(self.world.south, parked=SOUTH_PARKED)
        self.show_holdings()
        east = holding(self.world.east.tom)
        check(
            not any(TARGET in names for names in east.targets), "East wrote onto its own target, and made no second one"
        )
        check({TARGET, ALIASES[1]} <= east.targets[EAST_NAME], "East's target learned the names that it lacked")
        self.check_in_full(east, "East")
        south = holding(self.world.south.tom)
        check(
            not south.targets and not south.points, "South, which doesn't know the target, has nothing in its TOM yet"
        )
        show.say("\nNothing of it is lost at South:\n")
        show.show_command(self.world.south.origin, "tom-bridge parked list")
        parked = self.world.south.ask("parked", "list")
        rows = [
            (line["kind"], line["member"] or line["subject"], line["origin_name"], line["reason"]) for line in parked
        ]
        show.table("", ("kind", "target", "from", "why"), rows)

    # -- 4 ----------------------------------------------------------------------------------------------------------

    def south_meets_the_target(self) -> None:
        """Somebody makes the target at South; what was parked arrives by itself."""
        show.act(
            4,
            "South makes the target",
            f"Later somebody makes it there and writes it {SOUTH_NAME!r}, and {COMPANION!r} too. Nobody shares again.",
        )
        self.world.south.tom.make_target(SOUTH_NAME, groups=[GROUP], **PLACE)
        self.world.south.tom.make_target(COMPANION, groups=[GROUP], **COMPANION_PLACE)
        self.wait_for_outcomes(self.world.south, parked=0)
        self.show_holdings()
        self.check_in_full(holding(self.world.south.tom), "South")

    # -- 5 ----------------------------------------------------------------------------------------------------------

    def everything_again(self) -> None:
        """Replay the whole topic at all three; nothing doubles, and nothing comes back to where it is from."""
        show.act(5, "Everything again", "All read the whole topic once more, beside their running daemons.")
        for bridge in self.world.bridges:
            before = holding(bridge.tom)
            show.output(bridge.run("replay", "--topic", TOPIC, shown=True))
            check(holding(bridge.tom) == before, f"{bridge.place} holds exactly what it held: nothing doubled")
        check(holding(self.world.north.tom) == self.shared, "North has got nothing of its own back")

    # -- 6 ----------------------------------------------------------------------------------------------------------

    def deleted_and_restored(self) -> None:
        """Delete something at East and put it back."""
        east = self.world.east
        show.act(
            6,
            "Deleted, and restored",
            f"Somebody at East deletes the spectrum's file and {DELETED_POINTS} points by mistake.",
        )
        before = holding(east.tom)
        east.tom.shell(inside.DELETE, points=DELETED_POINTS)
        during = holding(east.tom)
        self.show_holdings(east)
        check(
            not during.products and len(during.points) == len(before.points) - DELETED_POINTS,
            f"the file and {DELETED_POINTS} points are gone",
        )
        show.say("")
        show.output(east.run("replay", "--topic", TOPIC, "--restore", shown=True))
        self.show_holdings(east)
        after = holding(east.tom)
        check(sorted(map(repr, after.points)) == sorted(map(repr, before.points)), "the points are back, each once")
        self.check_in_full(after, "East")

    # -- 7 ----------------------------------------------------------------------------------------------------------

    def by_itself(self) -> None:
        """Let the target share itself, and write a point in the way that sends no signal."""
        world = self.world
        show.act(
            7,
            "By itself",
            "From now on the light curve shares itself. What is there already goes once more, and is a duplicate for "
            "the others; then a point comes that nobody shares, written by bulk_create, which tells no one.",
        )
        self.shell(world.north, inside.SHARE_ITSELF)
        self.wait_until_sent(EVENTS + 1)
        self.shell(world.north, inside.ANOTHER_POINT)
        self.wait_until_sent(EVENTS + 2)
        self.shared = holding(world.north.tom)
        self.limits += 1
        for bridge in (world.east, world.south):
            self.wait_for_outcomes(bridge, parked=0, events=EVENTS + 2)
        show.say("")
        self.show_outbox("North's outbox by now:")
        self.show_holdings()
        for bridge in (world.east, world.south):
            self.check_in_full(holding(bridge.tom), bridge.place)

    # -- 8 ----------------------------------------------------------------------------------------------------------

    def south_shares_back(self) -> None:
        """Let the TOM that stays as it is publish by its own Share page, through the gateway."""
        south = self.world.south
        show.act(
            8,
            "South shares back",
            "South's TOM stays as it is, but for one entry in its DATA_SHARING. Somebody there observes the target and "
            "presses TOM Toolkit's own Share button; then shares all that South holds, most of it not its own.",
        )
        show.show_command(south.origin, "tom-bridge gateway accounts add south-tom --topic", TOPIC)
        account = south.ask("gateway", "accounts", "add", "south-tom", "--topic", TOPIC)
        entry = account["data_sharing"]["bridge"]
        shown = {**entry, "PASSWORD": "..."}
        show.say("\nWhat it prints, added to the TOM's settings:\n")
        show.output(f"DATA_SHARING = {{'bridge': {shown!r}}}")
        show.say("")
        south.tom.append_settings(f"DATA_SHARING = {{'bridge': {entry!r}}}\n")
        south.tom.kill(signal.SIGTERM)
        south.tom.start()
        show.show_command(south.origin, "tom-bridge gateway")
        south.start_gateway()
        target, point = south.tom.shell(inside.OWN_POINT, name=SOUTH_NAME)
        person = Person(south.tom, "bridge").log_in()
        before = {bridge.origin: len(bridge.tom.photometry()) for bridge in self.world.bridges}
        show.say("\nThe page says, after Share was pressed with the point ticked:")
        show.output("\n".join(text for _, text in person.share_target(target, point)))
        for bridge in (self.world.north, self.world.east):
            arrived = partial(self.has_points, bridge, before[bridge.origin] + 1)
            wait_until(arrived, timeout_s=60, what=f"South's point at {bridge.name}")
            row = max(bridge.tom.photometry(), key=lambda row: str(row["timestamp"]))
            check((row["brightness"], row["source_name"]) == (18.2, south.name), f"{bridge.place} has South's point")
        show.say("\nAnd after all data of the target were shared:")
        show.output("\n".join(text for _, text in person.share_data(target)))
        told = south.ask("status")["gateway"]["tallies"]
        came = sum(one["number"] for one in told if one["outcome"] == "came over the bridge")
        again = sum(one["number"] for one in told if one["outcome"] == "known already")
        taken = sum(one["number"] for one in told if one["outcome"] == "taken")
        check(
            (again, taken) == (1, 2), f"{came} datums that came over the bridge, or out of its file, are not sent back"
        )
        after = {bridge.origin: len(bridge.tom.photometry()) for bridge in self.world.bridges}
        check(after == {**before, "north": before["north"] + 1, "east": before["east"] + 1}, "nothing doubled")

    def has_points(self, bridge: Bridge, number: int) -> bool:
        """Return whether a TOM holds so many points."""
        bridge.check_alive()
        return len(bridge.tom.photometry()) == number

    # -- what the acts have in common -------------------------------------------------------------------------------

    def shell(self, bridge: Inside, code: str, after: str = "", **given: str) -> float:
        """Run code in a TOM, and show the part of it that is meant to be."""
        show.show_code(bridge.origin, inside.shown(code))
        result = bridge.tom.shell(code + after, name=TARGET, username=ASTRONOMER, **given)
        return float(result or 0)

    def outbox_states(self) -> dict[str, int]:
        """Return how many events of North's outbox are in which state."""
        states = [row["state"] for row in self.world.north.tom.query(_OUTBOX)]
        return {state: states.count(state) for state in states}

    def wait_until_sent(self, events: int) -> None:
        """Wait until so many events of North's outbox are sent, and none is queued."""

        def sent() -> bool:
            self.world.north.check_alive()
            return self.outbox_states() == {"sent": events}

        wait_until(sent, timeout_s=60, what=f"{events} events sent by North")

    def show_outbox(self, title: str) -> None:
        """Show North's outbox."""
        rows = [tuple(str(value) for value in row.values()) for row in self.world.north.tom.query(_OUTBOX)]
        show.table(title, ("kind", "of", "items", "title", "by", "state"), rows)

    def wait_for_outcomes(self, bridge: Bridge, *, parked: int, events: int = EVENTS) -> None:
        """Wait until the TOM has an outcome for so many events, with so many parked."""

        def settled() -> bool:
            bridge.check_alive()
            return bridge.outcomes() >= events and bridge.parked() == parked

        wait_until(settled, timeout_s=60, what=f"{events} outcomes with {parked} parked at {bridge.name}")

    def check_in_full(self, held: Holding, name: str) -> None:
        """Check that a TOM holds each shared thing once, with every field."""
        number = len(self.shared.points)
        check(
            len(held.points) == held.api_points == number and set(held.points) == set(self.shared.points),
            f"{name} has all {number} points once, each with every field",
        )
        check(held.limits == self.limits, f"{self.limits} of them are upper limits")
        sent = hashlib.sha256(self.spectrum.read_bytes()).hexdigest()
        check(list(held.products.values()) == [sent], "the file is there once, byte by byte (SHA-256)")
        check(held.spectra == 1, "the TOM's own processor has read one spectrum out of it")
        members = [len(members) for each, members in held.lists.items() if each == LIST]
        check(members == [2], f"the list {LIST!r} is there, with its two members")

    def show_holdings(self, *bridges: Bridge) -> None:
        """Show what was shared beside what ``bridges`` hold; without any: beside East and South."""
        subscribed = bridges or (self.world.east, self.world.south)
        columns = [
            ("targets", "points", "upper limits", "files", "spectra", "lists", "parked"),
            (
                f"{TARGET}\n  = {', '.join(ALIASES)}",
                str(len(self.shared.points)),
                str(self.limits),
                self.spectrum.name,
                "1",
                f"{LIST}: 2",
                "",
            ),
            *(self.held(bridge) for bridge in subscribed),
        ]
        header = ("", "North shared", *(f"{bridge.place} holds" for bridge in subscribed))
        show.table("", header, list(zip(*columns, strict=True)))

    def held(self, bridge: Bridge) -> tuple[str, ...]:
        """Return one column: what a TOM holds."""
        held = holding(bridge.tom)
        targets = [
            f"{name}\n  = {', '.join(sorted(names))}" if names else name for name, names in sorted(held.targets.items())
        ]
        return (
            "\n".join(targets) or "none",
            str(len(held.points)),
            str(held.limits),
            "\n".join(held.products) or "none",
            str(held.spectra),
            "\n".join(f"{name}: {len(members)}" for name, members in held.lists.items()) or "none",
            str(bridge.parked()),
        )


def _told_settings(bridge: Inside) -> str:
    """Return the lines that make a TOM one with the app, without the folder of the stream and the waits."""
    given = bridge.tom.bridge
    entry = {
        "ORIGIN": given["ORIGIN"],
        "STREAM": {"URL": "sqlite:////.../stream.db"},
        "SUBSCRIBE": given["SUBSCRIBE"],
        "PUBLISH": given["PUBLISH"]["TOPICS"],
    }
    lines = [f"    '{key}': {json.dumps(value)},".replace('"', "'") for key, value in entry.items()]
    return "\n".join(("INSTALLED_APPS += ['bridge.tomtoolkit']", "TOM_BRIDGE = {", *lines, "}"))
