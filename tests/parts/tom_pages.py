"""A person at the pages of a real TOM, over HTTP: logs in, fills in the forms of sharing, reads what the page says."""

import html
import re
from typing import Any

import requests
from parts.tom_site import ADMIN_PASSWORD
from parts.toms import Tom

_MESSAGE = re.compile(r'<div class="alert alert-(\w+)[^>]*>(.*?)</div>', re.DOTALL)


_WORDS = {"share_title": "t", "share_message": "Look at this"}


class Person:
    """Somebody with a browser; a visitor where not logged in."""

    def __init__(self, tom: Tom, destination: str) -> None:
        self._tom = tom
        self._destination = destination
        self._browser = requests.Session()

    def log_in(self) -> "Person":
        """Log in as the administrator."""
        page = f"{self._tom.base_url}/accounts/login/"
        self._browser.get(page, timeout=60)
        # django-allauth (3.1) calls the name "login".
        names = {"username": "admin", "login": "admin", "password": ADMIN_PASSWORD}
        answer = self._browser.post(page, data={**names, **self._csrf()}, allow_redirects=False, timeout=60)
        assert answer.status_code == 302, answer.text[:2000]
        return self

    def share_target(self, pk: int, *points: int, to: str = "") -> list[tuple[str, str]]:
        """Press *Share* on a target's page, with the points that are ticked; return what the page says."""
        return self._press(f"/targets/{pk}/share/", to, target=pk, **{"share-box": list(points)})

    def share_data(self, pk: int, *points: int, to: str = "") -> list[tuple[str, str]]:
        """Share the ticked points of a target, or all of its data where none is ticked."""
        return self._press(f"/dataproducts/target/{pk}/share/", to, target=pk, **{"share-box": list(points)})

    def share_product(self, pk: int, product: int, to: str = "") -> list[tuple[str, str]]:
        """Share a data product of a target."""
        return self._press(f"/dataproducts/data/{product}/share/", to, target=pk)

    def share_list(self, pk: int, *targets: int, with_data: bool = False) -> list[tuple[str, str]]:
        """Share targets of a list."""
        chosen: dict[str, Any] = {"target_list": pk, "selected-target": list(targets)}
        return self._press(
            f"/targets/targetgrouping/{pk}/share/", "", **chosen, **({"dataSwitch": "on"} if with_data else {})
        )

    def _press(self, path: str, to: str, **given: Any) -> list[tuple[str, str]]:
        form = {"share_destination": to or self._destination, "submitter": "admin", **_WORDS, **given}
        self._browser.get(self._tom.base_url + "/accounts/login/", timeout=60)  # for the cookie of the forms
        answer = self._browser.post(self._tom.base_url + path, data={**form, **self._csrf()}, timeout=120)
        assert answer.status_code == 200, f"{answer.status_code}: {self._tom.log.read_text()[-3000:]}"
        found = _MESSAGE.findall(answer.text)
        told = [
            (level, " ".join(html.unescape(re.sub("<[^>]*>", "", text)).replace("×", "").split()))
            for level, text in found
        ]
        return list(dict.fromkeys(told))  # 3.1 shows each at two places

    def _csrf(self) -> dict[str, str]:
        # A TOM may call its cookie otherwise.
        token = next((value for name, value in self._browser.cookies.items() if "csrf" in name), "")
        return {"csrfmiddlewaretoken": str(token)}
