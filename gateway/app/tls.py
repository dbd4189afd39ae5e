"""TLS on both sides: the listener's certificate, and whom to trust as S3."""

import ssl
from pathlib import Path


class ServerTls:
    """The listener's certificate, re-read when its files change: new connections get the new one.

    Args:
        certificate: chain, PEM.
        key: private key, PEM; None where it is in the certificate's file.

    Raises:
        OSError: the files cannot be read or do not belong together (`ssl.SSLError` is one).
    """

    def __init__(self, certificate: Path, key: Path | None) -> None:
        self._files = (certificate, key or certificate)
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._stamps: tuple[object, ...] = ()
        self.reload()

    def changed(self) -> tuple[object, ...]:
        """What the files look like, by two stat calls; empty where the last load saw the same."""
        try:
            stamps = self._seen()
        except OSError:
            return ()  # in the middle of being replaced: look again at the next poll
        return () if stamps == self._stamps else stamps

    def reload(self) -> None:
        """Load the files again; what was loaded stays where that fails.

        Raises:
            OSError: see the class.
        """
        self._stamps = self._seen()  # a bad pair is reported once, not at every poll
        probe = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            probe.load_cert_chain(*self._files)  # a context that took half of a pair would be lost
        except ssl.SSLError as fault:
            names = " and ".join(dict.fromkeys(map(str, self._files)))
            what = "no certificate with its key (PEM)"
            raise OSError(f"tls_certificate, tls_key: {names}: {what}: {fault}") from fault
        self.context.load_cert_chain(*self._files)

    def _seen(self) -> tuple[object, ...]:
        stats = [file.stat() for file in self._files]
        return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats)


def upstream_trust(ca_file: Path | None) -> ssl.SSLContext:
    """Verify S3's certificate and name, against a CA bundle or the system's.

    Raises:
        OSError: the bundle cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except ssl.SSLError as fault:
        what = f"{ca_file}: no certificates (PEM): {fault}"
        raise OSError(f"upstream_ca_file: {what}") from fault
    except OSError as fault:  # which names no file
        raise OSError(fault.errno, f"upstream_ca_file: {fault.strerror}", str(ca_file)) from fault
