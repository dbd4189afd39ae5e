"""`inventory-gateway demo`: the whole story in a minute, told by a real boto3 client."""

import asyncio
import copy
import secrets
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.adapters.credentials_aws import StaticUpstreamCredentials
from gateway.adapters.decision_log import StructlogEventLog
from gateway.adapters.principals_file import append_principal, mint_key_pair
from gateway.app.settings import Settings
from gateway.app.wiring import Gateway, now, running
from gateway.cli.failure import told_plainly
from gateway.core.sigv4.credential import Credential
from gateway.emulator import EmulatedBucket, Emulator

_REGION: Final = "eu-central-1"
_ACCOUNT: Final = "111122223333"
_SOURCE: Final = "acme-orders"
_BUCKETS: Final = (
    EmulatedBucket(name=_SOURCE, region=_REGION, owner=_ACCOUNT),
    EmulatedBucket(name="acme-inventory", region=_REGION, owner=_ACCOUNT),
    EmulatedBucket(name="acme-inventory-us", region="us-east-1", owner=_ACCOUNT),
)
_GOOD: Final[Mapping[str, Any]] = {
    "Id": "daily",
    "IsEnabled": True,
    "IncludedObjectVersions": "Current",
    "Schedule": {"Frequency": "Daily"},
    "OptionalFields": ["Size", "LastModifiedDate", "StorageClass"],
    "Destination": {
        "S3BucketDestination": {
            "AccountId": _ACCOUNT,
            "Bucket": "arn:aws:s3:::acme-inventory",
            "Format": "Parquet",
            "Prefix": "inventory",
            "Encryption": {"SSES3": {}},
        }
    },
}


@dataclass(frozen=True, slots=True)
class Step:
    """One call of the tour.

    Args:
        title: what the developer tries.
        changes: to the good configuration's destination; None removes a member.
        refused_by: the rules that must refuse it; empty where it must be allowed.
    """

    title: str
    changes: Mapping[str, object]
    refused_by: tuple[str, ...] = ()

    def configuration(self) -> dict[str, Any]:
        """The configuration as boto3 takes it."""
        shape = copy.deepcopy(dict(_GOOD))
        destination = shape["Destination"]["S3BucketDestination"]
        for name, value in self.changes.items():
            if value is None:
                del destination[name]
            else:
                destination[name] = value
        return shape


TOUR: Final = (
    Step("a report without encryption", {"Encryption": None}, ("INV001",)),
    Step(
        "a report to another Region",
        {"Bucket": "arn:aws:s3:::acme-inventory-us"},
        ("INV015",),
    ),
    Step("a report without AccountId", {"AccountId": None}, ("INV010",)),
    Step("a report with all three right", {}),
)


def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="End after the tour; exit 0 only if all went as told.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the gateway; 0 takes a free one.")
    ] = 0,
) -> None:
    """Start an S3 emulator and a gateway, and show real calls being allowed and refused."""
    if find_spec("boto3") is None:
        words = "the demo's client is boto3, an extra: in a clone, pip install '.[demo]'"
        typer.echo(f"inventory-gateway: {words}", err=True)
        raise typer.Exit(2)
    with told_plainly(), tempfile.TemporaryDirectory(prefix="inventory-gateway-") as folder:
        surprises = asyncio.run(_demo(Path(folder), port, once=once))
    raise typer.Exit(1 if surprises else 0)


async def _demo(folder: Path, port: int, *, once: bool) -> int:
    console = Console()
    client = mint_key_pair(secrets.token_bytes)
    async with _stage(folder, port, client) as gateway:
        console.print(f"gateway on [bold]{gateway.url}[/bold], in front of an S3 emulator")
        console.print(f"its admin listener: {gateway.admin_url}\n")
        surprises = await asyncio.to_thread(_tour, console, gateway.url, client)
        if once:
            return surprises
        _print_recipes(console, gateway, client, folder)
        await _until_stopped()
        return surprises


@asynccontextmanager
async def _stage(folder: Path, port: int, client: Credential) -> AsyncIterator[Gateway]:
    """The emulator, and the gateway in front of it with one principal."""
    upstream = mint_key_pair(secrets.token_bytes)
    emulator = Emulator(_BUCKETS, {upstream.access_key_id: upstream.secret_access_key})
    principals = folder / "principals.yaml"
    append_principal(principals, "demo-developer", client, ["acme-*"])
    async with emulator:
        settings = Settings(
            listen_port=port,
            admin_port=0,
            upstream_endpoint=emulator.url,
            principals_file=principals,
            journal_path=folder / "journal.db",
        )
        with (folder / "gateway.log").open("wb") as stream:
            async with running(
                settings,
                credentials=StaticUpstreamCredentials(upstream),
                log=StructlogEventLog(now, stream=stream),
            ) as gateway:
                yield gateway


def _tour(console: Console, url: str, client: Credential) -> int:
    """Make the calls; return how many did not end as told."""
    import boto3  # noqa: PLC0415 - an extra: only the demo needs it
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import ClientError  # noqa: PLC0415

    s3 = boto3.client(
        "s3",
        endpoint_url=url,
        region_name=_REGION,
        aws_access_key_id=client.access_key_id,
        aws_secret_access_key=client.secret_access_key,
        config=Config(s3={"addressing_style": "path"}),
    )
    table = Table("boto3 puts", "answer", title="put_bucket_inventory_configuration")
    table.add_column("reason", overflow="fold")  # whole decision ids, to copy
    surprises = 0
    for step in TOUR:
        code, reason = "204", "policy allows it; S3 has it; the decision is in the journal"
        try:
            s3.put_bucket_inventory_configuration(
                Bucket=_SOURCE, Id="daily", InventoryConfiguration=step.configuration()
            )
        except ClientError as error:
            code, reason = error.response["Error"]["Code"], error.response["Error"]["Message"]
        expected = "AccessDenied" if step.refused_by else "204"
        as_told = code == expected and all(f"[{rule}]" in reason for rule in step.refused_by)
        surprises += not as_told
        colour = "green" if code == "204" else "red"
        mark = "" if as_told else "  (not as told!)"
        table.add_row(step.title, Text(code + mark, colour), Text(reason))
        table.add_section()
    console.print(table)
    found = s3.list_bucket_inventory_configurations(Bucket=_SOURCE)
    ids = [item["Id"] for item in found.get("InventoryConfigurationList", [])]
    surprises += ids != ["daily"]
    console.print(f"\nlist_bucket_inventory_configurations, through the gateway: {ids}")
    s3.close()
    return surprises


def _print_recipes(console: Console, gateway: Gateway, client: Credential, folder: Path) -> None:
    """What to paste into another terminal."""
    recipe: Callable[[str, str], None] = lambda title, text: console.print(  # noqa: E731
        f"\n[bold]{title}[/bold]\n{text}", highlight=False, soft_wrap=True
    )
    recipe(
        "Now try it yourself. In another terminal:",
        f"export AWS_ACCESS_KEY_ID={client.access_key_id}\n"
        f"export AWS_SECRET_ACCESS_KEY={client.secret_access_key}\n"
        f"export AWS_REGION={_REGION} AWS_ENDPOINT_URL_S3={gateway.url}",
    )
    recipe(
        "AWS CLI",
        f"aws s3api list-bucket-inventory-configurations --endpoint-url {gateway.url} "
        f"--region {_REGION} --bucket {_SOURCE}",
    )
    recipe(
        "boto3",
        'python -c \'import boto3; print(boto3.client("s3", region_name="'
        f'{_REGION}").get_bucket_inventory_configuration(Bucket="{_SOURCE}", Id="daily"))\'',
    )
    recipe(
        "Node (npm install @aws-sdk/client-s3)",
        'node -e \'const {S3} = require("@aws-sdk/client-s3"); '
        "new S3({forcePathStyle: true}).deleteBucketInventoryConfiguration("
        f'{{Bucket: "{_SOURCE}", Id: "daily"}}).then(console.log, console.error)\'',
    )
    recipe("All of it in your browser, with a playground", f"{gateway.admin_url}/")
    recipe(
        "The record",
        f"inventory-gateway decisions list --journal {folder / 'journal.db'}\n"
        f"tail -f {folder / 'gateway.log'}",
    )
    console.print("\nCtrl-C ends the demo and removes all of it.")


async def _until_stopped() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
