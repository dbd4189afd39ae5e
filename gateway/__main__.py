"""The console script. `health` goes by itself, in a tenth of a second, and `serve`, to be lean."""

import sys

from gateway import health


def main() -> None:
    """Entry point of the console script."""
    match sys.argv[1:]:
        case ["health"]:
            _end(health.trouble(health.URL))
        case ["health", url] if not url.startswith("-"):
            _end(health.trouble(url))
        case ["serve", *options]:
            # Alone: what other commands import would be in its memory for as long as it runs.
            from gateway.cli.serve import alone  # noqa: PLC0415

            alone(options, prog_name="inventory-gateway serve")
        case _:
            from gateway.cli.commands import app  # noqa: PLC0415 - a health check would pay for it

            app()


def _end(trouble: str) -> None:
    if trouble:
        print(f"inventory-gateway: {trouble}", file=sys.stderr)  # noqa: T201 - a command line
    sys.exit(1 if trouble else 0)


if __name__ == "__main__":
    main()
