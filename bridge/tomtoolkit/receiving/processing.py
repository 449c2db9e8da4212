"""A data product's hook and processor: the TOM's own code, called in a child process, and what its errors mean."""

from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, connection
from tom_common.hooks import run_hook
from tom_dataproducts.data_processor import run_data_processor
from tom_dataproducts.exceptions import InvalidFileFormatException
from tom_dataproducts.models import DataProduct as ProductModel

from bridge.budget import Budget
from bridge.errors import BridgeError, RejectedError, TomAwayError, TookTooMuchMemoryError
from bridge.tomtoolkit import children
from bridge.tomtoolkit.database import translating, words

_READERS = "tom_dataproducts.processors."
"""The modules of TOM Toolkit's own processors."""


@dataclass(frozen=True)
class _Work:
    product: int
    process: bool


@dataclass(frozen=True)
class _End:
    """How it ended, with the reason for people where that was not well."""

    unreadable: str = ""
    failed: str = ""
    took_too_much: bool = False
    away: str = ""


def process(product_pk: int, where: str, *, wanted: bool, limit_s: float, limit_bytes: int, budget: Budget) -> str:
    """Call the hook of a product and, where ``wanted``, its processor, in a child; return why the file can't be read.

    Empty where it was read, or need not be. What the processor made is committed then. Raises RejectedError where
    hook or processor fails, ends its process or takes too long, TookTooMuchMemoryError where it takes too much memory,
    TomAwayError, and BudgetSpentError at a stop.
    """
    work = [_Work(product_pk, wanted)]
    (answer,) = children.NURSERY.each(_run, work, limit_s=limit_s, limit_bytes=limit_bytes, budget=budget)
    end: _End = answer.value or _End(failed=answer.failure)
    if end.away:
        raise TomAwayError(end.away, where=where)
    if end.failed:
        raise (TookTooMuchMemoryError if end.took_too_much else RejectedError)(
            f"the TOM's data processor failed: it {end.failed}" if answer.failure else end.failed,
            where=where,
            mend="See which data processor DATA_PROCESSORS names for this type of product",
        )
    return end.unreadable


def has_processor(data_product_type: str) -> bool:
    """Return whether this TOM makes data of files of this type."""
    return data_product_type in getattr(settings, "DATA_PROCESSORS", {})


def _run(work: _Work) -> _End:
    """Run in the child."""
    row = ProductModel.objects.get(pk=work.product)
    reading = False
    try:
        with translating():
            run_hook("data_product_post_upload", row)
            if work.process:
                reading = True
                run_data_processor(row)
    except BridgeError as error:
        return _End(away=str(error))
    except BaseException as error:  # SystemExit too
        if reading and _is_unreadable(error):
            return _End(unreadable=words(error))
        who = "data processor" if reading else "hook data_product_post_upload"
        return _End(failed=f"the TOM's {who} failed: {words(error)}", took_too_much=isinstance(error, MemoryError))
    if connection.in_atomic_block or not connection.get_autocommit():
        return _End(failed="the TOM's data processor left a transaction open")
    return _End()


def _is_unreadable(error: BaseException) -> bool:
    """Return whether it is the file that this TOM's processor can't read, and not the processor that is broken.

    TOM Toolkit's own processors say so by an exception of theirs for a type of file that they don't know; within one
    that they do (a table without the header that they want), by whatever their library raises. A spectrum that is too
    long for an index of the TOM's database (SQLSTATE 54000) can't be kept either, nor one without a source (23502),
    as TOM Toolkit makes of a text that names no facility.
    """
    if isinstance(error, InvalidFileFormatException):
        return True
    if isinstance(error, DatabaseError):
        return str(getattr(error.__cause__, "sqlstate", "") or "").startswith(("54", "23502"))
    if isinstance(error, OSError) and error.errno is not None:
        return False
    if not isinstance(error, Exception) or isinstance(error, ImportError | MemoryError):
        return False
    return any(module.startswith(_READERS) for module in _modules(error))


def _modules(error: BaseException) -> list[str]:
    """Return the modules through which an error came."""
    found, at = [], error.__traceback__
    while at is not None:
        found.append(str(at.tb_frame.f_globals.get("__name__", "")))
        at = at.tb_next
    return found
