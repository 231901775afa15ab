"""How hard Hypothesis tries: HYPOTHESIS_PROFILE=ci for ten times the default."""

import os

from hypothesis import settings

settings.register_profile("quick", max_examples=200, deadline=None)
settings.register_profile("ci", max_examples=2000, deadline=None)
settings.load_profile("ci" if os.environ.get("HYPOTHESIS_PROFILE") == "ci" else "quick")
