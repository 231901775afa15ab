"""What Prometheus' own tools say of our metrics, of every query of the dashboards and of the rules: nothing."""

import json

import pytest

from app.scrapes import text_of
from app.test_metrics import every_metric_used
from dashboards.check import queries, selectors
from dashboards.rules import ALERTS, RECORDED
from dashboards.write import texts
from ground import prometheus


@pytest.mark.ground
def test_promtool_has_nothing_to_say_about_our_metrics() -> None:
    prometheus.check_metrics(text_of(every_metric_used()))


@pytest.mark.ground
def test_prometheus_reads_every_query_with_the_features_that_it_has_by_default() -> None:
    boards = [json.loads(text) for text in texts().values()]
    asked = [each.standing for board in boards for each in queries(board)]
    values = [selector for board in boards for selector in selectors(board)]
    rules = [*RECORDED.values(), *(alert.expr for alert in ALERTS)]
    assert min(len(asked), len(values), len(rules)) > 5
    prometheus.check_queries(*asked, *values, *rules)


@pytest.mark.ground
@pytest.mark.parametrize(
    "query", ['up{job="a" or job="b"}', "info(up)", "limitk(3, up)", "limit_ratio(0.5, up)", "sum(up", "$up"]
)
def test_a_query_that_needs_more_than_that_is_refused(query: str) -> None:
    with pytest.raises(prometheus.PromtoolError, match="query:1"):
        prometheus.check_queries("up", query)


@pytest.mark.ground
def test_texts_in_back_quotes_are_read() -> None:
    prometheus.check_queries(r"up{job=~`berth\.\d+`}")
