"""`inventory-gateway emulator`: a small S3 in memory, to try the gateway against."""

import asyncio
import signal
from typing import Annotated

import typer

from gateway.cli.failure import told_plainly
from gateway.emulator import EmulatedBucket, Emulator


def emulator(
    access_key_id: Annotated[
        str, typer.Option(envvar="AWS_ACCESS_KEY_ID", help="The one that it takes: any name.")
    ],
    secret_access_key: Annotated[
        str, typer.Option(envvar="AWS_SECRET_ACCESS_KEY", help="Its secret: any text.")
    ],
    bucket: Annotated[
        list[str],
        typer.Option(help="name:region:owner (an account id); may be given several times."),
    ],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 9100,
) -> None:
    """Run the emulator: strict about signatures, forgetful about everything else."""
    buckets = [_bucket(text) for text in bucket]
    with told_plainly():
        asyncio.run(_run(Emulator(buckets, {access_key_id: secret_access_key}), host, port))


def _bucket(text: str) -> EmulatedBucket:
    parts = text.split(":")
    if len(parts) != 3:  # noqa: PLR2004 - the three of the help text
        raise typer.BadParameter(f"{text!r} is not name:region:owner")
    return EmulatedBucket(name=parts[0], region=parts[1], owner=parts[2])


async def _run(server: Emulator, host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await server.start(host=host, port=port)
    try:
        typer.echo(f"emulator: listening on {server.url}", err=True)
        await stop.wait()
    finally:
        await server.stop()
