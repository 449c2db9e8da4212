"""The forms of sharing: all that can be ticked is a field, so that it survives an error and a review."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils import timezone

from bridge.tomtoolkit.pages import words
from bridge.tomtoolkit.pages.offered import KINDS_OF_DATUMS
from bridge.tomtoolkit.pages.starting import Subject, anothers, in_words
from bridge.tomtoolkit.rows.bodies import KINDS


class ShareForm(forms.Form):
    """Where to share, and what to say of it; ``user`` and ``subject`` are who shares, and what."""

    topic = forms.ChoiceField(help_text="All who subscribe to the topic receive it.")
    title = forms.CharField(max_length=500, required=False)
    message = forms.CharField(
        max_length=10_000, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="For the people who receive it.",
    )  # fmt: skip
    by_itself = forms.BooleanField(
        required=False, label="From now on, share what is new by itself",
        help_text="It can be switched off under Bridge, Self-sharing.",
    )  # fmt: skip
    expires = forms.DateField(
        required=False, label="Until", widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Empty: until it is switched off.",
    )  # fmt: skip
    kinds = forms.MultipleChoiceField(
        required=False,
        label="Only these kinds",
        choices=[(str(kind), words.name(kind)) for kind in KINDS],
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: all of them.",
    )
    take_over = forms.BooleanField(
        required=False, label="In place of what somebody else has started",
        help_text="Only where it shares itself to that topic already.",
    )  # fmt: skip

    def __init__(self, *given: Any, topics: Sequence[str], user: Any, subject: Subject, **named: Any) -> None:
        super().__init__(*given, **named)
        self.fields["topic"].choices = [(topic, topic) for topic in topics]
        self._user = user
        self._subject = subject

    def clean_expires(self) -> Any:
        """Refuse a day that is over."""
        day = self.cleaned_data["expires"]
        if day is not None and day < timezone.localdate():
            raise forms.ValidationError("This day is over; choose a later one.")
        return day

    def clean(self) -> Any:
        """Refuse to take the place of somebody else's self-share without being asked."""
        given = super().clean()
        if given.get("by_itself") and given.get("topic") and not given.get("take_over"):
            other = anothers(self._user, self._subject, given["topic"])
            if other is not None:
                self.add_error(
                    "take_over", f"It shares itself already: {in_words(other)}. Tick this to take its place."
                )
        return given


class TargetForm(ShareForm):
    """What goes of one target; nothing but the target itself is ticked at first."""

    target = forms.BooleanField(required=False, initial=True)
    datums = forms.MultipleChoiceField(required=False, initial=())
    product = forms.MultipleChoiceField(required=False, initial=())

    def __init__(self, *given: Any, products: Sequence[Any], **named: Any) -> None:
        super().__init__(*given, **named)
        self.fields["datums"].choices = [(str(kind), words.name(kind)) for kind in KINDS_OF_DATUMS]
        self.fields["product"].choices = [(str(one.pk), str(one)) for one in products]

    def clean(self) -> Any:
        """Refuse what is nothing."""
        given = super().clean()
        if not any(given.get(name) for name in ("target", "datums", "product", "by_itself")) and not self.errors:
            self.add_error(None, "Tick what is to be shared.")
        return given


class ListForm(ShareForm):
    """What goes with a target list; nothing is ticked at first."""

    with_targets = forms.BooleanField(required=False)
    with_data = forms.BooleanField(required=False)
