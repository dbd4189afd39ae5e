"""The console script. `health` goes by itself, in a tenth of a second, all else through the CLI."""

import sys

from gateway import health


def main() -> None:
    """Entry point of the console script."""
    match sys.argv[1:]:
        case ["health"]:
            _end(health.trouble(health.URL))
        case ["health", url] if not url.startswith("-"):
            _end(health.trouble(url))
        case _:
            from gateway.cli import app  # noqa: PLC0415 - a second that a health check would pay

            app()


def _end(trouble: str) -> None:
    if trouble:
        print(f"inventory-gateway: {trouble}", file=sys.stderr)  # noqa: T201 - a command line
    sys.exit(1 if trouble else 0)


if __name__ == "__main__":
    main()
