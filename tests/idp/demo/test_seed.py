"""What the sandbox starts with is enough to walk every way that the pages show."""

from sqlalchemy import func, select

from idp.demo import seed, supervisor
from idp.demo.folder import Folder, Ports
from idp.directory.models import StaffAssignment
from idp.settings import Settings
from idp.wiring import wire
from tests.fakes import Clock


def test_there_are_two_data_protection_officers_because_telling_people_of_a_breach_takes_two(tmp_path):
    """PDPA s.37(4): whoever tries it in the sandbox gets to the end; each has an invitation of their own."""
    folder, ports, clock = Folder(tmp_path / "sandbox"), Ports(8710, 8711, 8712), Clock()
    folder.prepare()
    url = f"sqlite:///{tmp_path / 'demo.db'}"
    settings = Settings(issuer="http://localhost:8710", database_url=url, kek_file=folder.kek_file, sandbox=True)

    seeded = supervisor.prepare(folder, settings, ports, clock=clock)

    sessions, _ = wire(settings, clock=clock)
    officers = select(func.count(StaffAssignment.subject_id.distinct())).where(StaffAssignment.role == "dpo")
    with sessions.reading() as session:
        assert session.scalar(officers) == 2
    sessions.engine.dispose()
    assert len({seed.INVITED["dpo"], seed.INVITED["second_dpo"]}) == 2
    assert {"dpo", "second_dpo"} <= seeded.invitations.keys()
