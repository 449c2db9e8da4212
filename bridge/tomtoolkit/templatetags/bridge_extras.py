"""Django's filters for people, which a TOM may not have installed as an app."""

from typing import Any

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma, naturaltime

register = template.Library()
register.filter("intcomma", intcomma)
register.filter("naturaltime", naturaltime)


@register.filter
def significant(value: Any) -> str:
    """Return a number with six significant digits, without what binary fractions add; None is empty."""
    return "" if value is None or value == "" else f"{float(value):.6g}"
