"""Django's filters for people, which a TOM may not have installed as an app."""

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma, naturaltime

register = template.Library()
register.filter("intcomma", intcomma)
register.filter("naturaltime", naturaltime)
