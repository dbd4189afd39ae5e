"""The Dockerfile's promises: its own steps, run, and a container of what they made.

The base image is this machine's /usr. That the published image is bytewise the same from one build
to the next depends on the builder as well; the parts that are ours are compared.
"""

import io
import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deploy.dockerfile import ROOT, stages
from tests.deploy.image import Image, build
from tests.deploy.sandbox import USER, Sandbox
from tests.support.kubelet import publish

_PATIENCE = 120
_PRINCIPALS = """principals:
  - name: ana
    access_key_id: GWCLIENTEXAMPLE00001
    secret_access_key: client-secret-client-secret-0001
    buckets: ["acme-*"]
"""
#: Anonymous requests are refused, by a gateway that works.
_ASK = (
    "import http.client; c = http.client.HTTPConnection('127.0.0.1', 9000); "
    "c.request('GET', '/'); print(c.getresponse().status)"
)


@pytest.fixture
def container(image: Image, tmp_path: Path) -> Sandbox:
    """With the principals as Kubernetes mounts them for the image's user."""
    publish(tmp_path / "secret", {"principals.yaml": _PRINCIPALS}, mode=0o440)
    if os.geteuid() == 0:
        for path in (tmp_path / "secret").rglob("principals.yaml"):
            os.chown(path, 0, USER)
    tmp_path.chmod(0o755)
    return image.container(
        tmp_path / "state",
        {"/etc/gateway": tmp_path / "secret"},
        AWS_ACCESS_KEY_ID="AKIAUPSTREAM00000001",
        AWS_SECRET_ACCESS_KEY="upstream-secret-upstream-secret-01",
        AWS_EC2_METADATA_DISABLED="true",
        GATEWAY_UPSTREAM_ENDPOINT="http://127.0.0.1:9",
    )


@contextmanager
def started(image: Image, container: Sandbox) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run what the image runs; give the process, and the gateway's own id on this machine."""
    command = image.stage.only("ENTRYPOINT").command + image.stage.only("CMD").command
    with subprocess.Popen(
        container.as_user(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            assert "listening on http://127.0.0.1:9000" in line, line
            yield process, _innermost(process.pid)
        finally:
            process.kill()


def _innermost(pid: int) -> int:
    """Down the chain of bubblewrap's processes to the one that it started."""
    while True:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if not children or b"serve" not in Path(f"/proc/{children[0]}/cmdline").read_bytes():
            return pid
        pid = int(children[0])


def beside(pid: int, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command where a process is: its mounts and its network, as `docker exec` does."""
    enter = ["nsenter", f"--target={pid}", "--mount", "--net", "--pid"]
    if os.geteuid() == 0:
        enter += [f"--setuid={USER}", f"--setgid={USER}"]
    else:
        enter += ["--user", "--preserve-credentials"]
    return subprocess.run(
        [*enter, "--", *command], capture_output=True, text=True, check=False, timeout=_PATIENCE
    )


def test_it_serves_as_nobody_from_a_tree_that_it_cannot_write(image: Image, container: Sandbox):
    """No shell, no /tmp, a mounted secret; and it ends at the signal that engines send."""
    state = Path(container.writable["/var/lib/gateway"])
    with started(image, container) as (process, pid):
        status = Path(f"/proc/{pid}/status").read_text()
        assert re.search(rf"^Uid:\s+{USER}\s", status, re.MULTILINE) or os.geteuid() != 0
        assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
        assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
        asked = beside(pid, "/opt/gateway/bin/python", "-c", _ASK)
        assert (asked.stdout, asked.stderr) == ("403\n", "")
        check = stages()[-1].only("HEALTHCHECK").rest.partition("CMD ")[2]
        program, *arguments = json.loads(check)
        healthy = beside(pid, f"/opt/gateway/bin/{program}", *arguments)
        assert (healthy.returncode, healthy.stderr) == (0, "")
        assert {path.name.partition("-")[0] for path in state.iterdir()} == {"journal.db"}
        os.kill(pid, signal.SIGTERM)
        out, err = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 0
    assert err == "inventory-gateway: stopping\n"
    assert '"status":403' in out


@pytest.mark.parametrize("path", ["", "/opt/gateway", "/etc/gateway", "/usr", "/etc"])
def test_nothing_else_can_be_written(container: Sandbox, path: str):
    """The sandbox is what it claims to be: else the test above would say little."""
    write = f"open('{path}/x', 'w')"
    done = subprocess.run(
        container.as_user(["/opt/gateway/bin/python", "-c", write]),
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
    )
    assert f"Read-only file system: '{path}/x'" in done.stderr


def test_it_starts_without_a_shell(container: Sandbox):
    """Nor does anything in the image ask for one."""
    done = subprocess.run(
        container.as_user(["sh", "-c", "true"]), capture_output=True, check=False, timeout=_PATIENCE
    )
    assert done.returncode != 0
    for word in ("ENTRYPOINT", "CMD"):
        assert stages()[-1].only(word).rest.startswith("[")
    assert re.search(r"CMD \[", stages()[-1].only("HEALTHCHECK").rest)
    assert not stages()[-1].all("RUN")


def test_the_image_holds_the_gateway_and_nothing_of_its_tests(image: Image):
    """The wheel carries the policy in every form, what engines and editors ask for, included."""
    (wheel,) = image.wheels.glob("s3_inventory_gateway-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "gateway").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert {"gateway/bundle/inventory.tar.gz", "gateway/bundle/org.tar.gz"} <= shipped
    assert {name for name in names if ".dist-info/" not in name} == shipped
    assert list((image.folder / "opt/gateway").rglob("pip")) == []


def test_two_builds_give_the_same_wheel(tmp_path: Path):
    """SOURCE_DATE_EPOCH takes the place of the files' times."""
    built = []
    for name, time in (("one", 1_000_000_000), ("two", 1_500_000_000)):
        wheels = tmp_path / name
        sources = tmp_path / f"{name}-sources"
        _copied(sources, time)
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir",
             str(wheels), str(sources)],
            check=True, env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}, timeout=_PATIENCE,
        )  # fmt: skip
        (wheel,) = wheels.iterdir()
        built.append(wheel.read_bytes())
    assert built[0] == built[1]
    with zipfile.ZipFile(io.BytesIO(built[0])) as archive:
        assert {entry.date_time[:3] for entry in archive.infolist()} == {(2023, 11, 14)}


def _copied(target: Path, time: int) -> None:
    for name in ("pyproject.toml", "README.md", "LICENSE", "gateway"):
        source = ROOT / name
        files = [source] if source.is_file() else source.rglob("*")
        for path in files:
            if path.is_file() and path.suffix != ".pyc":
                copy = target / path.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(path.read_bytes())
                os.utime(copy, (time, time))


@pytest.mark.parametrize("argument", ["VERSION", "POLICY_REVISION"])
def test_a_label_that_lies_ends_the_build(tmp_path: Path, argument: str):
    """Version and policy are read off the image before it runs: they must be those inside."""
    with pytest.raises(subprocess.CalledProcessError):
        build(tmp_path / "image", **{argument: "9.9.9"})


def test_the_labels_are_those_of_the_sources():
    """`make image` passes what the check asks for."""
    done = subprocess.run(
        [sys.executable, "scripts/image.py"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    given = dict(re.findall(r"--build-arg (\w+)=(\S+)", done.stdout))
    assert set(given) <= set(stages()[1].merged("ARG"))
    assert given["SOURCE_DATE_EPOCH"].isdigit()
    check = [f"version={given['VERSION']}", f"policy={given['POLICY_REVISION']}"]
    subprocess.run(
        [sys.executable, "scripts/image.py", "--check", *check], cwd=ROOT, check=True, timeout=60
    )
    labels = " ".join(stages()[-1].merged("LABEL").values())
    assert "$VERSION" in labels
    assert "$POLICY_REVISION" in labels


def test_the_user_is_a_number() -> None:
    """Of no name that another base could give to root; Kubernetes checks `runAsNonRoot` by it."""
    assert stages()[-1].only("USER").rest == f"{USER}:{USER}"
    (copied,) = [item.rest for item in stages()[-1].all("COPY") if "/var/lib/gateway" in item.rest]
    assert f"--chown={USER}:{USER}" in copied


def test_every_stage_is_of_the_base_that_was_named():
    """A digest that is passed pins all of them."""
    bases = {stage.base for stage in stages()[1:]}
    assert bases == {"${PYTHON_IMAGE}${PYTHON_DIGEST:+@${PYTHON_DIGEST}}"}


def test_the_builder_sees_only_what_is_copied():
    """Keys, journals and environments of a working copy stay where they are."""
    first, *allowed = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if (line and line[0] not in "#*") or line == "*"
    ]
    copied = {
        source.split("/")[0]
        for item in stages()[1].all("COPY")
        for source in item.rest.split()[:-1]
    }
    assert (first, {line[1:] for line in allowed}) == ("*", copied)
