"""`idp work` of a sandbox whose messages leave by HTTP: made-up people, and the gateways as production wires them.

A sandbox itself reaches nobody, and no production server opens its database; so this process stands between the two.
"""

from dataclasses import replace
from threading import Event

from idp import worker
from idp.cli.house import house
from idp.demo.children import Stop, stop_on_signals
from idp.wiring import gateways, wall_clock


def main() -> None:
    """Until it is told to stop."""
    with house() as here:
        stop = Event()
        stop_on_signals()
        ports = replace(here.ports, sms=gateways(here.settings, here.sessions, wall_clock))
        try:
            worker.run(worker.Worker(here.settings, here.sessions, here.rings, ports, wall_clock), stop)
        except Stop:
            stop.set()


if __name__ == "__main__":
    main()
