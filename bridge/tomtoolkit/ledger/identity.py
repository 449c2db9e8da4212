"""Whose a ledger in the TOM's database is."""

from uuid import UUID

from bridge.errors import IdentityError
from bridge.tomtoolkit import models
from bridge.tomtoolkit.database import translating, writing


class DjangoIdentity:
    """The row that says which installation this TOM is; made where there is none."""

    def __init__(self, using: str) -> None:
        self._using = using
        with translating(using):
            row = models.Installation.objects.using(using).first()
        if row is None:
            with writing(using):
                row, _ = models.Installation.objects.using(using).get_or_create(one=1)
        self.installation: UUID = row.installation

    def bind(self, tom_identity: str) -> None:
        """Tie the ledger to a TOM at the first call; raise IdentityError where it is tied to another."""
        rows = models.Installation.objects.using(self._using)
        with translating(self._using):
            found = rows.get().tom_identity
        if found is None:
            with writing(self._using):
                rows.filter(tom_identity=None).update(tom_identity=tom_identity)
                found = rows.get().tom_identity
        if found != tom_identity:
            raise IdentityError(
                f"this ledger belongs to the TOM {found}, not to {tom_identity}",
                where=f"database {self._using!r}",
                mend="Give each TOM a database of its own",
            )

    def installations(self) -> frozenset[UUID]:
        """Return this installation and those that were accepted as former ones of this TOM."""
        with translating(self._using):
            former = models.Former.objects.using(self._using).values_list("installation", flat=True)
            return frozenset((self.installation, *former))

    def accept_installation(self, installation: UUID) -> None:
        """Take ``installation`` for a former one of this TOM."""
        with writing(self._using):
            models.Former.objects.using(self._using).get_or_create(installation=installation)

    def _own(self) -> models.Installation:
        """Return the row as it is now. Raises IdentityError where it is not the one that this process began with."""
        row = models.Installation.objects.using(self._using).first()
        if row is None or row.installation != self.installation:
            now = "there is none any more" if row is None else f"it is of installation {row.installation} now"
            raise IdentityError(
                f"the ledger is not the one of installation {self.installation} that this process began with: {now}."
                " The TOM's database was emptied (manage.py flush) or replaced meanwhile",
                where=f"database {self._using!r}",
                mend="Put a backup of it back, or start again with it as it is; then what this TOM published before is"
                f" its own again by: tom-bridge identity accept {self.installation}",
            )
        return row
