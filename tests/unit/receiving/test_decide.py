"""What is decided for each kind, without any TOM: the rules of bridge.receiving.decide."""

from datetime import UTC, datetime

import pytest

from bridge.events import (
    Body,
    DataProduct,
    Event,
    ListMember,
    Photometry,
    Point,
    Share,
    Target,
    TargetList,
    TargetReference,
    uuid7,
)
from bridge.ledger.port import Reason
from bridge.names import simplify, simplify_all
from bridge.receiving.decide import (
    AddDatums,
    AddProduct,
    Amend,
    Create,
    FillList,
    decide,
    import_list_name,
    new_datums,
    shared_list_name,
)
from bridge.receiving.matching import Hold, Policy, separation
from bridge.tom.port import LocalTarget
from bridge.tom.reserved import ORIGINAL_SOURCE_KEY

SHARE = Share(origin="alpha", origin_name="Alpha TOM", installation=uuid7(), shared_by="ada")
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def event(body: Body) -> Event:
    return SHARE.event(body)


def tom_with(*targets: LocalTarget):
    """Return what finds among these targets by TOM Toolkit's rule."""

    def find(names):
        wanted = simplify_all(names)
        return tuple(target for target in targets if wanted & simplify_all(target.names))

    return find


def local(pk: int = 1, name: str = "SN 2024abc", **given) -> LocalTarget:
    fields = {"ra": 10.0, "dec": 20.0, **given.pop("fields", {})}
    return LocalTarget(pk=pk, name=name, type="SIDEREAL", fields=fields, **given)


def shared(name: str = "SN 2024abc", **given) -> Target:
    return Target(**{"name": name, "type": "SIDEREAL", "ra": 10.0, "dec": 20.0, **given})


def photometry(name: str = "SN 2024abc", **reference) -> Photometry:
    point = Point(timestamp=NOON, bandpass="r", brightness=0.0, source_name="ZTF")
    return Photometry(target=TargetReference(name=name, **reference), points=(point,))


def test_an_unknown_target_is_created():
    assert decide(event(shared()), tom_with(), Policy()) == Create(shared())


def test_a_known_target_gets_what_it_lacks_and_keeps_what_it_has():
    ours = local(name="ZTF24xyz", aliases=("sn-2024ABC",), fields={"distance": 5.0}, extras={"class": "Ia"})
    theirs = shared(aliases=("ZTF24xyz", "AT 2024abc"), distance=6.0, parallax=0.0, extras={"class": "II", "z": "0.1"})
    plan = decide(event(theirs), tom_with(ours), Policy())
    assert isinstance(plan, Amend)
    assert plan.additions.aliases == ("AT 2024abc",)
    assert plan.additions.fields == {"parallax": 0.0}
    assert plan.additions.extras == {"z": "0.1"}
    assert [difference["field"] for difference in plan.differs] == ["distance", "extras.class"]


def test_a_zero_here_is_a_value_and_not_a_gap():
    plan = decide(event(shared(pm_ra=3.0)), tom_with(local(fields={"pm_ra": 0.0})), Policy())
    assert isinstance(plan, Amend)
    assert "pm_ra" not in plan.additions.fields
    assert plan.differs[0]["ours"] == 0.0


def test_data_without_a_target_wait_under_all_their_names():
    plan = decide(event(photometry(aliases=("AT 2024abc",))), tom_with(), Policy())
    assert isinstance(plan, Hold)
    assert plan.reason is Reason.NO_TARGET
    assert plan.names == {"sn2024abc", "at2024abc"}


def test_two_targets_that_match_are_never_guessed_between():
    find = tom_with(local(1), local(2, "AT 2024abc"))
    plan = decide(event(photometry(aliases=("AT2024ABC",))), find, Policy())
    assert isinstance(plan, Hold)
    assert plan.reason is Reason.AMBIGUOUS
    assert [candidate["pk"] for candidate in plan.detail["candidates"]] == [1, 2]


@pytest.mark.parametrize(("arcsec", "held"), [(9.9, False), (10.1, True)])
def test_a_namesake_elsewhere_on_the_sky_is_not_the_same_target(arcsec, held):
    plan = decide(event(shared(dec=20.0 + arcsec / 3600)), tom_with(local()), Policy())
    assert isinstance(plan, Hold) == held
    if held:
        assert plan.reason is Reason.POSITION_DISAGREES


def test_a_position_near_the_wrap_of_right_ascension_agrees():
    apart = separation(shared(ra=359.9999, dec=0.0), local(fields={"ra": 0.0001, "dec": 0.0}))
    assert apart == pytest.approx(0.72, abs=0.001)


def test_proper_motion_carries_our_position_to_their_epoch():
    # Barnard's star: 10.3 arcsec a year, so that ten years would be far beyond the bound.
    ours = local(name="Barnard", fields={"ra": 269.452, "dec": 4.6933, "pm_ra": -802.8, "pm_dec": 10362.5})
    theirs = shared(
        "Barnard", ra=269.452 - 0.8028 * 10 / 3600 / 0.99665, dec=4.6933 + 10.3625 * 10 / 3600, epoch=2010.0
    )
    assert separation(theirs, ours) < 0.01


def test_the_position_of_a_moving_body_is_not_compared():
    reference = TargetReference(name="Ceres", type="NON_SIDEREAL", ra=1.0, dec=1.0)
    assert separation(reference, local(name="Ceres")) is None


def test_a_datum_comes_from_the_tom_that_sent_it_and_keeps_its_own_source():
    plan = decide(event(photometry()), tom_with(local(7)), Policy())
    assert isinstance(plan, AddDatums)
    (new,) = new_datums([plan], Policy())
    assert (new.target_pk, new.datum.source_name) == (7, "Alpha TOM")
    assert new.datum.extra == {ORIGINAL_SOURCE_KEY: "ZTF"}


@pytest.mark.parametrize(
    ("source", "extra", "kept"),
    [
        ("", {}, ""),
        ("Alpha TOM", {}, "Alpha TOM"),
        ("ZTF", {}, "ZTF"),
        ("Beta TOM", {ORIGINAL_SOURCE_KEY: "ZTF"}, "ZTF"),
    ],
)
def test_the_source_that_the_first_publisher_had_is_always_kept_also_when_it_is_empty(source, extra, kept):
    point = Point(timestamp=NOON, bandpass="r", brightness=0.0, source_name=source, extra={"a": 1} | extra)
    body = Photometry(target=TargetReference(name="SN 2024abc"), points=(point,))
    (new,) = new_datums([decide(event(body), tom_with(local(7)), Policy())], Policy())
    assert (new.datum.source_name, new.datum.extra) == ("Alpha TOM", {"a": 1, ORIGINAL_SOURCE_KEY: kept})


def test_a_product_without_an_id_gets_one_that_is_the_same_at_every_try():
    product = DataProduct.of(b"x", target=TargetReference(name="SN 2024abc"), filename="a", data_product_type="phot")
    shared_product = event(product)
    policy = Policy(data_product_types={"phot": "photometry"})
    plans = [decide(shared_product, tom_with(local()), policy) for _ in range(2)]
    assert plans[0] == plans[1]
    assert isinstance(plans[0], AddProduct)
    assert plans[0].product_id == f"alpha:{shared_product.id}"
    assert plans[0].product.data_product_type == "photometry"


def test_members_of_a_list_join_are_created_or_wait_one_by_one():
    members = (
        ListMember(reference=shared().reference),
        ListMember(reference=shared("M 31").reference, target=shared("M 31")),
        ListMember(reference=TargetReference(name="M 33")),
    )
    plan = decide(event(TargetList(name="Best", members=members)), tom_with(local(3)), Policy())
    assert isinstance(plan, FillList)
    assert [(name, target.pk) for name, target in plan.join] == [("SN 2024abc", 3)]
    assert [name for name, _ in plan.create] == ["M 31"]
    assert [(name, hold.reason) for name, hold in plan.held] == [("M 33", Reason.NO_TARGET)]


def test_only_the_members_asked_for_are_decided():
    members = tuple(ListMember(reference=TargetReference(name=name)) for name in ("M 31", "M 33"))
    plan = decide(event(TargetList(name="Best", members=members)), tom_with(), Policy(), members[1:])
    assert isinstance(plan, FillList)
    assert [name for name, _ in plan.held] == ["M 33"]


def test_the_list_of_imports_is_the_one_that_tom_toolkit_made_where_it_did():
    assert import_list_name("Alpha TOM", {"Imported From Alpha TOM"}) == "Imported From Alpha TOM"
    assert import_list_name("Alpha TOM", {"Others"}) == "Imported from Alpha TOM"
    assert import_list_name("Alpha TOM", None) == "Imported from Alpha TOM"


def test_a_list_of_somebody_else_is_never_mixed_with_a_shared_one():
    assert shared_list_name("Best", "Alpha TOM", {"Others"}) == "Best"
    assert shared_list_name("Best", "Alpha TOM", {"Best"}) == "Best (from Alpha TOM)"
    assert shared_list_name("Best", "Alpha TOM", None) == "Best (from Alpha TOM)"
    assert len(shared_list_name("B" * 200, "Alpha TOM", None)) == 200
    taken = {"Best", "Best (from Alpha TOM)"}
    assert shared_list_name("Best", "Alpha TOM", taken) == "Best (from Alpha TOM, 2)"
    assert shared_list_name("Best", "Alpha TOM", {*taken, "Best (from Alpha TOM, 2)"}) == "Best (from Alpha TOM, 3)"
    long = shared_list_name("B" * 200, "Alpha TOM", None)
    assert shared_list_name("B" * 199 + "C", "Alpha TOM", {"B" * 199 + "C", long}) not in {long, "B" * 199 + "C"}


def test_names_are_compared_as_tom_toolkit_compares_them():
    assert simplify("SN-2024_abc (host)") == "sn2024abchost"
    assert simplify_all(["( )", "M 31"]) == {"( )", "m31"}


# -- spellings ---------------------------------------------------------------------------------------------------------


def moving(name: str, **given) -> TargetReference:
    return TargetReference(name=name, type="NON_SIDEREAL", **given)


def of(reference: TargetReference) -> Photometry:
    return photometry().model_copy(update={"target": reference})


@pytest.mark.parametrize(
    "reference",
    [TargetReference(name="M 1-1"), moving("M 1-1"), moving("M 1-1", ra=10.0, dec=20.0),
     TargetReference(name="M 1-1", type="SIDEREAL", ra=10.0)],
)  # fmt: skip
def test_a_name_whose_digits_are_grouped_otherwise_is_for_a_person_where_no_position_tells(reference):
    plan = decide(event(of(reference)), tom_with(local(3, "M 11")), Policy())
    assert isinstance(plan, Hold)
    assert (plan.reason, plan.names) == (Reason.AMBIGUOUS_SPELLING, {"m11"})
    assert plan.detail["candidates"] == [{"pk": 3, "name": "M 11"}]
    assert "M 1-1 as shared and M 11 here" in plan.detail["message"]


@pytest.mark.parametrize(("arcsec", "reason"), [(1.0, None), (60.0, Reason.POSITION_DISAGREES)])
def test_where_both_positions_are_known_they_tell_and_not_the_spelling(arcsec, reason):
    reference = TargetReference(name="M 1-1", type="SIDEREAL", ra=10.0, dec=20.0 + arcsec / 3600)
    plan = decide(event(of(reference)), tom_with(local(3, "M 11")), Policy())
    assert (plan.reason if isinstance(plan, Hold) else None) is reason


@pytest.mark.parametrize(
    ("shared_as", "ours", "aliases"),
    [("M 11", "M 11", ()), ("m-11", "M 11", ()), ("M 1-1", "m 1 1", ()), ("M 1-1", "M 11", ("M 1-1",)),
     ("NGC 7000", "ngc7000", ()), ("-", "-", ())],
)  # fmt: skip
def test_a_name_that_differs_in_what_joins_no_digits_is_no_question(shared_as, ours, aliases):
    found = decide(event(of(moving(shared_as))), tom_with(local(3, ours, aliases=aliases)), Policy())
    assert isinstance(found, AddDatums)


def test_what_a_person_chose_is_followed_whatever_its_digits():
    find = tom_with(local(3, "M 11", chosen=True))
    assert isinstance(decide(event(of(moving("M 1-1"))), find, Policy()), AddDatums)


def test_a_member_of_a_list_waits_for_its_spelling_and_the_others_join():
    members = (ListMember(reference=moving("M 1-1")), ListMember(reference=moving("M 11")))
    plan = decide(event(TargetList(name="Best", members=members)), tom_with(local(3, "M 11")), Policy())
    assert isinstance(plan, FillList)
    assert [(name, hold.reason) for name, hold in plan.held] == [("M 1-1", Reason.AMBIGUOUS_SPELLING)]
    assert [name for name, _ in plan.join] == ["M 11"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("SN\xa02024abc", "a non-breaking blank (U+00A0)"),
        ("2MASS J12\u221234", "a minus sign (U+2212)"),
        ("Poincare\u0301", "an accent apart from its letter (NFD)"),
        ("Barnard\u2019s star", "a curly quote (U+2019)"),
    ],
    ids=ascii,
)  # fmt: skip
def test_what_looks_like_another_character_is_named_where_something_is_parked(name, told):
    plan = decide(event(photometry(name, aliases=("plain",))), tom_with(), Policy())
    assert plan.reason is Reason.NO_TARGET
    assert f"{name} as shared has {told}" in plan.detail["message"]
    find = tom_with(local(1, "plain"), local(2, name))
    plan = decide(event(photometry(name, aliases=("plain",))), find, Policy())
    assert plan.reason is Reason.AMBIGUOUS
    assert told in plan.detail["message"]
    assert plan.detail["candidates"]
    assert "as shared has" not in decide(event(photometry("plain")), tom_with(), Policy()).detail["message"]


def test_a_message_of_many_names_stays_short_enough_to_end_with_what_is_odd():
    aliases = tuple(f"An alias of some length {number}" for number in range(200))
    plan = decide(event(photometry("SN\xa02024abc", aliases=aliases)), tom_with(), Policy())
    assert "and 198 more" in plan.detail["message"]
    assert "U+00A0" in plan.detail["message"][:500]
