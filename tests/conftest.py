"""Settings for every test: how hard Hypothesis looks."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    max_examples=50,
    deadline=None,  # a shared machine is slow at times, and that is no failure
    derandomize="CI" in os.environ,
    # a strategy that is slow to warm up on a busy machine is no failure either
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", parent=settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
