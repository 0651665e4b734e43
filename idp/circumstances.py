"""What a decision asks of rooms that the package of consents has never heard of: one value, given to every question."""

from consent.family import links
from consent.questions import Rooms
from idp import visits
from idp.directory import roll_out

ROOMS = Rooms(visit_runs=visits.runs, capacity=links.capacity, place_open=roll_out.is_place_open)
