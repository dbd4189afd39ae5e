"""Where a run took place."""

import pytest

from tests.benchmark.machine import processor


@pytest.mark.parametrize(
    ("cpuinfo", "cores", "expected"),
    [
        pytest.param(
            "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n\nprocessor\t: 1\n",
            2,
            "2 cores (Some CPU @ 2 GHz)",
            id="named",
        ),
        pytest.param("processor\t: 0\nBogoMIPS\t: 50\n", 1, "1 core", id="not named, as on ARM"),
    ],
)
def test_a_processor_is_named_where_it_says_its_name(
    cpuinfo: str, cores: int, expected: str
) -> None:
    """As /proc/cpuinfo has it."""
    assert processor(cpuinfo, cores) == expected
