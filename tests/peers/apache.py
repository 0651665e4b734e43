"""An ordinary web site behind Apache with mod_auth_openidc: each service is a virtual host in front of one application.

The application knows no OpenID: it reads the claims from request headers, as applications behind Apache do.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.peers import tls
from tests.peers.world import Registered

MODULES = Path("/usr/lib/apache2/modules")
LOADED = (
    *("mpm_event", "authn_core", "authz_core", "authz_user", "socache_shmcb", "ssl", "proxy", "proxy_http"),
    "auth_openidc",
)
CALLBACK, BYE = "/signed-in", "/bye"
PACKAGE = "libapache2-mod-auth-openidc"


@dataclass(frozen=True)
class Host:
    """One virtual host: where it listens, who it is, and what its administrator added."""

    port: int
    service: Registered
    lines: Sequence[str] = ()

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://127.0.0.1:{self.port}"


def redirect(port: int) -> str:
    """The redirect URI of the virtual host on this port."""
    return f"https://127.0.0.1:{port}{CALLBACK}"


def command(folder: Path, authority: tls.Authority, issuer: str, application: str, hosts: Sequence[Host]) -> list[str]:
    """Apache in the foreground, as a direct child."""
    assert (MODULES / "mod_auth_openidc.so").is_file(), f"mod_auth_openidc is missing: apt-get install {PACKAGE}"
    folder.mkdir()
    as_root = ["User www-data", "Group www-data"] if os.geteuid() == 0 else []
    lines = [
        f"ServerRoot {folder}",
        *("ServerName localhost", f"PidFile {folder}/httpd.pid", f"DefaultRuntimeDir {folder}"),
        *(f"ErrorLog {folder}/error.log", "LogLevel warn"),
        *(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED),
        *as_root,
        f"SSLCertificateFile {authority.certificate}",
        f"SSLCertificateKeyFile {authority.key}",
        f"OIDCCABundlePath {authority.bundle}",
        "OIDCCryptoPassphrase of-a-site-that-lives-for-one-run",
        *(f"Listen 127.0.0.1:{host.port}" for host in hosts),
        *(line for host in hosts for line in virtual(host, issuer, application)),
    ]
    config = folder / "httpd.conf"
    config.write_text("\n".join(lines) + "\n", encoding="ascii")
    return [tls.program("apache2", "apache2"), "-f", str(config), "-D", "FOREGROUND"]


def virtual(host: Host, issuer: str, application: str) -> list[str]:
    """The lines of one virtual host; what needs no line has the module's own default."""
    return [
        f"<VirtualHost 127.0.0.1:{host.port}>",
        "SSLEngine on",
        f"OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration",
        f"OIDCClientID {host.service.client_id}",
        f"OIDCRedirectURI {redirect(host.port)}",
        'OIDCScope "openid profile email offline_access"',
        *host.lines,
        f"OIDCDefaultLoggedOutURL {host.url}{BYE}",
        f"ProxyPass {CALLBACK} !",
        f"ProxyPass / {application}/",
        "<Location />",
        "AuthType openid-connect",
        "Require valid-user",
        "</Location>",
        "</VirtualHost>",
    ]
