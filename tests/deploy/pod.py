"""A rendered pod, its containers started as processes: the same commands, environment and mounts.

A container of the gateway's image runs in the sandbox of `tests.deploy.image`; one of another image
is a program of this machine, with the container's environment and no other.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.image import Image
from tests.deploy.manifests import Document, containers
from tests.deploy.network import Host
from tests.deploy.sandbox import Sandbox
from tests.support.kubelet import publish
from tests.support.opa_process import find_opa

_PATIENCE = 120
_OURS = "s3-inventory-gateway"
#: Where the program is in its image: https://hub.docker.com/r/openpolicyagent/opa
OPA = "/opa"


@dataclass(slots=True)
class Container:
    """A started one.

    Args:
        document: what was rendered.
        process: it, or bubblewrap around it.
        environment: what it was given.
        sandbox: to run more in its place; None for a program of this machine.
        log: what it says.
    """

    document: Document
    process: "subprocess.Popen[bytes]"
    environment: Mapping[str, str]
    sandbox: Sandbox | None
    log: Path

    def says(self, words: str) -> str:
        """Wait until these words are in its log; give all of it."""
        deadline = time.monotonic() + _PATIENCE
        while words not in (text := self.log.read_text()):
            assert self.process.poll() is None, text
            assert time.monotonic() < deadline, text
            time.sleep(0.1)
        return text


@dataclass(slots=True)
class Pod:
    """How to start one.

    Args:
        template: of a Deployment.
        objects: ConfigMaps and Secrets by kind and name: file names or variables, and values.
        image: of the gateway.
        host: whose network it has.
        folder: for its volumes.
        names: what its resolver knows.
    """

    template: Document
    objects: Mapping[tuple[str, str], Mapping[str, str]]
    image: Image
    host: Host
    folder: Path
    names: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def started(self) -> Iterator[dict[str, Container]]:
        """Start all containers in their order; native sidecars and probes as a kubelet would."""
        self.folder.mkdir()
        volumes = {volume["name"]: self._volume(volume) for volume in self._volumes()}
        found: dict[str, Container] = {}
        with ExitStack() as stack:
            for document in containers(self.template):
                container = self._start(document, volumes)
                found[document["name"]] = container
                stack.callback(_end, container.process)
                if document in self.template["spec"].get("initContainers", ()) and (
                    document.get("restartPolicy") != "Always"
                ):
                    status = container.process.wait(_PATIENCE)
                    assert status == 0, container.log.read_text()
                if "startupProbe" in document:
                    self.until(container, "startupProbe")
            yield found

    def probe(self, container: Container, name: str) -> "subprocess.CompletedProcess[str]":
        """Ask once, as the probe says: by the container's command, or over HTTP from outside."""
        probe = container.document[name]
        if "exec" in probe:
            assert container.sandbox is not None
            command = container.sandbox.as_user(probe["exec"]["command"])
        else:
            port = {item["name"]: item["containerPort"] for item in container.document["ports"]}
            path = probe["httpGet"]["path"]
            url = f"http://{self.host.address}:{port[probe['httpGet']['port']]}{path}"
            command = [sys.executable, "-m", "gateway", "health", url]
        return subprocess.run(
            self.host.inside(command), capture_output=True, text=True, check=False, timeout=60
        )

    def until(self, container: Container, name: str) -> None:
        """Wait until a probe is answered well."""
        deadline = time.monotonic() + _PATIENCE
        while (asked := self.probe(container, name)).returncode != 0:
            words = asked.stderr + container.log.read_text()
            assert container.process.poll() is None, words
            assert time.monotonic() < deadline, words

    def _start(self, document: Document, volumes: Mapping[str, Path]) -> Container:
        environment = dict(self._environment(document))
        words = [*document.get("command", ()), *document.get("args", ())]
        mounts = {item["mountPath"]: item for item in document.get("volumeMounts", ())}
        at = {path: volumes[item["name"]] for path, item in mounts.items()}
        writable = {path: at[path] for path, item in mounts.items() if not item.get("readOnly")}
        sandbox: Sandbox | None = None
        if document["name"] != "application":
            names = self.folder / "hosts"
            names.write_text("".join(f"{host} {name}\n" for name, host in self.names.items()))
            readable = {"/etc/hosts": names, **at}
            folder, entrypoint = "/", [] if "command" in document else [OPA]
            if _OURS in document["image"]:
                readable["/opt/gateway"] = self.image.folder / "opt/gateway"
                readable.setdefault("/var/lib/gateway", self.image.folder / "var/lib/gateway")
                folder = self.image.stage.only("WORKDIR").rest
                environment = {**self.image.stage.merged("ENV"), **_PATIENT, **environment}
                if "command" not in document:
                    entrypoint = self.image.stage.only("ENTRYPOINT").command
            else:
                readable[OPA] = Path(find_opa())
            readable = {path: own for path, own in readable.items() if path not in writable}
            sandbox = Sandbox(writable, readable, environment, folder)
            command = sandbox.as_user([*entrypoint, *words])
        else:
            command = words
        log = self.folder / f"{document['name']}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.host.inside(command),
                cwd=at.get(document.get("workingDir", "")),
                env={"PATH": f"{Path(sys.executable).parent}:{os.defpath}", **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return Container(document, process, environment, sandbox, log)

    def _environment(self, document: Document) -> Iterator[tuple[str, str]]:
        for source in document.get("envFrom", ()):
            (kind, reference), *_ = source.items()
            key = (_KINDS[kind], reference["name"])
            if key in self.objects or not reference.get("optional"):
                yield from self.objects[key].items()
        for item in document.get("env", ()):
            match item:
                case {"name": name, "value": value}:
                    yield name, value
                case {"name": name, "valueFrom": {"secretKeyRef": reference}}:
                    yield name, self.objects["Secret", reference["name"]][reference["key"]]
                case {"name": name, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}:
                    yield name, self.host.name

    def _volumes(self) -> Sequence[Document]:
        volumes: Sequence[Document] = self.template["spec"].get("volumes", ())
        return volumes

    def _volume(self, volume: Document) -> Path:
        """As the kubelet makes it: Secrets are root's, for the pod's group to read."""
        path = self.folder / str(volume["name"])
        path.mkdir(parents=True)
        group = self.template["spec"]["securityContext"]["fsGroup"]
        match volume:
            case {"emptyDir": _}:
                os.chown(path, 0, group)
                path.chmod(0o2777)
            case {"secret": {"secretName": name, "defaultMode": mode}}:
                publish(path, self.objects["Secret", name], mode)
                for file in path.glob("..data/*"):
                    os.chown(file, 0, group)
            case {"configMap": {"name": name}}:
                publish(path, self.objects["ConfigMap", name])
        return path


#: A shared machine is slow at times, and that is no failure.
_PATIENT = {"GATEWAY_POLICY_TIMEOUT_SECONDS": "30"}
_KINDS = {"configMapRef": "ConfigMap", "secretRef": "Secret"}


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait(timeout=60)
