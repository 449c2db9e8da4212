"""Guarantee 10: what the bridge wrote, or caused to be written, is never published back by the bridge."""

import json

import pytest
from parts.bridges import Publishing, Subscribed, holdings
from parts.shares import SUPERNOVA, one_of_each, photometry

from bridge.events import Share
from bridge.ledger.port import Outcome, Reason


def test_two_toms_that_share_with_each_other_come_to_rest(alpha, url, make_tom, tmp_path):
    beta = Subscribed(make_tom(3), url, tmp_path / "beta", origin="beta")
    gamma = Subscribed(make_tom(3, "second"), url, tmp_path / "gamma", origin="gamma")
    gamma.mapping["tom"]["display_name"] = "Gamma TOM"
    for tom in (beta.tom, gamma.tom):
        tom.make_target("SN 2024abc", aliases=["ZTF24xyz"])
    for turn in range(2):
        for one, day in ((beta, 1), (gamma, 2)):
            table = tmp_path / f"{day}.csv"
            table.write_text(f"mjd,mag,magerr,band\n{60000 + day + turn},18.5,0.1,r\n")
            run = one.run("publish", "photometry", "SN 2024abc", str(table), "--topic", one.topic)
            assert run.returncode == 0, run.stderr
        for one in (beta, gamma):
            one.drain()
    for one in (beta, gamma):
        assert [entry.reason for entry in one.entries(outcome=Outcome.IGNORED)] == [Reason.OURS] * 2
        assert len(one.tom.photometry()) == 2
        assert one.outcomes().count(Outcome.APPLIED) == 2
    assert beta.position() == gamma.position() == 4


def test_what_arrived_is_left_out_when_the_target_is_shared_with_its_data(alpha, beta):
    beta.mapping["publish"] = {"topic": beta.topic}
    alpha.publish(*one_of_each())
    beta.drain()
    published = beta.run("publish", "target", "SN 2024abc", "--with-data", "--json")
    told = published.stdout + published.stderr
    own = [record for record in alpha.records() if b"beta" in (record.key or b"")]
    assert own == [], told
    assert "left" in told


def test_what_is_ours_is_ignored_also_by_replay_and_restore(beta, url):
    with beta.open() as bridge:
        installation = bridge.ledger.installation
    own = Publishing(url)
    own.share = Share(origin="beta", origin_name="Beta TOM", installation=installation)
    own.publish(SUPERNOVA, photometry(2))
    own.close()
    before = holdings(beta.tom)
    beta.drain()
    assert beta.replay() == {"ignored": 2}
    assert beta.replay(restore=True) == {"ignored": 2}
    assert beta.outcomes() == [Outcome.IGNORED] * 2
    assert holdings(beta.tom) == before


@pytest.mark.parametrize("kind", ["photometry"])
def test_events_of_another_tom_that_are_published_again_keep_their_origin(kind, alpha, beta, tmp_path):
    """``tail`` into ``publish`` carries events on; it does not make them ours, and they count once."""
    beta.tom.make_target("SN 2024abc")
    alpha.publish(photometry(2))
    lines = beta.run("tail", beta.topic, "--json", "--from-offset", "0").stdout
    events = tmp_path / "events.jsonl"
    events.write_text(lines)
    assert [json.loads(line)["body"]["kind"] for line in lines.splitlines()] == [kind]
    assert beta.run("publish", "events", str(events), "--topic", beta.topic).returncode == 0
    beta.drain()
    assert beta.outcomes() == [Outcome.APPLIED, Outcome.DUPLICATE]
    assert {entry.origin for entry in beta.entries()} == {"alpha"}
