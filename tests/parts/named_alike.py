"""What a TOM has to hold where two origins call themselves by one name, and what is kept of what they said."""

from contextlib import closing

from parts.bridges import Publishing, Subscribed
from parts.shares import GALAXY, REFERENCE, SUPERNOVA, on_day, photometry, product

from bridge.codec import encode
from bridge.events import ListMember, ShareRef, TargetList
from bridge.ledger.port import Reason, ShareWords

WORDS = ShareWords(
    message="Please observe.\nIt is <b>bright</b>.",
    acknowledgement="Thank Alpha.",
    references=("10.1000/182", "a book"),
)


def with_words(publishing: Publishing, words: ShareWords = WORDS, title: str = "A title") -> None:
    """Let what is published from now on be a share of these words."""
    said = {"message": words.message, "acknowledgement": words.acknowledgement, "references": words.references}
    publishing.share = publishing.share.model_copy(update={"title": title, **said})


def check_that_a_name_is_its_first_owners(alpha: Publishing, beta: Subscribed, url: str) -> None:
    """Let others use the names of Alpha and of Beta, and look at all that is stored and listed under a name."""
    alpha.publish(SUPERNOVA, on_day(1))
    beta.drain()
    raw = product(process=False)
    with (
        closing(Publishing(url, origin="gamma.org", name="ALPHA \xa0Tом")) as gamma,
        closing(Publishing(url, origin="delta.org", name="beta-tom")) as delta,
    ):
        gamma.publish(GALAXY, on_day(2), _list("Best"), raw)
        delta.publish(on_day(3))
    alpha.publish(on_day(4), _list("Best"))
    beta.drain()
    gammas, deltas = "ALPHA \xa0Tом (gamma.org)", "beta-tom (delta.org)"
    sources = ["Alpha TOM", gammas, deltas, "Alpha TOM"]
    assert _stored(beta) == sources
    assert beta.tom.lists() == {
        "Imported from Alpha TOM": ["SN 2024abc"],
        f"Imported from {gammas}": ["M 31"],
        "Best": ["SN 2024abc"],
        "Best (from Alpha TOM)": ["SN 2024abc"],
    }
    told = [entry.origin_name for entry in beta.entries()]
    assert told == ["Alpha TOM"] * 2 + [gammas] * 4 + [deltas] + ["Alpha TOM"] * 2
    lists = beta.tom.lists()
    beta.replay(restore=True)
    assert [entry.origin_name for entry in beta.entries()] == told
    assert (_stored(beta), beta.tom.lists()) == (sources, lists)


def check_that_who_is_not_accepted_claims_no_name(alpha: Publishing, beta: Subscribed, url: str) -> None:
    """Let a stranger who is not accepted come first; a dry run claims nothing either."""
    beta.tom.make_target("SN 2024abc")
    beta.subscribe(origins=["alpha"])
    with closing(Publishing(url, origin="gamma.org", name="Alpha TOM")) as gamma:
        gamma.publish(photometry(1))
        # Who it is of, only the event says.
        gamma.publish_bytes(encode(gamma.share.event(on_day(1))).value)
    beta.drain()
    assert [entry.reason for entry in beta.entries()] == [Reason.ORIGIN_NOT_ACCEPTED] * 2
    assert beta.entries()[1].origin_name == "Alpha TOM (gamma.org)"
    beta.subscribe()
    assert beta.replay(dry_run=True) == {"applied": 2}
    alpha.publish(on_day(2))
    beta.drain()
    assert beta.replay() == {"applied": 2, "unchanged": 1}
    assert {row["source_name"] for row in beta.tom.photometry()} == {"Alpha TOM", "Alpha TOM (gamma.org)"}


def check_that_words_are_kept(alpha: Publishing, beta: Subscribed, url: str) -> None:
    """Let shares come in all ways; what was said of each is kept, and no stranger changes it."""
    with_words(alpha)
    share = alpha.share
    alpha.publish(SUPERNOVA, on_day(1), _list("Best"), product())
    with closing(Publishing(url, origin="gamma.org", name="Gamma")) as gamma:
        gamma.share = gamma.share.model_copy(update={"share_id": share.share_id})
        with_words(gamma, ShareWords(message="Don't."))
        gamma.publish(on_day(2))
        again = gamma.share.model_copy(update={"origin": "alpha", "message": "Observe nothing."})
        alpha.publish(again.event(on_day(3)))
        strangers = gamma.share.share_ref
    parked = alpha.share.model_copy(update={"share_id": alpha.share.event(SUPERNOVA).id})
    alpha.publish(parked.event(GALAXY_LIGHT))
    beta.drain()
    kept = {share.share_ref: WORDS, strangers: ShareWords(message="Don't."), parked.share_ref: WORDS}
    with beta.open() as bridge:
        assert bridge.ledger.words([*kept, ShareRef("nobody", share.share_id)]) == kept


GALAXY_LIGHT = photometry(1, GALAXY.reference)


def check_that_nothing_is_kept_of_what_is_not_wanted(alpha: Publishing, beta: Subscribed) -> None:
    """Leave out a kind: neither is its share kept; once it is wanted, replay brings its words too."""
    with_words(alpha)
    beta.subscribe(kinds=["photometry"])
    alpha.publish(SUPERNOVA)
    beta.drain()
    with beta.open() as bridge:
        assert bridge.ledger.words([alpha.share.share_ref]) == {}
    beta.subscribe()
    beta.replay()
    with beta.open() as bridge:
        assert bridge.ledger.words([alpha.share.share_ref]) == {alpha.share.share_ref: WORDS}


def _stored(beta: Subscribed) -> list[str]:
    """Return the sources of points in their order, without those that the TOM makes of a file (over REST by itself)."""
    rows = sorted(beta.tom.photometry(), key=lambda row: str(row["timestamp"]))
    return [row["source_name"] for row in rows if row["data_product_id"] is None]


def _list(name: str) -> TargetList:
    return TargetList(name=name, members=(ListMember(reference=REFERENCE),))
