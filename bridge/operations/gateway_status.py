"""How the gateway is: what it took, what it refused and why, what was asked for in vain, and what waits."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bridge.operations.gateway import has_gateway, opened_store
from bridge.operations.outbox import told
from bridge.publishing.outbox_sqlite import Summary
from bridge.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How often one thing was done with what came from an account on a topic."""

    account: str
    topic: str
    what: str
    outcome: str
    """``taken``, ``known already``, ``came over the bridge`` or ``refused``."""
    reason: str
    number: int
    last_at: datetime


@dataclass(frozen=True, kw_only=True)
class Question:
    """A target that was asked for and never shared in full: its data were not taken."""

    account: str
    topic: str
    asked: str
    """Name and aliases as they came, joined by commas."""
    times: int
    last_at: datetime


@dataclass(frozen=True, kw_only=True)
class GatewayStatus:
    """How the gateway is."""

    address: str
    alive_at: datetime | None
    tallies: tuple[Tally, ...]
    questions: tuple[Question, ...]
    pending: int
    """Requests that were taken and are not made into events yet."""
    pending_since: datetime | None
    """When the oldest of them came."""
    outbox: Summary


def gateway_status(settings: Settings) -> GatewayStatus | None:
    """Return how the gateway is; None where there is none."""
    if not has_gateway(settings):
        return None
    with opened_store(settings) as store:
        service = store.told("SELECT address, alive_at FROM service")
        pending = store.told("SELECT count(*) AS number, min(at) AS since FROM pending")[0]
        return GatewayStatus(
            address=service[0]["address"] if service else "",
            alive_at=_moment(service[0]["alive_at"]) if service else None,
            tallies=tuple(
                Tally(**{**row, "last_at": _moment(row["last_at"])})
                for row in store.told("SELECT * FROM tally ORDER BY account, topic, what, outcome, reason")
            ),
            questions=tuple(
                Question(**{**row, "last_at": _moment(row["last_at"])})
                for row in store.told("SELECT * FROM question ORDER BY last_at DESC LIMIT 50")
            ),
            pending=pending["number"],
            pending_since=None if pending["since"] is None else _moment(pending["since"]),
            outbox=store.summary(),
        )


def gateway_problems(settings: Settings, stalled_s: float) -> list[str]:
    """Return what is wrong with the gateway, for people."""
    now = gateway_status(settings)
    if now is None:
        return []
    problems = []
    moment = datetime.now(UTC)
    out = now.outbox
    if out.oldest is not None and moment - out.oldest > timedelta(seconds=stalled_s):
        why = "; ".join(f"{topic}: {reason}" for topic, reason in out.waits_for.items())
        waits = f"{out.queued} events of the gateway wait to be sent since {out.oldest:%Y-%m-%d %H:%M} UTC"
        problems.append(f"{waits} ({why})" if why else waits)
    if now.pending and (now.alive_at is None or moment - now.alive_at > timedelta(seconds=max(stalled_s, 60.0))):
        problems.append(f"the gateway has taken {now.pending} requests and is not running: tom-bridge gateway")
    elif now.pending_since is not None and moment - now.pending_since > timedelta(seconds=max(stalled_s, 120.0)):
        since = f"{now.pending_since:%Y-%m-%d %H:%M} UTC"
        problems.append(f"the gateway has made no events of what it took since {since}: its log says why")
    if out.refused:
        problems.append(f"the stream has refused {out.refused} events of the gateway: see 'tom-bridge outbox list'")
    return [*problems, *told(out.unclear)]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
