"""The text of a scrape is what promtool takes, without a word of complaint."""

import pytest

from app.scrapes import text_of
from app.test_metrics import every_metric_used
from ground import prometheus


@pytest.mark.ground
def test_promtool_has_nothing_to_say_about_our_metrics() -> None:
    prometheus.check_metrics(text_of(every_metric_used()))
