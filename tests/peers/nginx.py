"""nginx as a server: one worker, unprivileged, on a loopback port, everything in a private directory.

Paths: `/small` 13 bytes, `/16k`, `/1m` files sent with sendfile, `/chunked` 16 KiB in a chunked response, `/post` reads
a body up to 1 MiB and then answers. Connections are kept alive for as many requests as come.
"""

from __future__ import annotations

import os
import shutil

from tests.peers.ports import HOST, free_port, release_port
from tests.peers.process import Child, PeerError, accepts

SMALL = b"Hello, world\n"
ECHO_MODULE = "/usr/lib/nginx/modules/ngx_http_echo_module.so"
CHUNKED_BYTES = 16384
FILES = {"16k": 16 * 1024, "1m": 1024 * 1024}

_CONFIG = """\
{user}
load_module {echo};
daemon off;
worker_processes 1;
worker_rlimit_nofile 16000;
pid {folder}/nginx.pid;
error_log stderr error;
events {{
    worker_connections 15000;
    multi_accept on;
}}
http {{
    access_log off;
    default_type text/plain;
    server_tokens off;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 300s;
    keepalive_requests 1000000000;
    client_body_buffer_size 1m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    open_file_cache max=16;
    server {{
        listen {host}:{port} backlog=4096;
        root {folder}/files;
        location = /small {{ return 200 "Hello, world\\n"; }}
        location = /chunked {{ echo_duplicate {chunked} "x"; }}
        location = /post {{ echo_read_request_body; echo "posted"; }}
    }}
}}
"""


def nginx_path() -> str | None:
    """Where nginx is, or None if it or its echo module is not installed."""
    # Administrators' directories are not in everybody's PATH.
    found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    return found if found and os.path.exists(ECHO_MODULE) else None


class Nginx(Child):
    """A running nginx. `port` is its port on 127.0.0.1."""

    def __init__(self) -> None:
        binary = nginx_path()
        if binary is None:
            raise PeerError(f"nginx with {ECHO_MODULE} is not installed (Debian: nginx-light)")
        super().__init__([binary], name="nginx")
        self.port = free_port()
        self.argv += ["-p", str(self.folder), "-e", "stderr", "-c", str(self.folder / "nginx.conf")]
        self._write_files()

    def ready(self) -> bool:
        """True once it accepts."""
        return accepts((HOST, self.port))

    def close(self) -> None:
        """Stops nginx and gives its port back."""
        super().close()
        release_port(self.port)

    def _write_files(self) -> None:
        (self.folder / "files").mkdir()
        for name, size in FILES.items():
            (self.folder / "files" / name).write_bytes(bytes(i & 0x7F for i in range(256)) * (size // 256))
        # Workers of a root-owned master become "nobody", who may not enter the private directory.
        user = "user root;" if os.geteuid() == 0 else ""
        config = _CONFIG.format(
            user=user, echo=ECHO_MODULE, folder=self.folder, host=HOST, port=self.port, chunked=CHUNKED_BYTES
        )
        (self.folder / "nginx.conf").write_text(config)
