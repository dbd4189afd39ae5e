"""The templates: names and values in, HTML out. Every value is escaped; none can hide."""

from functools import cache
from typing import TYPE_CHECKING, Final

from gateway.admin import wording
from gateway.admin.charts import bar, columns, strip
from gateway.admin.overview import LABELS, SERIES
from gateway.admin.svg import Element
from gateway.core.policy.input import DELETE_ACTION

if TYPE_CHECKING:
    from jinja2 import Environment

_PACKAGE: Final = "gateway.admin"


def render(template: str, **values: object) -> str:
    """Fill a template in.

    Args:
        template: its name, without `.html`.
        values: by the names that it uses; one that is missing is a bug, and raises.
    """
    return _environment().get_template(f"{template}.html").render(**values)


def stranger(value: str, limit: int = 200) -> Element:
    """A text of a stranger, isolated from the direction of what stands beside it."""
    return Element("bdi", (), (wording.visible(wording.cut(value, limit)),))


@cache
def _environment() -> "Environment":
    """Made when somebody first looks: a worker whose page nobody opens does not pay for it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "cut": wording.cut,
        "moment": wording.moment,
        "duration": wording.duration,
        "as_json": wording.as_json,
    }
    environment.globals |= {
        "bar": bar,
        "text": stranger,
        "columns": columns,
        "strip": strip,
        "series": SERIES,
        "labels": LABELS,
        "removal": DELETE_ACTION,
    }
    return environment


def _finalize(value: object) -> object:
    """Every expression of every template passes here before it is escaped."""
    if hasattr(value, "__html__") or not isinstance(value, str):
        return value
    return wording.visible(value)
