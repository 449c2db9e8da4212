"""The pages of the app, asked for as a browser would: who asks, and what there is to see."""

import html
import re
from typing import Any

from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_tom import InProcessTom
from parts.shares import SUPERNOVA, photometry, product


def account(name: str, *rights: str, **given: Any) -> Any:
    """Return an account with permissions of the bridge (``share``, ``manage``)."""
    from django.contrib.auth.models import Permission, User

    user = User.objects.create_user(name, f"{name}@example.org", "x", **given)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="tom_bridge", codename__in=rights))
    return User.objects.get(pk=user.pk)


def browser(user: Any = None) -> Any:
    """Return Django's client, which checks CSRF as the TOM does, logged in as ``user`` where one is given."""
    from django.test import Client

    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def page(client: Any, path: str, status: int = 200) -> str:
    """Return the text of a page."""
    answer = client.get(path)
    assert answer.status_code == status, answer.content[:2000]
    return str(answer.content.decode())


def refused(answer: Any) -> bool:
    """Return whether a request was refused: TOM Toolkit makes a 403 the way to log in as somebody else."""
    return answer.status_code == 302 and answer.url.startswith("/accounts/login/")


def post(client: Any, path: str, **given: Any) -> Any:
    """Send a form and return the page to which it leads."""
    return client.post(path, given, follow=True)


def press(client: Any, path: str, **given: Any) -> Any:
    """Send a form of sharing, look at the review, and share; return the page to which it leads."""
    review = client.post(path, given)
    assert review.status_code == 200, told(review)
    return post(client, path, **given, reviewed=token(review))


def token(review: Any) -> str:
    """Return what the review of a share is told by."""
    found = re.search(r'name="reviewed" value="(\w+)"', review.content.decode())
    assert found is not None
    return found[1]


def told(answer: Any) -> str:
    """Return the messages of a page, as text."""
    found = re.findall(r'<div class="alert[^>]*>(.*?)</div>', answer.content.decode(), re.DOTALL)
    return html.unescape(" ".join(re.sub(r"<[^>]*>", "", " ".join(found)).split()))


def ambiguous(tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess, **given: Any) -> tuple[int, int]:
    """Park photometry that two targets match, and return their keys."""
    first = tom.make_target("SN 2024abc", ra=10.0, dec=20.0, **given)
    # TOM Toolkit refuses a second target of that name; two transactions side by side make one all the same.
    second = tom.make_target("Other", ra=50.0, dec=-5.0, **given)
    rename(second, "SN2024ABC")
    alpha.publish(photometry(3))
    beta.drain()
    return first, second


def rename(pk: int, name: str) -> None:
    """Give a target a name past all validation."""
    from tom_targets.models import BaseTarget

    BaseTarget.objects.filter(pk=pk).update(name=name)


def elsewhere(tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess, **given: Any) -> int:
    """Park photometry whose target is 36 arcsec from ours, and return the key of ours."""
    pk = tom.make_target("SN 2024abc", ra=10.0, dec=20.01, **given)
    alpha.publish(photometry(2))
    beta.drain()
    return pk


def dead_letters(alpha: Publishing, beta: SubscribedInProcess) -> list[int]:
    """Let two events die (bytes that are no event, a file that the TOM refuses), and return the ids."""
    from bridge.tomtoolkit.models import Dead

    alpha.publish_bytes(b"\x00<script>alert(1)</script>" + bytes(range(256)))
    alpha.publish(SUPERNOVA, product(data_product_type="no_such_type"))
    beta.drain()
    return list(Dead.objects.order_by("pk").values_list("pk", flat=True))
