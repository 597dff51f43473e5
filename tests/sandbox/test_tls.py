"""The lab's certificate authority: made once, private, and good for a new certificate at every start."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

from cryptography import x509

from lab.sandbox.tls import Authority


def test_the_authority_stays_and_its_key_is_private(tmp_path: Path) -> None:
    first = Authority(tmp_path / "ca")
    certificate = first.bundle.read_bytes()
    again = Authority(tmp_path / "ca")
    assert again.bundle.read_bytes() == certificate
    assert stat.S_IMODE((tmp_path / "ca" / "ca.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "ca").stat().st_mode) == 0o700
    assert x509.load_pem_x509_certificate(certificate).subject.rfc4514_string().startswith("OU=sandbox authority")


def test_a_damaged_authority_is_replaced(tmp_path: Path) -> None:
    before = Authority(tmp_path).bundle.read_bytes()
    (tmp_path / "ca.key").write_text("damaged")
    after = Authority(tmp_path)
    assert after.bundle.read_bytes() != before
    after.server_context()


def test_a_lost_bundle_is_written_again(tmp_path: Path) -> None:
    bundle = Authority(tmp_path).bundle
    content = bundle.read_bytes()
    bundle.unlink()
    assert Authority(tmp_path).bundle.read_bytes() == content


def test_no_private_key_stays_on_disk_but_the_authority_s(tmp_path: Path) -> None:
    context = Authority(tmp_path).server_context()
    assert (context.minimum_version, context.maximum_version) == (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle.pem", "ca.key", "ca.pem"]
