"""A run's heartbeat, sent as Metaflow's sidecar of native runs sends it."""

from __future__ import annotations

from collections.abc import Callable


def run_heartbeat(flow_name: str, run_id: str) -> Callable[[], float | None]:
    """What sends a heartbeat, and returns the seconds to the next one; None: not accepted.

    Its address is that of ``ServiceMetadataProvider`` (url_run_template in
    plugins/metadata_providers/service.py).
    """
    from metaflow import metaflow_config
    from metaflow.metadata_provider import heartbeat

    from . import part

    service = part(metaflow_config, "SERVICE_URL")
    beat = part(heartbeat, "MetadataHeartBeat")()
    beat.hb_url = f"{str(service).rstrip('/')}/flows/{flow_name}/runs/{run_id}/heartbeat"
    send = part(beat, "_heartbeat")

    def send_one() -> float | None:
        try:
            # Without a pause of its own it is the sidecar's default.
            return send() or beat.default_frequency_secs
        except Exception:  # whatever it is, the run goes on
            return None

    return send_one
