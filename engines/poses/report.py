"""What finding poses leaves behind for people and scripts; docs/report.md describes every field."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

from engines.events import Event, Failed, Finished, Posed
from engines.poses.engine import PosesEngine
from engines.report import SCHEMA, Status, finite, peak_memory_mb, versions


def report_of(engine: PosesEngine) -> dict[str, Any]:
    """The report on the latest run as strict JSON values; what is unknown is null."""
    photos, outcome = engine.photos, engine.outcome
    status, message = _ending(engine)
    posed = next((event for event in reversed(engine.history) if isinstance(event, Posed)), None)
    return finite(
        {
            "schema": SCHEMA,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "status": status,
            "message": message,
            "data": {
                "name": engine.name,
                "photos": len(photos.views) if photos else None,
                "left_out": sorted(photos.left_out) if photos else [],
            },
            "registered": posed.registered if posed else 0,
            "total": len(outcome.photos) if outcome else None,
            "points": outcome.points if outcome else None,
            "error_px": {
                "matched": outcome.error_px if outcome else None,
                "full": outcome.error_full_px if outcome else None,
            },
            "models": [len(model) for model in outcome.models] if outcome else [],
            "unregistered": sorted(set(outcome.photos) - outcome.registered) if outcome else [],
            "lenses": [dataclasses.asdict(lens) for lens in outcome.lenses] if outcome else [],
            "steps_down": list(outcome.steps_down) if outcome else [],
            "seconds": engine.seconds,
            "phases": dict(engine.phase_seconds),
            "peak_memory_mb": {"program": peak_memory_mb(), "child": engine.child_memory_mb},
            "diagnosis": {
                stage: engine.diagnoses[stage].to_json() if stage in engine.diagnoses else None
                for stage in ("photos", "poses")
            },
            "folder": str(engine.folder) if engine.folder else None,
            "versions": versions(),
            "settings": dataclasses.asdict(engine.config),
            "history": [event.to_json() for event in engine.history],
        }
    )


def _ending(engine: PosesEngine) -> tuple[Status, str]:
    last: Event | None = engine.history[-1] if engine.history else None
    match last:
        case Finished(reason=words):
            return "finished", words
        case Failed(message=words):
            return "failed", words
    return "stopped", f"stopped with {engine.step} photos placed"
