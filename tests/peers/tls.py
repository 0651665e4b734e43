"""A throw-away certificate authority, and the TLS proxy that a server of production stands behind: nginx."""

import base64
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ROOT = Path(__file__).parents[2]
TRUSTED_BY = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")  # httpx, requests, Node


@dataclass(frozen=True)
class Authority:
    """An authority that nobody trusts unless told to, and its one certificate for this machine."""

    folder: Path

    @property
    def bundle(self) -> Path:
        """What a client must trust."""
        return self.folder / "ca.pem"

    @property
    def certificate(self) -> Path:
        """The certificate for localhost and 127.0.0.1."""
        return self.folder / "server.pem"

    @property
    def key(self) -> Path:
        """Its private key."""
        return self.folder / "server.key"

    def make(self) -> None:
        """Make all three."""
        authority = trustme.CA(organization_name="Throw-away CA", key_type=trustme.KeyType.ECDSA)
        leaf = authority.issue_cert("localhost", "127.0.0.1", key_type=trustme.KeyType.ECDSA)
        authority.cert_pem.write_to_path(self.bundle)
        leaf.cert_chain_pems[0].write_to_path(self.certificate)
        leaf.private_key_pem.write_to_path(self.key)

    @property
    def pin(self) -> str:
        """The key as Chromium wants it named (SHA-256 of SubjectPublicKeyInfo), to accept this one and no other."""
        leaf = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        key = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(key).digest()).decode()

    def environment(self) -> dict[str, str]:
        """The variables by which clients are told to trust it: the way of an operator with a CA of their own."""
        return {name: str(self.bundle) for name in TRUSTED_BY}


def program(name: str, package: str) -> str:
    """Where a program is. A missing one is a failure of the test, in one sentence."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    assert found, f"{name} is missing: apt-get install {package}"
    return found


def front(authority: Authority, *, port: int, server: int, pages: int) -> list[str]:
    """The command of nginx in the foreground: the provider on `port`, in front of `server`; files on `pages`."""
    folder = authority.folder
    site = folder / "spa"
    shutil.copytree(Path(__file__).parent / "spa", site)
    library = ROOT / "node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js"
    assert library.is_file(), "oidc-client-ts is missing: npm ci"
    shutil.copy(library, site)
    config = folder / "nginx.conf"
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    facts = {"folder": folder, "port": port, "server": server, "pages": pages, "temporary": temporary}
    config.write_text(CONFIG % facts, encoding="ascii")
    return [program("nginx", "nginx-light"), "-c", str(config), "-e", str(folder / "nginx.log")]


CONFIG = """daemon off; pid %(folder)s/nginx.pid; error_log %(folder)s/nginx.log warn; worker_processes 1;
events { worker_connections 256; }
http {
  %(temporary)s
  include /etc/nginx/mime.types; access_log off;
  ssl_certificate %(folder)s/server.pem; ssl_certificate_key %(folder)s/server.key; ssl_protocols TLSv1.2 TLSv1.3;
  server {
    listen 127.0.0.1:%(port)d ssl; server_name localhost;
    location ~ /metrics$ { return 404; }
    location / {
      proxy_pass http://127.0.0.1:%(server)d; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;
    }
  }
  server {
    listen 127.0.0.1:%(pages)d ssl; server_name 127.0.0.1; root %(folder)s/spa;
    location / { try_files $uri /index.html; }
  }
}
"""
