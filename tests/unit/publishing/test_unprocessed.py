"""Which files are told before they are shared, as no TOM Toolkit makes data of them."""

import gzip

import pytest
from parts.shares import LIGHT_CURVE, product

from bridge.publishing.unprocessed import unprocessed, warning

SPECTRUM = b"# FACILITY: NOT\nwavelength,flux\n4000,1.0\n"


@pytest.mark.parametrize(
    ("filename", "data_product_type", "content", "why"),
    [
        ("a.csv", "photometry", LIGHT_CURVE, ""),
        ("A.TXT", "photometry", LIGHT_CURVE, ""),
        ("a.csv.gz", "photometry", gzip.compress(LIGHT_CURVE, mtime=0), ""),
        ("a.dat", "photometry", LIGHT_CURVE, "reads .csv and .txt"),
        ("a.fits", "photometry", b"SIMPLE  =", "reads .csv and .txt"),
        ("a", "photometry", LIGHT_CURVE, "reads .csv and .txt"),
        ("a.csv", "photometry", b"mjd,mag\n1,2\n", "no column named time"),
        ("a.csv", "photometry", b"timestamp,mag\n1,2\n", "no column named time"),
        ("a.csv", "photometry", b"", "no column named time"),
        ("a.csv", "spectroscopy", SPECTRUM, ""),
        ("a.ascii", "spectroscopy", SPECTRUM, "reads .csv, .txt, .fits and .fz"),
        ("a.txt", "spectroscopy", b"4000 1.0\n", "no column named wavelength and none named flux"),
        ("a.txt", "spectroscopy", b"wavelength Flux\n4000 1.0\n", "no column named flux"),
        ("a.txt", "spectroscopy", b"wavelength flux\n4000 1.0\n", "no comment '# FACILITY: name'"),
        ("a.txt", "spectroscopy", SPECTRUM + b"#DATE-OBS: 2023-05-20T01:02:03\n", "has colons"),
        ("a.txt", "spectroscopy", SPECTRUM + b"#DATE-OBS: 2023-05-20\n", ""),
        ("a.fits", "spectroscopy", b"SIMPLE  =", ""),
        ("a.fits.gz", "spectroscopy", b"\x1f\x8b", ""),
        ("a.fits", "spectroscopy", b"no FITS", "no FITS file"),
        ("a.ascii", "image_file", b"", ""),
        ("a.ascii", "a type of their own", b"", ""),
    ],
)
def test_a_file_is_told_of_which_no_processor_makes_data(
    filename: str, data_product_type: str, content: bytes, why: str
) -> None:
    shared = product(content, filename=filename, data_product_type=data_product_type)
    assert why in unprocessed(shared)
    assert bool(unprocessed(shared)) == bool(why) == warning(shared).startswith(f"{filename} will be kept")
    whose_data_travel_too = shared.model_copy(update={"process": False})
    assert unprocessed(whose_data_travel_too) == ""
