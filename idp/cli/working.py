"""`idp work`: everything that is not done while somebody waits. It may run alone, and several may run."""

from threading import Event

import click

from idp import metrics, observe, worker
from idp.cli.house import house
from idp.demo.children import Stop, stop_on_signals
from idp.wiring import wall_clock


@click.command()
def work() -> None:
    """Run the worker: resolve challenges, deliver messages and events, sweep what has expired."""
    with house() as here:
        observe.configure(here.settings.log_level)
        stop = Event()
        stop_on_signals()
        if here.settings.metrics_dir is not None:  # /metrics of the web processes tells the worker's events too
            metrics.listen(here.sessions, metrics.Counters(here.settings.metrics_dir))
        try:
            worker.run(worker.Worker(here.settings, here.sessions, here.rings, here.ports, wall_clock), stop)
        except Stop:
            stop.set()
