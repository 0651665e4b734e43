"""The sandbox's folder: secrets for one reader, ports with sentences, and nothing cleared that is not its own."""

import socket
import stat

import pytest

from idp.demo.folder import DEFAULT_PORTS, DemoError, Folder, free_port


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path / "sandbox")
    made.prepare()
    return made


def three(**changes):
    return {
        "port": free_port(),
        "portal_port": free_port(),
        "holder_port": free_port(),
        "clinic_port": free_port(),
        "thaid_port": free_port(),
        "line_port": free_port(),
        **changes,
    }


def test_keys_and_secrets_are_readable_by_their_owner_only(folder):
    """0600."""
    folder.secret("portal")

    for file in (folder.kek_file, folder.secret_file("portal")):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_second_start_keeps_key_and_secret(folder):
    """A second run keeps its data."""
    key, secret = folder.kek_file.read_text(), folder.secret("portal")

    folder.prepare()

    assert folder.kek_file.read_text() == key
    assert folder.secret("portal") == secret
    assert len(secret) >= 32


def test_a_folder_of_somebody_elses_is_neither_used_nor_cleared(tmp_path):
    """`--reset` clears only what it made."""
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(DemoError, match="--dir"):
        Folder(tmp_path).prepare()
    with pytest.raises(DemoError, match="nothing was removed"):
        Folder(tmp_path).reset()

    assert (tmp_path / "thesis.txt").exists()


def test_a_reset_clears_and_a_missing_folder_is_no_fault(folder, tmp_path):
    """Afresh."""
    folder.reset()
    Folder(tmp_path / "never").reset()

    assert not folder.path.exists()


def test_a_file_in_the_way_is_said_so(tmp_path):
    """One sentence."""
    (tmp_path / "sandbox").write_text("")

    with pytest.raises(DemoError, match="not a folder"):
        Folder(tmp_path / "sandbox").prepare()


def test_a_busy_port_names_itself_and_its_option(folder):
    """One clear sentence."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(DemoError, match=rf"Port {port} is in use; choose another with --portal-port"):
            folder.ports(three(portal_port=port))


def test_two_services_cannot_share_a_port(folder):
    """One clear sentence."""
    port = free_port()

    with pytest.raises(DemoError, match="must be different ports"):
        folder.ports(three(port=port, holder_port=port))


def test_zero_picks_a_free_port_and_the_next_run_keeps_it(folder):
    """The issuer hangs on the port: bookmarks and passkeys go on working."""
    first = folder.ports(dict.fromkeys(DEFAULT_PORTS, 0))

    assert folder.ports({"port": None, "portal_port": None, "holder_port": None}) == first


def test_a_broken_memory_of_ports_is_no_obstacle(folder):
    """Falls back to the defaults or what was asked."""
    (folder.path / "ports.json").write_text("{")
    asked = three()

    assert folder.ports(asked).port == asked["port"]


def test_two_sandboxes_never_share_a_folder(folder):
    """The second would move the first one's ports and addresses, or clear its data under it."""
    with folder.alone():
        with pytest.raises(DemoError, match="already runs"), folder.alone():
            pass
        with pytest.raises(DemoError, match="already runs"):
            folder.reset()

    with folder.alone():
        assert folder.kek_file.exists()
