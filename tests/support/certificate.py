"""A certificate for 127.0.0.1 that vouches for itself, made anew wherever one is needed."""

import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files in PEM.

    Args:
        certificate: it, which is also whom its clients trust.
        key: its private key.
        both: the two in one file, as HAProxy wants them.
    """

    certificate: Path
    key: Path
    both: Path

    def trusted(self) -> ssl.SSLContext:
        """What a client needs to check it."""
        return ssl.create_default_context(cafile=str(self.certificate))


def make(folder: Path, name: str = "tls", *, hosts: Sequence[str] = ()) -> Certificate:
    """Write the files, valid from yesterday to tomorrow, with a key on P-256.

    Args:
        folder: for the files.
        name: of the files, and of whom it is about.
        hosts: names that it holds for, beside 127.0.0.1.
    """
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    names += [x509.DNSName(host) for host in hosts]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    public = made.public_bytes(pem)
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files = Certificate(*(folder / f"{name}.{kind}" for kind in ("crt", "key", "pem")))
    files.certificate.write_bytes(public)
    for path, data in ((files.key, private), (files.both, public + private)):
        path.touch(mode=0o600)
        path.write_bytes(data)
    return files


def make_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate, and its key."""
    files = make(folder, name)
    return files.certificate, files.key
