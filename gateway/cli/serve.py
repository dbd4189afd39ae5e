"""`inventory-gateway serve`: run until SIGTERM or SIGINT; SIGHUP reads everything again."""

import asyncio
import gc
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
import uvloop

from gateway.app.journal import place_of
from gateway.app.settings import Settings
from gateway.app.wiring import running
from gateway.cli.failure import told_plainly

_STOPPING = (signal.SIGTERM, signal.SIGINT)
_STOPPED: Final = "inventory-gateway: stopping"
#: New objects before the collector looks at them.
_YOUNG_OBJECTS = 20_000


def serve(
    config: Annotated[
        Path | None, typer.Option(help="Settings file; default gateway.yaml, if there is one.")
    ] = None,
    *,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that share the port, each its own loop.")
    ] = 1,
    loop: Annotated[Literal["uvloop", "asyncio"], typer.Option(help="Event loop.")] = "uvloop",
) -> None:
    """Run the gateway."""
    with told_plainly():
        settings = Settings.load(config)
        if workers > 1 and 0 in {settings.listen_port, settings.admin_port}:
            raise typer.BadParameter(
                "several workers need a listen_port and an admin_port to share"
            )
        shared = _fork(workers) if workers > 1 else None
        factory = uvloop.new_event_loop if loop == "uvloop" else asyncio.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(_serve(settings, shared, partial(Settings.load, config)))


#: The command by itself, without the rest of the command line.
alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
alone.command()(serve)


async def _serve(settings: Settings, shared: Path | None, load: Callable[[], Settings]) -> None:
    """Run until a signal comes. During the start, which may wait for others, it ends at once."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - narrows the type
    _on_signals(loop, task.cancel)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)  # everything is being read just now
    try:
        async with running(settings, shared=shared, load=load) as gateway:
            _on_signals(loop, stop.set)
            loop.add_signal_handler(signal.SIGHUP, gateway.reread)
            gc.freeze()  # what is here stays; to search it again would stop every stream for 60 ms
            gc.set_threshold(_YOUNG_OBJECTS)  # requests make next to no cycles: look less often
            print(  # stdout belongs to the log
                f"inventory-gateway: listening on {gateway.url}, upstream "
                f"{settings.upstream_endpoint}, policy {gateway.revision}, journal "
                f"{place_of(settings)}, admin {gateway.admin_url}",
                file=sys.stderr,
                flush=True,
            )
            await stop.wait()
            print(_STOPPED, file=sys.stderr, flush=True)
    except asyncio.CancelledError:
        print(_STOPPED, file=sys.stderr, flush=True)


def _on_signals(loop: asyncio.AbstractEventLoop, act: Callable[[], object]) -> None:
    for number in _STOPPING:
        loop.add_signal_handler(number, act)


def _fork(workers: int) -> Path:
    """Fork; return, in each worker, a folder that is theirs alone.

    Raises:
        typer.Exit: in the parent, once all have ended; see `_become_worker`.
    """
    parent, folder = os.getpid(), Path(tempfile.mkdtemp(prefix="inventory-gateway-"))
    try:
        _become_worker(workers)
    finally:
        if os.getpid() == parent:
            shutil.rmtree(folder, ignore_errors=True)
    return folder


def _become_worker(workers: int) -> None:
    """Fork, and return in each worker; the parent waits here until all have ended.

    A worker that ends by itself takes the others with it: whoever supervises the process then
    restarts a whole gateway, instead of watching half of one.

    Raises:
        typer.Exit: in the parent, with the status of the first worker that failed.
    """
    pids = []
    for _ in range(workers):
        pid = os.fork()
        if pid == 0:
            return
        pids.append(pid)

    def stop(*_: object) -> None:
        while pids_to_stop:  # once each: a second signal would cut the draining short
            os.kill(pids_to_stop.pop(), signal.SIGTERM)

    def reread(*_: object) -> None:
        for pid in pids_to_stop:
            os.kill(pid, signal.SIGHUP)

    pids_to_stop = list(pids)
    signal.signal(signal.SIGHUP, reread)
    for number in _STOPPING:
        signal.signal(number, stop)
    first = 0  # those that follow were told to end
    for _ in pids:
        ended, status = os.wait()
        if ended in pids_to_stop:
            pids_to_stop.remove(ended)
        first = first or os.waitstatus_to_exitcode(status)
        stop()
    raise typer.Exit(abs(first))
