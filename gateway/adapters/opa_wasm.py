"""The embedded policy engine: the shipped Rego, compiled to WebAssembly, run by wasmtime.

Nothing here decides. The engine hands out the raw answer of the entrypoint, or raises
`PolicyUnavailable`; reading the answer strictly is the work of `gateway.core.policy`.

WebAssembly becomes machine code in a process of its own: the compiler would leave 20 MiB in this
one that are never used again.
"""

import asyncio
import ctypes
import gzip
import io
import json
import logging
import os
import re
import stat
import subprocess
import sys
import tarfile
import threading
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Final, Self

import opapywasm.policy
import orjson
from opapywasm import (
    UNDEFINED,
    OpaEvaluationError,
    OpaInvalidPolicyError,
    OpaMemoryError,
    OpaWasmError,
    OpaWasmPolicy,
    PolicyConfig,
)
from opapywasm.instance import OpaPolicyInstance
from opapywasm.runtime import EpochTicker, WasmtimeRuntimeFactory
from wasmtime import Config, Engine, Module, Trap, WasmtimeError

from gateway.core.errors import PolicyUnavailable
from gateway.core.policy.catalog import Catalog
from gateway.core.ports import PolicyAnswer

ENTRYPOINT = "inventory/main/decision"
REPEATS: Final = "inventory.repeats/1"
#: Rules that ship; an organisation's have a prefix of their own.
_OURS: Final = re.compile(r"INV[0-9]{3}", re.ASCII)

#: Of the bundle, in records; an OPA server is free to call its bundles otherwise.
_NAME = "inventory"
_MAX_UNPACKED = 32 * 1024 * 1024
_MAX_INPUT = 512 * 1024
_USUAL_INPUT = 16 * 1024
_MAX_ANSWER = 256 * 1024
_MEMBERS = frozenset({"policy.wasm", "data.json", ".manifest"})

# The library guesses the module's first memory and warns whenever the guess was too small.
logging.getLogger("opapywasm.runtime").setLevel(logging.ERROR)

#: The cheapest question: a removal, about which most rules have nothing to say.
_WARM_UP = b'{"action":"s3:DeleteInventoryConfiguration"}'

#: Deadlines need the interruption; code that was compiled with another configuration is refused.
_COMPILER: Final = """
import sys, wasmtime
config = wasmtime.Config()
config.epoch_interruption = True
module = wasmtime.Module(wasmtime.Engine(config), sys.stdin.buffer.read())
sys.stdout.buffer.write(module.serialize())
"""
_COMPILER_SECONDS: Final = 60.0


class PolicyBundleError(ValueError):
    """The bundle cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class PolicyBundle:
    """What `opa build --target wasm` wrote: the module, its data, and the digest of its sources.

    `repeats`: whether the bundle promises `inventory.repeats/1`, see `policies/README.md`. Where it
    has a rule that is not one of ours, the promise is nobody's, whatever the manifest says.
    """

    wasm: bytes
    data: Mapping[str, Any]
    revision: str
    repeats: bool = False

    @property
    def catalog(self) -> Mapping[str, Any]:
        """The catalogue's entries, raw; `read` has seen that they are there."""
        entries: Mapping[str, Any] = _catalog(self.data)
        return entries

    @classmethod
    def shipped(cls) -> Self:
        """Read the bundle that comes with the gateway."""
        return cls.read(resources.files("gateway.bundle").joinpath("inventory.tar.gz").read_bytes())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a bundle of an organisation's own, built on the rules that ship.

        Raises:
            PolicyBundleError: it cannot be read, everybody may write it, or rules are missing.
        """
        try:
            # O_NONBLOCK: opening a FIFO must not hang.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    raise PolicyBundleError(f"{path}: not a regular file")
                if status.st_mode & stat.S_IWOTH:  # whoever may write it decides
                    mode = stat.S_IMODE(status.st_mode)
                    raise PolicyBundleError(f"{path}: mode {mode:04o} lets everybody write")
                archive = file.read(_MAX_UNPACKED + 1)
        except OSError as fault:
            raise PolicyBundleError(f"{path}: {fault.strerror}") from fault
        try:
            bundle = cls.read(archive)
        except PolicyBundleError as fault:
            raise PolicyBundleError(f"{path}: {fault}") from fault
        missing = sorted(set(cls.shipped().catalog) - set(bundle.catalog))
        if missing:
            raise PolicyBundleError(
                f"{path} lacks {', '.join(missing)}; build it anew with this version of the gateway"
            )
        return bundle

    @classmethod
    def read(cls, archive: bytes) -> Self:
        """Read a bundle's archive.

        Raises:
            PolicyBundleError: when it is damaged, incomplete, or larger than any sane bundle.
        """
        try:
            members = _unpack(archive)
            wasm = members["policy.wasm"]
            data = json.loads(members["data.json"])
            manifest = json.loads(members[".manifest"])
        except KeyError as fault:
            raise PolicyBundleError(f"The policy bundle has no member {fault}.") from fault
        except (OSError, EOFError, zlib.error, tarfile.TarError, ValueError) as fault:
            raise PolicyBundleError(f"The policy bundle is damaged: {fault}") from fault
        revision = manifest.get("revision") if isinstance(manifest, dict) else None
        if not isinstance(revision, str) or not revision:
            raise PolicyBundleError("The policy bundle's manifest names no revision.")
        if not isinstance(data, dict) or not isinstance(_catalog(data), dict):
            raise PolicyBundleError("The policy bundle has no catalogue (data.inventory.catalog).")
        metadata = manifest.get("metadata")
        promised = metadata.get("repeats") if isinstance(metadata, dict) else None
        ours = all(_OURS.fullmatch(rule_id) for rule_id in _catalog(data))
        return cls(wasm, data, revision, ours and promised == REPEATS)


class WasmPolicyEngine:
    """Evaluates documents off the event loop, one WebAssembly instance per thread.

    A policy that runs past its deadline is stopped inside the engine; the instance that trapped is
    thrown away and rebuilt, so that no decision inherits a broken heap.

    Args:
        bundle: module and data; its settings apply while the organisation has written none.
        org: the organisation's settings (`data.org`), replacing those of the bundle as a whole.
        threads: how many decisions run at the same time.
        timeout: seconds that one evaluation may take; kept to about 50 ms.
        patience: seconds that a decision may take altogether, most of it waiting for its turn.
        max_memory_pages: what one instance may allocate, in pages of 64 KiB.

    Raises:
        PolicyBundleError: when module, data or settings do not make a working engine.
    """

    name: ClassVar[str] = "wasm"

    def __init__(
        self,
        bundle: PolicyBundle,
        *,
        org: Mapping[str, Any] | None = None,
        threads: int = 2,
        timeout: float = 0.25,
        patience: float = 5.0,
        max_memory_pages: int = 1024,
    ) -> None:
        self._bundle = bundle
        self._patience = patience
        try:
            self._catalog = Catalog.from_data(_catalog(bundle.data))
        except ValueError as fault:
            raise PolicyBundleError(f"The policy bundle's {fault}.") from fault
        config = PolicyConfig(
            pool_size=threads,
            default_entrypoint=ENTRYPOINT,
            eval_timeout_seconds=timeout,
            max_memory_pages=max_memory_pages,
            max_input_bytes=_MAX_INPUT,
            max_result_bytes=_MAX_ANSWER,
            max_cstring_scan_bytes=_MAX_ANSWER + 1,
            parse_raw_json_input=False,  # orjson has just written it
        )
        data = dict(bundle.data) if org is None else {**bundle.data, "org": org}
        try:
            self._policy = OpaWasmPolicy.from_wasm_bytes(bundle.wasm, config)
        except OpaWasmError as fault:
            raise PolicyBundleError(f"The policy module cannot be used: {fault}") from fault
        try:
            self._policy.set_data(_json(data))
            # An engine that cannot answer at all is found at the start, not by the first request.
            self._policy.evaluate(_WARM_UP)
        except (OpaWasmError, TypeError) as fault:
            self._policy.close()
            raise PolicyBundleError(f"The policy data cannot be used: {fault}") from fault
        self._provenance = {"bundles": {_NAME: {"revision": bundle.revision}}}
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="policy")

    @property
    def revision(self) -> str:
        """The digest of the policy sources that the bundle was built from."""
        return self._bundle.revision

    @property
    def catalog(self) -> Catalog:
        """Every rule that must have run, with its texts."""
        return self._catalog

    async def evaluate(self, document: Mapping[str, Any]) -> PolicyAnswer:
        """Ask for the decision on one input document.

        Raises:
            PolicyUnavailable: when there is no answer, for whatever reason.
        """
        try:
            question = _json(document)
        except TypeError as fault:
            raise PolicyUnavailable("engine_error", detail=f"input: {fault}") from fault
        if len(question) > _MAX_INPUT:
            raise PolicyUnavailable("engine_oversize", detail=f"input: {len(question)} bytes")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._patience):
                answer = await loop.run_in_executor(self._threads, self._policy.evaluate, question)
        except Exception as fault:
            raise PolicyUnavailable(_reason(fault), detail=str(fault)) from fault
        if answer is UNDEFINED:
            raise PolicyUnavailable("engine_undefined", detail=f"{ENTRYPOINT} has no value")
        if not isinstance(answer, dict):
            raise PolicyUnavailable("engine_wrong_type", detail=type(answer).__name__)
        return PolicyAnswer(answer, self._catalog, self._provenance)

    async def close(self) -> None:
        """Let the evaluations under way end (the deadline bounds them), then free the instances."""
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._policy.close)


class _CompiledElsewhere(WasmtimeRuntimeFactory):
    """What makes the instances, but for the compiler, which runs and ends in another process.

    Machine code is taken from nobody else: it comes through a pipe from a child of our own, not
    from a file that another could have written.
    """

    def __init__(self, wasm_bytes: bytes, *, max_memory_pages: int | None = None) -> None:
        config = Config()
        config.epoch_interruption = True
        self._max_memory_pages = max_memory_pages
        self._engine = Engine(config)
        self._epoch = _Ticker(self._engine)
        try:
            self._module = Module.deserialize(self._engine, _compiled(wasm_bytes))
        except WasmtimeError as fault:
            raise OpaInvalidPolicyError(str(fault)) from fault
        self._validate_required_env_imports()


class _Ticker(EpochTicker):
    """Counts the time that deadlines are set in, for as long as there may be one that runs.

    The library's wakes up a hundred times a second in every worker, asked or not.
    """

    tick_seconds = 0.05

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._armed = threading.Event()
        self._most = 0  # ticks of any deadline

    def deadline_ticks(self, seconds: float) -> int:
        """One more than fit in: the first tick comes at any moment."""
        ticks: int = super().deadline_ticks(seconds) + 1
        self._most = max(self._most, ticks)
        return ticks

    def armed(self) -> None:
        """A deadline was set just now: see that its time passes."""
        if not self._armed.is_set():
            self._armed.set()

    def close(self) -> None:
        """End, also where nothing is to be counted."""
        self._stop.set()
        self._armed.set()
        super().close()

    def _run(self) -> None:
        while self._armed.wait() and not self._stop.is_set():
            # What is armed from here on asks for another round; what was before ends in this one.
            self._armed.clear()
            for _ in range(self._most):
                if self._stop.wait(self.tick_seconds):
                    return
                self._engine.increment_epoch()


class _Instance(OpaPolicyInstance):
    """An instance that is called once for a question, where the library calls it five times.

    `opa_eval` resets the heap by itself and takes the question wherever it stands: here always at
    the same place, below the heap (https://www.openpolicyagent.org/docs/wasm, `opa_eval`).
    """

    def __init__(self, *args: Any, epoch: _Ticker, **kwargs: Any) -> None:
        super().__init__(*args, epoch=epoch, **kwargs)
        self._epoch = epoch
        self._ticks = epoch.deadline_ticks(self._config.eval_timeout_seconds or 0.0)
        self._eval = self._runtime.get_func("opa_eval")
        # wasmtime asks for the types with every call anew, which takes half of its time.
        types = self._eval.type(self._runtime.store)
        known: Any = SimpleNamespace(params=types.params, results=types.results)
        self._eval.type = lambda _: known  # type: ignore[assignment,method-assign]
        self._reserve(_USUAL_INPUT)

    def reload_data(self, data: Any, data_version: int) -> None:
        """Other data: what stands above it has its place elsewhere."""
        self._poisoned = True  # until it has: the old place may lie in the middle of the new data
        super().reload_data(data, data_version)
        self._reserve(_USUAL_INPUT)
        self._poisoned = False

    def evaluate(self, input_value: Any, entrypoint_id: int) -> Any:
        """The result set.

        Args:
            input_value: JSON as bytes, at most `max_input_bytes`.
            entrypoint_id: of the module.

        Raises:
            OpaWasmError: there is none; the pool throws the instance away.
        """
        runtime = self._runtime
        self._poisoned = True  # until it has come to its end
        runtime.set_epoch_deadline(self._ticks)
        self._epoch.armed()
        try:
            if len(input_value) > self._room:
                self._reserve(len(input_value))
            memory = ctypes.addressof(runtime.memory.data_ptr(runtime.store).contents)
            ctypes.memmove(memory + self._place, input_value, len(input_value))
            question = (self._data.data_addr, self._place, len(input_value))
            answer = self._eval(runtime.store, 0, entrypoint_id, *question, self._heap, 0)
        except (Trap, WasmtimeError) as fault:
            raise OpaEvaluationError(f"the evaluation failed: {fault}") from fault
        found = self._codec.read_json_cstring(answer, limit=self._config.max_result_bytes)
        runtime.clear_epoch_deadline()
        self._poisoned = False
        return found

    def _reserve(self, size: int) -> None:
        """Make room for questions up to this size, between the data and the heap."""
        self._data.reset_heap_to_checkpoint()
        self._place, self._room = self._abi.opa_malloc(size), size
        self._heap = self._abi.opa_heap_ptr_get()


# They cannot be passed in.
opapywasm.policy.WasmtimeRuntimeFactory = _CompiledElsewhere  # type: ignore[attr-defined]
opapywasm.policy.OpaPolicyInstance = _Instance  # type: ignore[assignment,attr-defined]


def _compiled(wasm: bytes) -> bytes:
    """The module as machine code of this machine.

    Raises:
        OpaInvalidPolicyError: it is no module, or the compiler cannot run.
    """
    try:
        compiler = subprocess.run(  # noqa: S603 - ourselves; -P: never a module of the working directory
            [sys.executable, "-P", "-c", _COMPILER],
            input=wasm,
            capture_output=True,
            timeout=_COMPILER_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as fault:
        words: list[str] = fault.stderr.decode(errors="replace").splitlines()
        raise OpaInvalidPolicyError(words[-1] if words else "the compiler died") from fault
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise OpaInvalidPolicyError(f"the compiler does not run: {fault}") from fault
    return compiler.stdout


def _reason(fault: Exception) -> str:
    """Name the fault for records and metrics."""
    trap = getattr(getattr(fault.__cause__, "trap_code", None), "name", "")
    if isinstance(fault, TimeoutError) or trap == "INTERRUPT":
        return "engine_timeout"
    return "engine_oversize" if isinstance(fault, OpaMemoryError) else "engine_error"


def _json(document: Mapping[str, Any]) -> bytes:
    """Serialise; orjson refuses what JSON cannot carry, such as a lone surrogate."""
    return orjson.dumps(document, default=_plain)


def _plain(value: object) -> object:
    """Open up read-only mappings, which orjson does not know."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _catalog(data: Mapping[str, Any]) -> Any:
    inventory = data.get("inventory")
    return inventory.get("catalog") if isinstance(inventory, dict) else None


def _unpack(archive: bytes) -> dict[str, bytes]:
    """Read the three members that matter, each exactly once, under a cap."""
    with gzip.GzipFile(fileobj=io.BytesIO(archive)) as packed:
        plain = packed.read(_MAX_UNPACKED + 1)
    if len(plain) > _MAX_UNPACKED:
        raise ValueError(f"more than {_MAX_UNPACKED} bytes unpacked")
    members: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as tar:
        for member in tar:
            name = member.name.removeprefix("/")
            file = tar.extractfile(member) if name in _MEMBERS else None
            if file is None:
                continue
            if name in members:
                raise ValueError(f"two members {name}")
            members[name] = file.read()
    return members
