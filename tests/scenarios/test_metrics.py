"""Who reads the metrics where they are secure: the API server says so, by the rights that the chart gives."""

import ssl
from pathlib import Path

import pytest
import urllib3

from ground.cluster import Cluster
from scenarios.monitoring import secured, token
from scenarios.process import Operator, free_port

pytestmark = pytest.mark.ground


def scraped(port: int, authorization: str = "") -> tuple[int, str]:
    """Return status and text of a scrape by HTTPS; the process has signed its certificate itself."""
    tls = ssl.create_default_context(cadata=ssl.get_server_certificate(("127.0.0.1", port)))
    tls.check_hostname = False
    pool = urllib3.PoolManager(ssl_context=tls, assert_hostname=False)
    headers = {"Authorization": authorization} if authorization else {}
    answer = pool.request("GET", f"https://127.0.0.1:{port}/metrics", headers=headers, retries=False)
    return answer.status, answer.data.decode()


def test_secure_metrics_are_for_those_whom_the_api_server_lets_get_them(
    cluster: Cluster, operator: Operator, tmp_path: Path
) -> None:
    reader, port = secured(cluster), free_port()
    settings = {"BERTH_METRICS_SECURE": "true", "BERTH_METRICS_PORT": str(port)}
    replica = Operator(cluster, tmp_path, **settings).start(leads=False)
    try:
        status, text = scraped(port, f"Bearer {reader}")
        assert status == 200
        assert 'berth_certificate_expiry_timestamp_seconds{certificate="metrics"}' in text
        assert 'code="201",host=' in text, "its own questions are counted as any request"
        assert scraped(port, f"Bearer {token(cluster, 'somebody')}")[0] == 403
        assert scraped(port, "Bearer made-up")[0] == 401
        assert scraped(port)[0] == 401
        assert replica._http("/metrics")[0] == 404, "the port of the probes does not tell them"
    finally:
        replica.stop()
