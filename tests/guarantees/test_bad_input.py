"""Bad input: each is one dead letter with a reason that a person understands, and everything around it is applied."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from parts.bridges import Publishing, Subscribed
from parts.shares import GALAXY, NOON, SUPERNOVA, crafted, on_day, photometry, product

from bridge.codec import Encoded, encode
from bridge.events import ListMember, TargetList, TargetReference
from bridge.ledger.port import Outcome, Reason
from bridge.tom.port import NewTarget
from bridge.tom.rest import RestTom

Bad = Callable[[Publishing], object]


def _bytes(value: bytes) -> Bad:
    return lambda alpha: alpha.publish_bytes(value)


def _changed(body, change) -> Bad:
    return lambda alpha: alpha.publish_encoded(crafted(alpha.share.event(body), change))


def _cut(alpha: Publishing) -> None:
    record = encode(alpha.share.event(photometry(3)))
    alpha.publish_bytes(record.value[:-7], key=record.key, headers=record.headers)


def _other_header(alpha: Publishing) -> None:
    record = encode(alpha.share.event(photometry(3)))
    headers = tuple((name, b"urn:tom-bridge:somebody" if name == "ce_source" else one) for name, one in record.headers)
    alpha.publish_encoded(Encoded(record.key, record.value, headers, record.schema))


def _set(*path, to) -> Callable[[dict], None]:
    def change(datum: dict) -> None:
        for part in path[:-1]:
            datum = datum[part]
        datum[path[-1]] = to

    return change


NO_MAGIC = b"\x00\x01\x00\x00\x00"
BAD: dict[str, tuple[Bad, Reason, str]] = {
    "nothing": (_bytes(b""), Reason.UNDECODABLE, "begins with nothing"),
    "nonsense": (_bytes(b'{"hello": "world"}'), Reason.UNDECODABLE, "begins with 7b 22 68 65, which is no format"),
    "wrong magic": (_bytes(NO_MAGIC), Reason.UNDECODABLE, "single-object encoding begins with c3 01"),
    "cut off": (_cut, Reason.UNDECODABLE, "is no tom_bridge.v1.Photometry"),
    "unknown schema": (_bytes(b"\xc3\x01" + b"\x07" * 8 + b"x"), Reason.UNKNOWN_SCHEMA, "0707070707070707 is unknown"),
    "another origin in its header": (_other_header, Reason.UNDECODABLE, "ce_source says 'urn:tom-bridge:somebody'"),
    "a point without a value": (
        _changed(photometry(3), _set("points", 2, "brightness", to=None)),
        Reason.INVALID,
        "points[2]: a point needs a brightness or a limit",
    ),
    "a brightness that is no number": (
        _changed(photometry(3), _set("points", 1, "brightness", to=float("nan"))),
        Reason.INVALID,
        "points[1].brightness",
    ),
    "a bandpass that is too long": (
        _changed(photometry(3), _set("points", 0, "bandpass", to="r" * 33)),
        Reason.INVALID,
        "points[0].bandpass: String should have at most 32 characters",
    ),
    "a time before all times": (
        _changed(photometry(1), _set("points", 0, "timestamp", to=-(2**62))),
        Reason.INVALID,
        "points[0].timestamp",
    ),
    "a target without coordinates": (
        _changed(GALAXY, _set("target", "ra", to=None)),
        Reason.INVALID,
        "a SIDEREAL target needs ra",
    ),
    "a declination beyond the pole": (_changed(GALAXY, _set("target", "dec", to=90.5)), Reason.INVALID, "dec"),
    "a target without a name": (_changed(GALAXY, _set("target", "name", to=" ")), Reason.INVALID, "name"),
    "a product of a wrong size": (
        _changed(product(), _set("size", to=3)),
        Reason.INVALID,
        "size says 3 bytes, the content has",
    ),
    "a product of a wrong hash": (
        _changed(product(), _set("sha256", to="0" * 64)),
        Reason.INVALID,
        "sha256 says 0000",
    ),
    "a product that is a path": (
        _changed(product(), _set("filename", to="../../x")),
        Reason.INVALID,
        "'../../x' is a path; a plain file name",
    ),
    "a product of a type that the TOM doesn't have": (
        lambda alpha: alpha.publish(product(data_product_type="hologram")),
        Reason.REJECTED,
        "Map the type to one that the TOM has",
    ),
    "a datum for a target that may only be seen": (
        lambda alpha: alpha.publish(on_day(5, reference=TargetReference(name="Read only"))),
        Reason.REJECTED,
        "the account may not change the target",
    ),
    "a target that the account may not see": (
        lambda alpha: alpha.publish(GALAXY.model_copy(update={"name": "Hidden"})),
        Reason.REJECTED,
        "which the account may not see",
    ),
}


@pytest.mark.parametrize(("bad", "reason", "says"), BAD.values(), ids=BAD)
def test_it_is_one_dead_letter_that_says_why_and_its_neighbours_are_applied(bad, reason, says, alpha, beta):
    _targets(beta)
    alpha.publish(photometry(1))
    bad(alpha)
    alpha.publish(on_day(1))
    beta.drain()
    before, dead, after = beta.entries()
    assert (before.outcome, after.outcome) == (Outcome.APPLIED, Outcome.APPLIED)
    assert (dead.outcome, dead.reason) == (Outcome.DEAD, reason)
    assert says in str(dead.detail["message"])
    assert len(beta.tom.photometry()) == 2
    assert beta.tom.products() == []
    assert len(beta.tom.targets()) == 3
    assert [str(row["timestamp"])[:10] for row in beta.tom.photometry()] == [
        str(NOON.date()),
        str(on_day(1).points[0].timestamp.date()),
    ]


def test_the_daemon_goes_on_through_all_of_it_and_all_of_it_is_listed(alpha, beta):
    _targets(beta)
    alpha.publish(photometry(1))
    for bad, _, _ in BAD.values():
        bad(alpha)
    alpha.publish(on_day(1))
    with beta.daemon() as daemon:
        daemon.wait_for("event.applied", 2)
        assert len(daemon.logged("event.dead")) == len(BAD)
        assert daemon.end() == 0
    assert [entry.outcome for entry in beta.entries()] == [
        Outcome.APPLIED,
        *[Outcome.DEAD] * len(BAD),
        Outcome.APPLIED,
    ]
    letters = beta.dead()
    assert [letter.entry.reason for letter in letters] == [reason for _, reason, _ in BAD.values()]
    listed = beta.run("dead", "list").stdout
    assert len(listed.splitlines()) == len(BAD) + 1
    assert all(says in listed for _, _, says in BAD.values())
    with beta.open() as bridge:
        kept = bridge.ledger.raw([letters[2].entry.place])[letters[2].entry.place]
    assert kept.record.value == NO_MAGIC
    assert not list(beta.folder.parent.rglob("x"))


def test_the_same_over_rest_of_toolkit_2(alpha, url, tom2, tmp_path):
    beta = Subscribed(tom2, url, tmp_path / "beta", limits={"attempts": 2})
    _targets(beta)
    at_the_tom = [bad for bad, reason, _ in BAD.values() if reason is Reason.REJECTED]
    for bad in at_the_tom:
        bad(alpha)
    alpha.publish(on_day(1))
    beta.drain()
    assert [entry.reason for entry in beta.entries()] == [*[Reason.REJECTED] * len(at_the_tom), None]
    assert len(beta.tom.photometry()) == 1
    assert beta.tom.products() == []


def test_a_member_that_breaks_something_here_is_a_dead_letter_of_its_own_and_the_others_are_in(
    alpha, beta, monkeypatch
):
    create = RestTom.create_targets

    def break_at_the_third(tom: RestTom, new: Sequence[NewTarget], *given: Any) -> Any:
        if any(one.target.name == "SN 2" for one in new):
            raise ZeroDivisionError("of ours")
        return create(tom, new, *given)

    members = tuple(
        ListMember(reference=target.reference, target=target)
        for number in range(5)
        for target in [GALAXY.model_copy(update={"name": f"SN {number}", "aliases": ()})]
    )
    alpha.publish(TargetList(name="Best", members=members))
    with monkeypatch.context() as broken:
        broken.setattr(RestTom, "create_targets", break_at_the_third)
        beta.drain()
    (entry,), (letter,) = beta.entries(), beta.dead()
    assert entry.detail["members"] == {"created": 4, "joined": 0, "parked": 0, "refused": 1}
    assert (entry.outcome, letter.member, letter.reason) == (Outcome.APPLIED, "SN 2", Reason.INTERNAL)
    assert letter.detail["message"] == "ZeroDivisionError: of ours"
    assert sorted(row["name"] for row in beta.tom.targets()) == ["SN 0", "SN 1", "SN 3", "SN 4"]
    with beta.open() as bridge:
        bridge.waiting.retry_dead(bridge.ledger.dead(), bridge.budget)
    assert (len(beta.tom.targets()), beta.dead()) == (5, [])


def test_what_breaks_without_a_member_too_is_the_fault_of_the_list(alpha, beta, monkeypatch):
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(RestTom, "open_list", fail)
    members = tuple(ListMember(reference=TargetReference(name=f"SN {number}")) for number in range(3))
    alpha.publish(TargetList(name="Best", members=members))
    beta.drain()
    assert [(one.outcome, one.reason) for one in beta.entries()] == [(Outcome.DEAD, Reason.INTERNAL)]
    assert [letter.member for letter in beta.dead()] == [""]


def test_a_member_that_is_refused_is_a_dead_letter_of_its_own_and_the_others_are_in(alpha, beta):
    _targets(beta)
    hidden = GALAXY.model_copy(update={"name": "Hidden"})
    alpha.publish(_list_of(GALAXY, hidden, SUPERNOVA), on_day(1))
    beta.drain()
    entry, after = beta.entries()
    assert (entry.outcome, after.outcome) == (Outcome.APPLIED, Outcome.APPLIED)
    assert entry.detail["members"] == {"created": 1, "joined": 1, "parked": 0, "refused": 1}
    (letter,) = beta.dead()
    assert (letter.member, letter.reason) == ("Hidden", Reason.REJECTED)
    assert "may not see" in str(letter.detail["message"])
    (members,) = [names for name, names in beta.tom.lists().items() if name.startswith("Best of all")]
    assert members == ["M 31", "SN 2024abc"]


def _list_of(*targets):
    members = tuple(ListMember(reference=target.reference, target=target) for target in targets)
    return TargetList(name="Best of all", members=members)


def _targets(beta: Subscribed) -> None:
    beta.tom.make_target("SN 2024abc")
    beta.tom.make_target("Read only", may_change=False)
    beta.tom.make_target("Hidden", users=["admin"], ra=GALAXY.ra, dec=GALAXY.dec, permissions="PRIVATE")


# -- a wrong configuration --------------------------------------------------------------------------------------------

WRONG = {
    "misspelt key": (lambda it: it["limits"].update(batch_datum=3), "limits.batch_datum", "batch_datums"),
    "no stream": (lambda it: it.pop("stream"), "stream", "Set url under [stream]"),
    "no TOM": (lambda it: it.pop("tom"), "tom", "Set base_url and api_key"),
    "no account": (lambda it: it["tom"].pop("api_key"), "tom", "set api_key, or username and password"),
    "no origin": (lambda it: it.pop("origin"), "origin", 'origin = "my-tom"'),
    "a wrong origin": (lambda it: it.update(origin="Our TOM"), "origin", "a-z"),
    "no subscription": (lambda it: it.update(subscribe=[]), "subscribe", "Name a topic"),
    "a wrong start": (lambda it: it["subscribe"][0].update(start="noon"), "start", '"earliest", "now" or a time'),
    "an unknown kind": (lambda it: it["subscribe"][0].update(kinds=["spectra"]), "kinds", "photometry"),
    "no number": (lambda it: it["limits"].update(attempts="many"), "limits.attempts", "integer"),
    "an unknown stream": (lambda it: it["stream"].update(url="amqp://x"), "stream.url", "kafka://"),
    "a wrong key": (lambda it: it["tom"].update(api_key="wrong"), "tom.api_key", "Set a valid API token"),
    "no home page": (lambda it: it["tom"].update(base_url=it["tom"]["base_url"] + "/x"), "tom.base_url", "home page"),
    "a group of others": (lambda it: it["tom"].update(groups=["Nobody"]), "tom.groups", "Add the account"),
}


@pytest.mark.parametrize(("change", "key", "mend"), WRONG.values(), ids=WRONG)
def test_a_wrong_configuration_is_one_line_with_key_and_mend_and_exit_code_2(change, key, mend, alpha, beta):
    alpha.publish(SUPERNOVA)
    change(beta.mapping)
    run = beta.run("consume", "--until-end")
    assert run.returncode == 2, run.stderr
    last = _last_line(run)
    assert key in last
    assert mend in last
    assert "Traceback" not in run.stderr
    assert beta.tom.targets() == []


def test_a_file_that_is_no_toml_and_one_that_is_not_there_say_so(beta, tmp_path):
    for content, says in (("[stream\n", "is no TOML"), (None, "there is no such file")):
        path: Path = tmp_path / "wrong.toml"
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_text(content)
        run = beta.run("--config", str(path), "consume")
        assert run.returncode == 2
        assert says in _last_line(run)


def _last_line(run: subprocess.CompletedProcess[str]) -> str:
    return run.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("kept_as", "says"),
    [
        ("image_file", "kept as image_file, not processed: the TOM's processor of photometry fails on it"),
        ("", "set unprocessed_type under [tom]"),
        ("hologram", "as hologram it is not kept either (400 data_product_type: Not a valid data_product_type"),
    ],
)
def test_a_file_that_the_tom_can_not_process_is_kept_or_it_is_said_what_to_do(kept_as, says, alpha, beta):
    _targets(beta)
    beta.mapping["tom"]["unprocessed_type"] = kept_as
    alpha.publish(product(b"no light curve", filename="broken.csv"))
    beta.drain()
    (entry,) = beta.entries()
    assert says in str(entry.detail)
    kept = [row["path"].read_bytes() for row in beta.tom.products()]
    is_kept = kept_as == "image_file"
    assert (entry.outcome, kept) == ((Outcome.APPLIED, [b"no light curve"]) if is_kept else (Outcome.DEAD, []))
