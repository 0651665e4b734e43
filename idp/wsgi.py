"""What granian serves: the web application, built from the environment in each worker process."""

import json
import os
from pathlib import Path
from typing import Any

from idp.app import create_app, wall_clock, wire
from idp.settings import Settings
from idp.web.gate import Tour

TOUR_VARIABLE = "YINYOM_DEMO_TOUR"  # a JSON file that `idp demo` writes


def tour_of_the_demo() -> Tour | None:
    """People and services that the sandbox's start page names, when `idp demo` started us."""
    path = os.environ.get(TOUR_VARIABLE)
    if not path:
        return None
    told = json.loads(Path(path).read_text(encoding="utf-8"))
    return Tour(people=tuple(told["people"]), services=tuple(told["services"]), staff=tuple(told["staff"]))


nothing: dict[str, Any] = {}
settings = Settings(**nothing)
sessions, ports = wire(settings, clock=wall_clock)
app = create_app(settings, sessions=sessions, clock=wall_clock, ports=ports, tour=tour_of_the_demo())
