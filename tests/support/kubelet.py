"""A ConfigMap or Secret volume as the kubelet keeps it: every file a symlink through `..data`.

An update writes a new folder and swaps `..data` by a rename, so that all files change at once:
https://pkg.go.dev/k8s.io/kubernetes/pkg/volume/util#AtomicWriter
"""

import itertools
import shutil
from collections.abc import Mapping
from pathlib import Path

_VERSIONS = itertools.count(1)


def publish(volume: Path, files: Mapping[str, str], mode: int = 0o644) -> None:
    """Write a version of the volume; the one before it is removed.

    Args:
        volume: where it is mounted.
        files: all of them, by name.
        mode: of each; for a Secret with an `fsGroup` 0440.
    """
    volume.mkdir(exist_ok=True)
    version = volume / f"..2026_11_20_12_00_00.{next(_VERSIONS)}"
    version.mkdir()
    for name, text in files.items():
        (version / name).write_text(text)
        (version / name).chmod(mode)
        if not (volume / name).is_symlink():
            (volume / name).symlink_to(f"..data/{name}")
    data = volume / "..data"
    old = data.resolve() if data.is_symlink() else None
    (volume / "..data_tmp").symlink_to(version.name)
    (volume / "..data_tmp").replace(data)
    if old is not None:
        shutil.rmtree(old)
