"""Certificates for tests, made by openssl."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Certificates:
    """A CA, and a key for ``localhost`` that it has signed."""

    ca: Path
    key: Path
    certificate: Path

    def in_one_file(self) -> Path:
        """Return key and chain in one file."""
        path = self.key.with_name("keystore.pem")
        path.write_text(self.key.read_text() + self.certificate.read_text() + self.ca.read_text())
        return path


def make_certificates(folder: Path) -> Certificates:
    """Make them in ``folder``; skip the test where there is no openssl."""
    made = Certificates(folder / "ca.pem", folder / "server.key", folder / "server.pem")
    ca_key, request, extensions = folder / "ca.key", folder / "server.csr", folder / "extensions"
    extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n")
    new = ("req", "-newkey", "rsa:2048", "-nodes")
    signs = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")  # from Python 3.13 on a CA has to say so
    _openssl(*new, "-x509", "-days", "2", "-subj", "/CN=Test CA", *signs, "-keyout", ca_key, "-out", made.ca)
    _openssl(*new, "-subj", "/CN=localhost", "-keyout", made.key, "-out", request)
    signed = ("-CA", made.ca, "-CAkey", ca_key, "-CAcreateserial", "-extfile", extensions)
    _openssl("x509", "-req", "-days", "2", "-in", request, *signed, "-out", made.certificate)
    return made


def _openssl(*arguments: str | Path) -> None:
    program = shutil.which("openssl")
    if program is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("needs openssl, which makes certificates")
    subprocess.run([str(program), *map(str, arguments)], check=True, capture_output=True, timeout=60)
