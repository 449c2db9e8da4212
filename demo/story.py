"""What is shown, act by act; each ends with checks of what the TOMs then hold."""

import hashlib
from pathlib import Path

from parts.tom_site import GROUP
from parts.wait import wait_until

from bridge.events import Point
from bridge.sources.table import read_table
from demo import show
from demo.bridges import Bridge
from demo.holdings import Holding, holding, values
from demo.show import check
from demo.world import TOPIC, World

TARGET = "AT 2024dmo"
ALIASES = ("ZTF24aademo", "ATLAS24dmo")
COMPANION = "AT 2024cmp"
LIST = "Young supernovae"
EAST_NAME, EAST_ALIAS = "East follow-up 7", "ztf-24 (AADEMO)"
SOUTH_NAME = "at_2024DMO"
PLACE = {"ra": 65.00165, "dec": -54.93795}
EVENTS = 4
COMPANION_PLACE = {"ra": 65.10210, "dec": -54.90533}
SOUTH_PARKED = 4
DELETED_POINTS = 5

_DELETE = """
from tom_dataproducts.models import DataProduct, PhotometryReducedDatum
for each in DataProduct.objects.all():
    each.data.delete(save=False)
    each.delete()
for each in PhotometryReducedDatum.objects.order_by('timestamp')[:points]:
    each.delete()
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
        self.points: tuple[Point, ...] = read_table(self.photometry)
        self.limits = sum(point.limit is not None for point in self.points)

    def play(self) -> None:
        """Play all acts."""
        self.three_toms()
        self.north_shares()
        self.what_arrived()
        self.south_meets_the_target()
        self.everything_again()
        self.deleted_and_restored()

    # -- 1 ----------------------------------------------------------------------------------------------------------

    def three_toms(self) -> None:
        """Build the TOMs and say who knows what."""
        world = self.world
        show.act(
            1,
            "Three TOMs",
            "Real ones: TOM Toolkit from PyPI, unchanged, each with its own database and web server. "
            "Between them: one SQLite file as stream.",
        )
        world.build()
        world.north.tom.make_target(
            TARGET, aliases=ALIASES, extras={"redshift": "0.0231"}, groups=[GROUP], lists=[LIST], **PLACE
        )
        world.north.tom.make_target(COMPANION, groups=[GROUP], lists=[LIST], **COMPANION_PLACE)
        world.east.tom.make_target(EAST_NAME, aliases=[EAST_ALIAS], groups=[GROUP], **PLACE)
        world.east.tom.make_target(COMPANION, groups=[GROUP], **COMPANION_PLACE)
        show.table(
            "Who knows the target",
            ("TOM", "part", "the target there", "receives"),
            [
                (world.north.name, "shares", f"{TARGET}, also {', '.join(ALIASES)}", ""),
                (world.east.name, "subscribes", f"{EAST_NAME}, also {EAST_ALIAS}", "everything"),
                (world.south.name, "subscribes", "unknown", "lists and data, makes no targets"),
            ],
        )

    # -- 2 ----------------------------------------------------------------------------------------------------------

    def north_shares(self) -> None:
        """Start the consumers and share from North."""
        world = self.world
        show.act(
            2,
            "North shares",
            f"A target, {len(self.points)} points of ATLAS forced photometry ({self.limits} of them upper limits), "
            "a FITS spectrum and a list. The files come with TOM Toolkit.",
        )
        world.north.run("topics", "create", TOPIC, shown=True)
        world.east.start()
        world.south.start()
        title = ("--title", "First two weeks")
        share: list[tuple[str | Path, ...]] = [
            ("publish", "target", TARGET),
            ("publish", "photometry", TARGET, self.photometry, *title),
            ("publish", "data-product", TARGET, self.spectrum, "--type", "spectroscopy", *title),
            ("publish", "list", LIST),
        ]
        for arguments in share:
            show.output(world.north.run(*arguments, shown=True))

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
        show.show_command(["parked", "list"])
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
        """Replay the whole topic at both; nothing doubles."""
        show.act(5, "Everything again", "Both read the whole topic once more, beside their running consumers.")
        for bridge in (self.world.east, self.world.south):
            before = holding(bridge.tom)
            show.output(bridge.run("replay", "--topic", TOPIC, shown=True))
            check(holding(bridge.tom) == before, f"{bridge.name} holds exactly what it held: nothing doubled")

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
        east.tom.shell(_DELETE, points=DELETED_POINTS)
        during = holding(east.tom)
        self.show_holdings()
        check(
            not during.products and len(during.points) == len(before.points) - DELETED_POINTS,
            f"the file and {DELETED_POINTS} points are gone",
        )
        show.say("")
        show.output(east.run("replay", "--topic", TOPIC, "--restore", shown=True))
        self.show_holdings()
        after = holding(east.tom)
        check(set(after.points) == set(before.points), "the points are back, each once")
        check(len(after.points) == len(before.points), "and no other was doubled")
        self.check_in_full(after, "East")

    # -- what the acts have in common -------------------------------------------------------------------------------

    def wait_for_outcomes(self, bridge: Bridge, *, parked: int) -> None:
        """Wait until the TOM has an outcome for every event, with so many parked."""

        def settled() -> bool:
            bridge.check_alive()
            entries = bridge.ask("shares")
            waiting = bridge.ask("parked", "list")
            return len(entries) >= EVENTS and len(waiting) == parked

        wait_until(settled, timeout_s=60, what=f"{parked} parked at {bridge.name}")

    def check_in_full(self, held: Holding, name: str) -> None:
        """Check that a TOM holds each shared thing once, with every field."""
        check(
            len(held.points) == held.api_points == len(self.points) and set(held.points) == values(self.points),
            f"{name} has all {len(self.points)} points once, each with every field",
        )
        check(held.limits == self.limits, f"{self.limits} of them are upper limits")
        sent = hashlib.sha256(self.spectrum.read_bytes()).hexdigest()
        check(set(held.products.values()) == {sent}, "the file is there once, byte by byte (SHA-256)")
        check(held.spectra == 1, "the TOM's own processor has read one spectrum out of it")
        members = [len(members) for each, members in held.lists.items() if each == LIST]
        check(members == [2], f"the list {LIST!r} is there, with its two members")

    def show_holdings(self) -> None:
        """Show what was shared beside what each TOM that subscribes holds."""
        columns = [
            ("targets", "points", "upper limits", "files", "spectra", "lists", "parked"),
            (
                f"{TARGET}\n  = {', '.join(ALIASES)}",
                str(len(self.points)),
                str(self.limits),
                self.spectrum.name,
                "1",
                f"{LIST}: 2",
                "",
            ),
            *(self.held(bridge) for bridge in (self.world.east, self.world.south)),
        ]
        header = ("", "North shared", f"{self.world.east.name} holds", f"{self.world.south.name} holds")
        show.table("What each TOM holds", header, list(zip(*columns, strict=True)))

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
            str(len(bridge.ask("parked", "list"))),
        )
